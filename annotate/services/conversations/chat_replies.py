"""Writing down a reply while it comes, with no connection held in between."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils import timezone

from annotate.chat.completions import Piece, stream_reply
from annotate.chat.failures import ModelFailure
from annotate.chat.reading import Patience, read_pieces
from annotate.models import ChatReply, ChatSession
from annotate.models.chat import ABANDONED_AFTER
from annotate.services.conversations.chat_models import target_of
from annotate.wording import Told, in_two

SAVE_SECONDS = 1.0

_lines = threading.BoundedSemaphore(settings.CHAT_LINES)


@dataclass
class _Heard:
    """What came so far."""

    text: str = ""
    finish_reason: str = ""
    first_text_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def add(self, piece: Piece, milliseconds: int) -> None:
        if piece.text and self.first_text_ms is None:
            self.first_text_ms = milliseconds
        self.text += piece.text
        self.finish_reason = piece.finish_reason or self.finish_reason
        for name in ("prompt_tokens", "completion_tokens"):
            if getattr(piece, name) is not None:
                setattr(self, name, getattr(piece, name))


def run_reply(
    *, reply: ChatReply, messages: list[dict[str, str]], patience: Patience | None = None
) -> Iterator[str]:
    """Ask the model; yields the bits of text, "" when there is none for a while.

    Whatever happens, the row ends as done, stopped or failed; afterwards `reply` is as stored.
    Between writes the database connection is given back. Once begun it must be run to its end.
    """
    heard = _Heard()
    state, failure = ChatReply.State.DONE, None
    try:
        for bit in _listen(reply, messages, heard, patience or Patience(**settings.CHAT_PATIENCE)):
            if bit is None:
                state = ChatReply.State.STOPPED
                break
            yield bit
        else:
            if not heard.text.strip():
                raise ModelFailure(
                    "empty", Told("no text; finish_reason {reason!r}", reason=heard.finish_reason)
                )
    except ModelFailure as error:
        state, failure = ChatReply.State.FAILED, error
    except BaseException:
        _end(reply, heard, ChatReply.State.FAILED, ModelFailure("interrupted", ""))
        raise
    _end(reply, heard, state, failure)


def _listen(
    reply: ChatReply, messages: list[dict[str, str]], heard: _Heard, patience: Patience
) -> Iterator[str | None]:
    """Bits of text; None once somebody asked to stop. Saves every second."""
    target = target_of(reply.model)
    if not _lines.acquire(blocking=False):
        raise ModelFailure(
            "busy", Told("all {count} lines of this process are in use", count=settings.CHAT_LINES)
        )
    try:
        release_connection()
        began = saved = time.monotonic()
        pieces = read_pieces(
            stream_reply(target, messages, private_hosts=settings.CHAT_PRIVATE_HOSTS),
            patience,
            tick=min(SAVE_SECONDS, patience.silence / 2),
        )
        try:
            for piece in pieces:
                now = time.monotonic()
                if piece:
                    heard.add(piece, round(1000 * (now - began)))
                if now - saved >= SAVE_SECONDS:
                    saved = now
                    if not _save(reply, heard):
                        yield None
                        return
                yield piece.text if piece else ""
        finally:
            pieces.close()
    finally:
        _lines.release()


def _save(reply: ChatReply, heard: _Heard) -> bool:
    """Whether to go on: nobody asked to stop, nobody has given the reply up."""
    row = ChatReply.objects.filter(pk=reply.pk, state=ChatReply.State.STREAMING)
    saved = row.update(text=heard.text, heartbeat_at=timezone.now())
    wanted = saved and row.filter(stop_asked=False).exists()
    release_connection()
    return bool(wanted)


def _end(reply: ChatReply, heard: _Heard, state: str, failure: ModelFailure | None = None) -> None:
    now = timezone.now()
    _detail, told = in_two(failure.said) if failure else ("", None)
    ChatReply.objects.filter(pk=reply.pk, state=ChatReply.State.STREAMING).update(
        state=state,
        told=told,
        failure=failure.kind if failure else "",
        detail=failure.detail[:500] if failure else "",
        retry_after=failure.retry_after if failure else None,
        heartbeat_at=now,
        finished_at=now,
        text=heard.text,
        finish_reason=heard.finish_reason,
        first_text_ms=heard.first_text_ms,
        prompt_tokens=heard.prompt_tokens,
        completion_tokens=heard.completion_tokens,
    )
    reply.refresh_from_db()
    release_connection()


def settle_abandoned(session: ChatSession) -> None:
    """Replies whose process is gone have failed; what came of them is kept."""
    now = timezone.now()
    ChatReply.objects.filter(
        turn__session=session,
        state=ChatReply.State.STREAMING,
        heartbeat_at__lt=now - ABANDONED_AFTER,
    ).update(state=ChatReply.State.FAILED, failure=ChatReply.Failure.INTERRUPTED, finished_at=now)


def release_connection() -> None:
    """Give the thread's connection back, unless a transaction (of a test) is open on it."""
    if not connection.in_atomic_block:
        connection.close()
