"""API tokens: issue, find, revoke."""

import copy
import hashlib
import secrets
import threading
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotate.inputs import clean_text
from annotate.kinds import InvalidValue
from annotate.models import ApiToken, Project, User
from annotate.services import audit

PREFIX = "tandem_"
MOST_REMEMBERED = 10_000
# A token's last use is written at most so often.
USE_WRITTEN_EVERY = timedelta(minutes=5)

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
    project: Project | None = None,
    actor: User | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its secret, which cannot be had again; `actor` is the user if not given.

    With a project, which the user must be a member of, it is good there alone. Raises InvalidValue.
    """
    known = ApiToken.Scope.values
    if not _is_scopes(scopes):
        raise InvalidValue("scopes", "must be one or more of: {known}", known=", ".join(known))
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidValue("expires_at", "lies in the past; give a later time, or none")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=clean_text("name", name, max_chars=100, lines=False),
        scopes=list(dict.fromkeys(scopes)),
        expires_at=expires_at,
        project=project,
        digest=token_digest(secret),
    )
    audit.record(
        action="token.issued",
        target=token,
        actor=actor or user,
        project=project,
        user=user.pk,
        scopes=token.scopes,
    )
    return token, secret


def refuse_more(given: ApiToken, *, scopes: object, expires_at: datetime | None) -> None:
    """What a token makes may do no more and live no longer than itself. Raises InvalidValue."""
    if _is_scopes(scopes) and set(scopes) - set(given.scopes):
        raise InvalidValue(
            "scopes",
            "are more than this token has itself: {has}",
            has=", ".join(given.scopes),
        )
    if given.expires_at is not None and (expires_at is None or expires_at > given.expires_at):
        raise InvalidValue(
            "expires_at",
            "is later than this token ends itself: {end}",
            end=given.expires_at.isoformat(),
        )


def _is_scopes(scopes: object) -> bool:
    known = ApiToken.Scope.values
    return isinstance(scopes, list) and bool(scopes) and all(one in known for one in scopes)


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
        if token is not None:
            _write_use(token)
    if token is None or (token.expires_at and token.expires_at <= timezone.now()):
        return None
    token = copy.copy(token)
    token.user = copy.copy(token.user)
    token.user.only_project = token.project_id
    return token


def _write_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < USE_WRITTEN_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_WRITTEN_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    token.last_used_at = now


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
        audit.record(
            action="token.revoked",
            target=token,
            actor=actor,
            project=token.project,
            user=token.user_id,
        )
    transaction.on_commit(lambda: _remember(token.digest, None, 0))
