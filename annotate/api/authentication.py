"""Signing programs in: `Authorization: Token <secret>`."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from annotate.api.throttling import count_wrong_token
from annotate.services.people.tokens import find_token


def what_is_missing(request: Request) -> str:
    """What to send, to somebody who is neither signed in nor sent a token."""
    words = get_authorization_header(request).split()
    sent = "came with another scheme than Token" if words else "is missing"
    return f"The header Authorization {sent}. Send exactly: Authorization: Token <secret>."


class TokenAuthentication(BaseAuthentication):
    """DRF authentication by ApiToken; `request.auth` is the token."""

    keyword = "Token"

    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"token":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send exactly: Authorization: Token <secret>.")
        token = find_token(words[1].decode("ascii", "replace"))
        if token is None:
            count_wrong_token(request)
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked. "
                "Make a new one: manage.py token USER --scopes read,annotate,manage."
            )
        return token.user, token

    def authenticate_header(self, request) -> str:
        return self.keyword
