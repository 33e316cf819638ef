"""One's own data: to download, and to leave with."""

from typing import Any

from django import forms
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from annotate.inputs import InvalidValue
from annotate.models import Participation, User
from annotate.pages.reasons import in_words
from annotate.services.people.accounts import delete_account as end_account
from annotate.services.people.accounts import only_owned
from annotate.services.people.own_data import stream_own_data
from annotate.services.people.rates import TooManyTries


class DeleteForm(forms.Form):
    """It is meant, and it is the person."""

    username = forms.CharField(
        label=_("Your username, to confirm"),
        max_length=150,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.has_usable_password():
            del self.fields["password"]

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@never_cache
@require_safe
@login_required
def own_data(request: HttpRequest) -> StreamingHttpResponse:
    """All that is kept of you, as JSON."""
    response = StreamingHttpResponse(stream_own_data(request.user), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="my-tandem-data.json"'
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@login_required
def delete_account(request: HttpRequest) -> HttpResponse:
    """What goes and what stays; POST with name and password does it."""
    form, status = DeleteForm(request.user), 200
    if request.method == "POST":
        form, status = DeleteForm(request.user, request.POST), 422
        if form.is_valid():
            try:
                end_account(
                    user=request.user,
                    address=request.META["REMOTE_ADDR"],
                    **{"password": None, **form.cleaned_data},
                )
            except InvalidValue as error:
                status = 429 if isinstance(error, TooManyTries) else 422
                text = in_words(error)
                field = error.field if error.field in form.fields else None
                form.add_error(field, text[:1].upper() + text[1:])
            else:
                logout(request)
                return render(request, "annotate/account_deleted.html")
    context = {
        "form": form,
        "only_owned": only_owned(request.user),
        "took_part": Participation.objects.filter(user=request.user).exists(),
    }
    return render(request, "annotate/delete_account.html", context, status=status)


urlpatterns = [
    path("account/data/", own_data, name="own_data"),
    path("account/delete/", delete_account, name="delete_account"),
]
