"""API tokens: issue, find, revoke."""

import copy
import hashlib
import secrets
import threading
import time
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotate.inputs import clean_text
from annotate.kinds import InvalidValue
from annotate.models import ApiToken, User
from annotate.services import audit

PREFIX = "tandem_"
MOST_REMEMBERED = 10_000

_remembered: dict[str, tuple[float, ApiToken]] = {}
_lock = threading.Lock()


def token_digest(secret: str) -> str:
    """What is kept of a secret. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def issue_token(
    *,
    user: User,
    scopes: list[str],
    name: str = "",
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its secret, which cannot be had again; `actor` is the user if not given.

    Raises InvalidValue.
    """
    known = ApiToken.Scope.values
    if not scopes or set(scopes) - set(known):
        raise InvalidValue("scopes", "must be one or more of: {known}", known=", ".join(known))
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidValue("expires_at", "lies in the past; give a later time, or none")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=clean_text("name", name, max_chars=100, lines=False),
        scopes=list(dict.fromkeys(scopes)),
        expires_at=expires_at,
        digest=token_digest(secret),
    )
    audit.record(
        action="token.issued",
        target=token,
        actor=actor or user,
        user=user.pk,
        scopes=token.scopes,
    )
    return token, secret


def find_token(secret: str) -> ApiToken | None:
    """The valid token with this secret, with its user; None when there is none.

    A token that was found is believed for settings.TOKEN_MEMORY_SECONDS in this process, so a
    revocation, a user's deactivation or a change of scopes may take that long to be felt.
    """
    digest = token_digest(secret)
    until, token = _remembered.get(digest, (0.0, None))
    now = time.monotonic()
    if token is None or now >= until:
        token = (
            ApiToken.objects.select_related("user")
            .filter(digest=digest, revoked_at=None, user__is_active=True)
            .first()
        )
        _remember(digest, token, now)
    if token is None or (token.expires_at and token.expires_at <= timezone.now()):
        return None
    token = copy.copy(token)
    token.user = copy.copy(token.user)
    return token


def _remember(digest: str, token: ApiToken | None, now: float) -> None:
    with _lock:
        if token is None:
            _remembered.pop(digest, None)
            return
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[digest] = (now + settings.TOKEN_MEMORY_SECONDS, token)


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User | None) -> None:
    """End the token: at once in this process, in others as `find_token` tells.

    Doing it twice changes nothing.
    """
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(action="token.revoked", target=token, actor=actor, user=token.user_id)
    transaction.on_commit(lambda: _remember(token.digest, None, 0))
