"""Signing programs in: `Authorization: Token <secret>`."""

import hashlib
import secrets
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from annotate.models import ApiToken, User

PREFIX = "tandem_"


def token_digest(secret: str) -> str:
    """What is kept of a secret. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(
    *, user: User, scopes: list[str], name: str = "", expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which cannot be had again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user, name=name, scopes=scopes, expires_at=expires_at, digest=token_digest(secret)
    )
    token.full_clean(exclude=["digest"])
    token.save()
    return token, secret


class TokenAuthentication(BaseAuthentication):
    """DRF authentication by ApiToken; `request.auth` is the token."""

    keyword = "Token"

    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"token":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send exactly: Authorization: Token <secret>.")
        now = timezone.now()
        token = (
            ApiToken.objects.select_related("user")
            .filter(digest=token_digest(words[1].decode("ascii", "replace")))
            .filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
            .first()
        )
        if token is None or not token.user.is_active:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked. "
                "Make a new one: manage.py token USER --scopes read,annotate,manage."
            )
        return token.user, token

    def authenticate_header(self, request) -> str:
        return self.keyword
