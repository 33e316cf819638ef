"""The interface to text encoders: what is read of a pair of responses, and who reads it.

Pure: no Django and no training library here. `training` registers the library that it has when its
app is ready; routing asks `library()` and never learns what is behind it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from annotate.wording import Refusal, Told


@dataclass(frozen=True)
class Pair:
    """A task's two responses in its own order: their ids and texts."""

    task_id: int
    responses: tuple[int, int]
    texts: tuple[str, str]


@dataclass(frozen=True)
class Reading:
    """alike: F1 of the tokens (BERTScore); cosine of the mean token embeddings.

    embeddings: that mean of either response, D float16 numbers, the lowest byte first.
    weights: what tells these weights of the encoder from all others.
    """

    task_id: int
    alike: float
    cosine: float
    embeddings: tuple[bytes, bytes]
    weights: str


class EncoderError(Refusal):
    """The encoder could not work (not installed, not found, its process died); says why."""


class ReadingStopped(Exception):
    """Whoever asked wants no more readings."""


@dataclass(frozen=True)
class Library:
    """`clean` checks the name of an encoder and raises InvalidValue. `absent`: why nothing can be
    read on this machine, None if it can. `read` gives readings as they come, in any order; it
    calls `should_stop` every few seconds, and raises ReadingStopped, EncoderError, or
    routing.judges.JudgeInterrupted when the worker is to end. `default`: an encoder that needs no
    network.
    """

    default: str
    clean: Callable[[object], str]
    absent: Callable[[], Told | None]
    read: Callable[[str, Sequence[Pair], Callable[[], bool]], Iterator[Reading]]


_libraries: list[Library] = []


def register(library: Library) -> None:
    """Once. Raises ValueError for a second one."""
    if _libraries:
        raise ValueError("a library of encoders is registered already")
    _libraries.append(library)


def library() -> Library:
    """Raises EncoderError where there is none."""
    if not _libraries:
        raise EncoderError("This installation has no encoders: the app `training` is missing.")
    return _libraries[0]


def default_here() -> str:
    """The encoder of new specifications: the library's own if this machine can read with it, else
    none.
    """
    there = _libraries[0] if _libraries else None
    return there.default if there is not None and not there.absent() else ""
