"""Server-Sent Events, however the bytes are cut."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.chat.events import MAX_EVENT_BYTES, read_events
from annotate.chat.failures import ModelFailure
from tests.annotate.chat.running import run_alone

STREAM = (
    ": a comment\r\n\r\n"
    'event: message\ndata: {"a": "x\u2028y\u0085z"}\n\n'
    "data:no space\r\rid: 3\rdata: one\r\ndata: two\r\n\r\n"
    "data: 世界 🙂\n\ndata: [DONE]\n\ndata: cut in the mid"
).encode()
DATA = ['{"a": "x\u2028y\u0085z"}', "no space", "one\ntwo", "世界 🙂", "[DONE]"]


def events(*chunks: bytes) -> list[str]:
    async def give():
        for chunk in chunks:
            yield chunk

    async def collect():
        return [event async for event in read_events(give())]

    return run_alone(lambda: asyncio.run(collect()))


@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_any_cut_gives_the_same_events(places):
    cuts = [0, *sorted(places), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(cuts)]
    assert events(*chunks) == DATA


def test_a_missing_last_empty_line():
    assert events(b"data: [DONE]\n") == ["[DONE]"]
    assert events(b"data: [DO") == []
    assert events() == []


def test_what_is_refused():
    with pytest.raises(ModelFailure) as caught:
        events(b"data: \xff\n\n")
    assert caught.value.kind == "malformed"
    with pytest.raises(ModelFailure):
        events(b"data: " + b"x" * MAX_EVENT_BYTES)
