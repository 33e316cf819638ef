"""Work goes to the account it was done under, whoever is logged in by now.

The pages say whose they are: forms in the field `account`, scripts in a header. Cookies belong to
the browser, so a page, or an answer that waits in it, can meet the session of somebody else.
"""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

HEADER = "X-Tandem-Account"
FIELD = "account"


def same_account(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse what says that it is of another account than the one logged in: 403 for scripts.

    Browsers go to the work page of the account that is logged in. What says nothing passes.
    """

    @wraps(view)
    def checked(request: HttpRequest, project_id: int, **named: int) -> HttpResponse:
        if _said(request) in ("", str(request.user.pk)):
            return view(request, project_id=project_id, **named)
        text = _(
            "This was done under another account than the one that is logged in now, so nothing "
            "was saved. Log in with that account to send it."
        )
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"detail": text, "field": FIELD}, status=403)
        messages.warning(request, text)
        return redirect("work", project_id)

    return checked


def _said(request: HttpRequest) -> str:
    return request.headers.get(HEADER) or request.POST.get(FIELD, "")
