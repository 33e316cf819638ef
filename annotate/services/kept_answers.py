"""Requests that come again: what a key was answered first is answered again.

What a request does and the answer that is kept are one transaction, under an advisory lock of the
key. Of a request that failed or was killed nothing is left, so its key is free at once.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from annotate.models import KeptAnswer, User

KEEP = timedelta(hours=24)


class StillAnswering(Exception):
    """The first request with this key has no answer yet."""


class KeyTaken(Exception):
    """The key came before, with another body."""


def find_answer(*, digest: str, body_digest: str) -> KeptAnswer | None:
    """What the key was answered; None: this is the first request, and the key is locked till the
    end of the transaction, which the caller must be in.

    Two queries. Raises StillAnswering, at once, and KeyTaken.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(digest)])
        if not cursor.fetchone()[0]:
            raise StillAnswering
    kept = KeptAnswer.objects.filter(digest=digest).first()
    if kept is None:
        return None
    if kept.created_at < timezone.now() - KEEP:
        kept.delete()
        return None
    if kept.body_digest != body_digest:
        raise KeyTaken
    return kept


def keep_answer(*, user: User, digest: str, body_digest: str, status: int, body: str) -> KeptAnswer:
    """Keep a success, in the transaction of `find_answer`. One with a secret has no `body`."""
    return KeptAnswer.objects.create(
        user=user,
        digest=digest,
        body_digest=body_digest,
        status=status,
        body=body,
        created_at=timezone.now(),
    )


def forget_old() -> int:
    """Remove answers whose key counts no more; how many."""
    return KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEEP).delete()[0]


def _number(digest: str) -> int:
    """The lock's name: 64 of the digest's bits."""
    return int.from_bytes(bytes.fromhex(digest[:16]), signed=True)
