"""The judge interface: what an AI annotator is asked, what it answers, and which kinds exist.

Pure: no Django import here. A kind registers itself when its app is ready; whoever has questions
asks `get(kind).make(config, desk)` and never learns what is behind it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from annotate.kinds.contract import Shown
from annotate.wording import Told
from routing.judges.desk import Desk

PAIRS = frozenset({"pairwise"})


@dataclass(frozen=True)
class Question:
    """One task: a prompt and its responses, in the order in which the task stores them.

    `kind` is what the project asks, `settings` its cleaned settings; `shown` holds the responses
    as they are stored, for kinds whose answers point into them.
    """

    task_id: int
    system: str
    conversation: list[dict[str, str]]
    response_ids: tuple[int, ...]
    response_texts: tuple[str, ...]
    kind: str = "pairwise"
    settings: Any = None
    shown: Shown | None = None

    def text_of(self, response_id: int) -> str:
        return self.response_texts[self.response_ids.index(response_id)]


@dataclass(frozen=True)
class Verdict:
    """What a judge makes of a question, all its calls taken together.

    `p_first`: its probability (0..1) that the first response is the better one. Other kinds than
    pairs have a `value` in the kind's own form. With neither it abstains, and `why_not` says why
    (a message of the catalogues, Told where it has values);
    `failed` tells an abstention from a call that failed. There is no label then.
    """

    task_id: int
    p_first: float | None
    raw: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    value: dict[str, Any] | None = None
    why_not: str | Told = ""
    failed: bool = False

    @property
    def says_something(self) -> bool:
        return self.p_first is not None or self.value is not None


class Judge(Protocol):
    """Answers questions in any order, some at a time; one it cannot answer it leaves out.

    Each question is asked once. A judge that may favour a place must show both orders to itself
    and answer with what the place had no part in.
    """

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]: ...


class JudgeError(Told, Exception):
    """The judge could not work at all (its model is missing, its process died); says why.

    Its reason is a message of the catalogues, or what a process said that knows none.
    """

    def __init__(self, reason: str, /, **values: object) -> None:
        Told.__init__(self, reason, **values)
        self.args = (self.message,)


class JudgeInterrupted(Exception):
    """The judge's process is to end; what it has not answered should be asked again elsewhere."""


@dataclass(frozen=True)
class JudgeKind:
    """`make` builds a judge from its config; `newest` gives the config in service for a project.

    `newest(project_id)` returns None while there is nothing to judge with. `clean` checks a config
    that a manager wrote and fills in what is left out, raising InvalidValue; without it managers
    cannot set this kind up. `check` then looks whether it fits the project. `asks`: the kinds of
    feedback it can give. `learned_from(config)`: the ids of the snapshots whose training rows it
    was fitted to. A kind that `calls` others (a server, other judges) is made with a desk,
    and its calls are on record there.
    """

    name: str
    make: Callable[..., Judge]
    newest: Callable[[int], dict[str, Any] | None] = lambda project_id: None
    clean: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    check: Callable[[int, Mapping[str, Any]], None] = lambda project_id, config: None
    asks: frozenset[str] = PAIRS
    learned_from: Callable[[Mapping[str, Any]], frozenset[int]] = lambda config: frozenset()
    calls: bool = False
    priced: bool = False
    simulated: bool = False

    def judge(self, config: Mapping[str, Any], desk: Desk) -> Judge:
        """A judge at work. Raises JudgeError."""
        return self.make(config, desk) if self.calls else self.make(config)


_kinds: dict[str, JudgeKind] = {}


def register(kind: JudgeKind) -> None:
    """Add a kind under its name, once. Raises ValueError for a second one of that name."""
    if kind.name in _kinds:
        raise ValueError(f"judge kind {kind.name!r} is registered twice")
    _kinds[kind.name] = kind


def get(name: str) -> JudgeKind:
    """The kind. Raises JudgeError naming those that there are."""
    try:
        return _kinds[name]
    except KeyError:
        there = ", ".join(sorted(_kinds)) or "none"
        raise JudgeError(
            "unknown judge kind {name!r}; registered: {there}", name=name, there=there
        ) from None


def kinds() -> list[JudgeKind]:
    """All of them, by name."""
    return [_kinds[name] for name in sorted(_kinds)]
