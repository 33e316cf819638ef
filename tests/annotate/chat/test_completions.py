"""The client against a real server over HTTP: replies, and every way to fail."""

import itertools
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from annotate.chat.completions import MAX_REPLY_CHARS, Target, stream_reply
from annotate.chat.failures import ModelFailure
from annotate.chat.reading import Patience, read_pieces
from tests.chat_server import KEY
from tests.waiting import PATIENCE

PRIVATE = ("127.0.0.1",)
PATIENT = Patience()
LONG = 600.0


def read(server, model: str, *, patience=PATIENT, until=None, **target):
    """All pieces, read in a thread of its own: a test before this one may have left a loop."""
    whom = Target(target.pop("base_url", server and server.base_url), model, **target)
    messages = [{"role": "user", "content": "Hello \u2028 世界"}]

    def run():
        pieces = []
        reading = read_pieces(
            stream_reply(whom, messages, private_hosts=PRIVATE), patience, tick=0.05
        )
        for piece in reading:
            if piece is not None:
                pieces.append(piece)
            if until and until(pieces):
                break
        reading.close()
        return pieces

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def text_of(pieces) -> str:
    return "".join(piece.text for piece in pieces)


def test_a_streamed_reply_with_its_tokens(chat_server):
    pieces = read(chat_server, "echo", secret=KEY, parameters={"temperature": 0.5})
    assert text_of(pieces) == "**echo** heard: Hello \u2028 世界"
    assert len([piece for piece in pieces if piece.text]) > 3
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
    assert (pieces[-1].prompt_tokens, pieces[-1].completion_tokens) == (9, 5)
    assert chat_server.keys == [f"Bearer {KEY}"]
    [body] = chat_server.requests
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["temperature"] == 0.5


def test_without_a_key_and_without_usage(chat_server):
    read(chat_server, "echo", parameters={"stream_options": None})
    assert chat_server.keys == [None]
    assert "stream_options" not in chat_server.requests[0]


def test_a_server_that_does_not_stream(chat_server):
    assert text_of(read(chat_server, "whole")) == "All at once."


@pytest.mark.parametrize(
    ("model", "kind", "says"),
    [
        ("rate_limited", "rate_limited", "429"),
        ("server_error", "server_error", "500"),
        ("bad_key", "refused", "Incorrect API key"),
        ("redirect", "refused", "307"),
        ("malformed", "malformed", "not JSON"),
        ("cut", "broken_off", "ended before"),
        ("error_inside", "server_error", "the GPU is gone"),
    ],
)
def test_failures_are_told_apart_and_hold_no_key(chat_server, model, kind, says):
    with pytest.raises(ModelFailure) as caught:
        read(chat_server, model, secret=KEY)
    assert caught.value.kind == kind
    assert says in caught.value.detail
    assert KEY not in str(caught.value)
    assert caught.value.retry_after == (7 if model == "rate_limited" else None)


@pytest.mark.parametrize("before", [185, 195, 480])
def test_a_key_that_is_said_back_is_nowhere_cut_in_two(chat_server, before):
    def parrot(handler, body):
        handler.begin_stream()
        handler.event("x" * before + KEY)

    chat_server.scripts["parrot"] = parrot
    with pytest.raises(ModelFailure) as caught:
        read(chat_server, "parrot", secret=KEY)
    assert KEY[:4] not in caught.value.detail


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        with pytest.raises(ModelFailure) as caught:
            read(None, "echo", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("model", "patience", "says"),
    [
        ("silent", Patience(first=0.6, silence=LONG, total=LONG), "nothing for 0.6 s"),
        ("halting", Patience(first=LONG, silence=0.4, total=LONG), "nothing for 0.4 s"),
        ("endless", Patience(first=LONG, silence=LONG, total=1.0), "not finished after 1 s"),
    ],
    ids=["first", "silence", "total"],
)
def test_every_wait_is_bounded(chat_server, model, patience, says):
    """By its own bound: none of these servers would end, or say more, by itself."""
    began = time.monotonic()
    with pytest.raises(ModelFailure) as caught:
        read(chat_server, model, patience=patience)
    assert (caught.value.kind, caught.value.detail) == ("timed_out", says)
    assert time.monotonic() - began > min(patience.first, patience.silence, patience.total)
    assert not chat_server.ending.is_set()
    assert not chat_server.go.is_set()


def test_closing_hangs_up(chat_server):
    pieces = read(chat_server, "endless", until=lambda so_far: len(text_of(so_far)) > 30)
    assert text_of(pieces).startswith("on and on and ")
    assert chat_server.hung_up.wait(PATIENCE)


@pytest.mark.parametrize("model", ["endless", "halting", "silent"])
@pytest.mark.parametrize("looks", [1, 2, 5, 12])
def test_closing_leaves_nothing_for_the_event_loop_to_complain_of(
    chat_server, caplog, model, looks
):
    """Whether a piece just came or none does: the generators close in order."""
    seen = itertools.count(1)
    read(chat_server, model, until=lambda _: next(seen) >= looks)
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_a_reply_without_end_is_cut(chat_server):
    def flood(handler, body):
        handler.begin_stream()
        while True:
            handler.say("x" * 30_000)

    chat_server.scripts["flood"] = flood
    pieces = read(chat_server, "flood")
    assert len(text_of(pieces)) == MAX_REPLY_CHARS
    assert pieces[-1].finish_reason == "too_long"
    assert chat_server.hung_up.wait(PATIENCE)


def test_text_that_the_database_cannot_hold(chat_server):
    def odd(handler, body):
        handler.begin_stream()
        handler.event('{"choices": [{"delta": {"content": "a\\u0000b\\ud800c"}}]}')
        handler.end()

    chat_server.scripts["odd"] = odd
    assert text_of(read(chat_server, "odd")) == "a\ufffdb?c"
