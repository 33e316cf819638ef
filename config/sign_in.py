"""What Django is told where people may sign in through a provider: docs/sign-in.md."""

from collections.abc import Mapping
from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

from annotate.sign_in.provider import PREFIX, Provider, read_provider

APPS = [
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
ADAPTER = "annotate.sign_in.adapter.SignInAdapter"


def provider(environment: Mapping[str, str]) -> Provider | None:
    """The provider of TANDEM_OIDC_…, None without. Raises ImproperlyConfigured."""
    try:
        found = read_provider(environment)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from None
    if found is not None and (find_spec("allauth") is None or find_spec("jwt") is None):
        raise ImproperlyConfigured(
            f"{PREFIX}ISSUER is set, but the extra oidc is not installed. "
            'Install it: TANDEM_EXTRAS="training oidc" bin/serve.'
        )
    return found


def hide_tables() -> None:
    """Take django-allauth's tables, which stay empty, out of the admin's pages.

    Call it when the admin has found them.
    """
    from django.apps import apps
    from django.contrib import admin

    for app in ("account", "socialaccount"):
        if apps.is_installed(f"allauth.{app}"):
            for model in apps.get_app_config(app).get_models():
                if admin.site.is_registered(model):
                    admin.site.unregister(model)
