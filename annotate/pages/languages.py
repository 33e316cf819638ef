"""The interface's language: one that was chosen, else what the browser asks for."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.urls import path
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

YEAR = 365 * 24 * 3600


class LanguageMiddleware(LocaleMiddleware):
    """Django's, but the API speaks English: programs compare what it says and keep it in logs."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith("/api/v1/"):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith("/api/v1/"):
            response.headers.setdefault("Content-Language", "en")
            return response
        return super().process_response(request, response)


@require_POST
def change_language(request: HttpRequest) -> HttpResponse:
    """Keep the choice in a cookie, so that it holds before anybody has logged in.

    No language is the browser's. Goes back to the page `next`.
    """
    language, back = request.POST.get("language", ""), request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = "home"
    response = redirect(back)
    if language in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=YEAR,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
    return response


urlpatterns = [path("language/", change_language, name="change_language")]
