"""What a judge that makes calls works at: calls on record, money, rates, secrets, other judges.

Pure: the services keep the books (`routing/services/ledger.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from annotate.wording import Told, translatable

if TYPE_CHECKING:
    from routing.judges import JudgeError, Question, Verdict

# What a finished call costs: what its tokens cost; nothing, since it was turned away; or all that
# was reserved for it, since nobody can say that it was not billed.
BY_TOKENS, NOTHING, EVERYTHING = "tokens", "nothing", "everything"

# What JudgeCall.Failure calls a failure.
FAILURES = {
    "rate_limited": translatable("Too many requests (429)"),
    "refused": translatable("The request was refused (4xx)"),
    "server_error": translatable("The model's server failed (5xx)"),
    "unreachable": translatable("No connection"),
    "timed_out": translatable("Nothing came in time"),
    "broken_off": translatable("The reply broke off"),
    "malformed": translatable("The reply could not be read"),
    "invalid": translatable("The answer was not what was asked for"),
    "interrupted": translatable("This server was interrupted"),
}


@dataclass(frozen=True)
class Key:
    """Which call: a task, its responses in the order shown, and which of several samples."""

    task_id: int
    shown: tuple[int, ...]
    sample: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a call ended: an answer that was read, or a `failure` with its `detail`, Told or what
    a server said.
    """

    raw: dict[str, Any] = field(default_factory=dict)
    p_first: float | None = None
    value: dict[str, Any] | None = None
    failure: str = ""
    detail: str | Told = ""
    retry_after: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    charge: str = BY_TOKENS


@dataclass(frozen=True)
class Wanted:
    """A call that is to begin. The tokens are upper bounds, for the money that is reserved."""

    key: Key
    template: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Begun:
    """What became of the first of the calls that were to begin, in their order: the number on
    record of one that may be sent now, or the outcome of one that was answered meanwhile. Where
    these are not all, `stopped` says why the next did not begin: a Pause, or a JudgeError when the
    money is spent.
    """

    places: Sequence[int | Outcome]
    stopped: "Pause | JudgeError | None" = None


class Pause(Exception):
    """No call may begin for so many seconds: a limit of rates, or the server asked for it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s")
        self.seconds = seconds


class Desk(Protocol):
    """Calls are begun before and ended after they are made, each in a transaction of its own.

    `may_call`: False where only what is on record is to be heard, whoever asks.
    """

    may_call: bool
    private_hosts: Collection[str]
    concurrency: int
    attempts: int
    patience: float

    def secret(self, key_name: str, base_url: str) -> str:
        """The key for that address, "" for no name. Raises JudgeError."""

    def known(self, task_ids: Collection[int], template: str) -> Mapping[Key, Outcome]:
        """Calls that are over and must not be made again: answered, or failed for good."""

    def begin(self, calls: Sequence[Wanted]) -> Begun:
        """Put them on record and reserve the most that each can cost, in one transaction."""

    def end(self, ended: Sequence[tuple[int, Outcome]]) -> None:
        """Write down how these ended, by their numbers, and charge for them, in one transaction."""

    def consult(
        self, judge_id: int, items: "Sequence[Question]", should_stop: Callable[[], bool]
    ) -> "Iterator[Verdict]":
        """What another judge of the project says. Raises JudgeError."""
