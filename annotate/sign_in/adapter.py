"""What django-allauth is told: the provider is the environment's, never a row of its tables."""

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest

OPENID_CONNECT = "openid_connect"


class SignInAdapter(DefaultSocialAccountAdapter):
    """The one provider of the settings."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[Any]:
        """Asks no database."""
        from allauth.socialaccount.models import SocialApp  # its registry must be loaded before

        ours = settings.SIGN_IN
        if ours is None or provider not in (None, OPENID_CONNECT, ours.id):
            return []
        return [
            SocialApp(
                provider=OPENID_CONNECT,
                provider_id=ours.id,
                name=ours.name,
                client_id=ours.client_id,
                secret=ours.secret,
                settings={"server_url": ours.configuration_url, "oauth_pkce_enabled": True},
            )
        ]
