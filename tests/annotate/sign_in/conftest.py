"""Tandem with a provider: django-allauth is loaded for these tests, without its tables."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from urllib.parse import urlsplit

import httpx
import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from annotate.sign_in.provider import Provider as Settings
from config import sign_in
from tests.oidc_provider import CLIENT_ID, SECRET, Provider, serve_provider


@pytest.fixture(scope="package", autouse=True)
def allauth_is_loaded(django_db_setup) -> Iterator[None]:
    """Its models are never asked: a query of theirs would fail, since there are no tables.

    The other apps are ready already, and some may say so only once.
    """
    import_module(django_settings.ROOT_URLCONF)  # it asks once whether a provider is set
    addresses = "tests.annotate.sign_in.addresses"
    middleware = [*django_settings.MIDDLEWARE, *sign_in.MIDDLEWARE]
    loaded = override_settings(INSTALLED_APPS=[*django_settings.INSTALLED_APPS, *sign_in.APPS])
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=addresses):
        with pytest.MonkeyPatch.context() as patch:
            for app in apps.get_app_configs():
                patch.setattr(type(app), "ready", lambda self: None)
            loaded.enable()
        yield
        loaded.disable()


@pytest.fixture
def server() -> Iterator[Provider]:
    """The provider, at which ada is signed in."""
    with serve_provider() as provider:
        provider.person = {
            "sub": "ada-at-the-provider",
            "email": "ada@example.org",
            "email_verified": True,
            "preferred_username": "ada",
            "given_name": "Ada",
            "family_name": "Lovelace",
        }
        yield provider


@pytest.fixture
def lets_in(settings, server) -> Callable[..., None]:
    """lets_in("domains", "example.org"): who gets an account."""

    def let(sign_up: str, *domains: str) -> None:
        settings.SIGN_IN = replace(settings.SIGN_IN, sign_up=sign_up, domains=domains)

    settings.SIGN_IN = Settings(
        id="lab", name="The Lab", issuer=server.issuer, client_id=CLIENT_ID, secret=SECRET
    )
    return let


@pytest.fixture
def leave(lets_in) -> Callable[..., str]:
    """leave(client, **posted) -> the address of Tandem that the provider sends back to."""

    def go(client: Client, **posted: str) -> str:
        answer = client.post(reverse("begin_sign_in", args=["lab"]), posted)
        assert answer.status_code == 200, answer.content.decode()
        sent = httpx.get(answer["Refresh"].removeprefix("0; url="))
        assert sent.status_code == 302, sent.text
        back = urlsplit(sent.headers["Location"])
        assert f"{back.scheme}://{back.netloc}" == "http://testserver"
        return f"{back.path}?{back.query}"

    return go


@pytest.fixture
def through(leave) -> Callable[..., HttpResponse]:
    """through(client, **posted) -> Tandem's answer to who comes back from the provider."""

    def go(client: Client, **posted: str) -> HttpResponse:
        return client.get(leave(client, **posted))

    return go
