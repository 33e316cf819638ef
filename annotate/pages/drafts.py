"""The unfinished answer of the work page, which its script saves as somebody types."""

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotate.kinds import InvalidValue
from annotate.pages.reasons import in_words
from annotate.pages.same_account import same_account
from annotate.pages.work import problem
from annotate.services.work import drafts
from annotate.services.work.seats import SeatGone


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
@same_account
def save_draft(request: HttpRequest, project_id: int, seat_id: int) -> HttpResponse:
    """Keep what is typed so far; the body is the draft as JSON. 204, or 200 and as `aside` what
    another browser had entered. GET: `saved_at` of the draft that stands, 0 without one.
    """
    if request.method == "GET":
        return JsonResponse({"saved_at": drafts.saved_at(seat_id=seat_id, user=request.user)})
    try:
        value = json.loads(request.body)
        aside = drafts.save_draft(seat_id=seat_id, user=request.user, value=value)
    except InvalidValue as error:
        return problem(400, in_words(error), field=error.field)
    except (ValueError, RecursionError) as error:
        return problem(400, _("is not JSON: {error}").format(error=error), field="body")
    except SeatGone as error:
        return problem(409, str(error))
    return HttpResponse(status=204) if aside is None else JsonResponse({"aside": aside})


urlpatterns = [
    path("projects/<int:project_id>/work/<seat:seat_id>/draft/", save_draft, name="save_draft"),
]
