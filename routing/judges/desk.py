"""What a judge that makes calls works at: calls on record, money, rates, secrets, other judges.

Pure: the services keep the books (`routing/services/ledger.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from annotate.wording import Told, translatable

if TYPE_CHECKING:
    from routing.judges import Question, Verdict

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


class Pause(Exception):
    """No call may begin for so many seconds: a limit of rates, or the server asked for it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s")
        self.seconds = seconds


class Answered(Exception):
    """The call was made and answered meanwhile."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("answered")
        self.outcome = outcome


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

    def begin(self, key: Key, *, prompt_tokens: int, completion_tokens: int, template: str) -> int:
        """Put the call on record and reserve the most it can cost; the tokens are upper bounds.

        Raises Pause; Answered where somebody else was faster; JudgeError when the money is spent.
        """

    def end(self, call_id: int, outcome: Outcome) -> None:
        """Write down how it ended, and charge for it."""

    def consult(
        self, judge_id: int, items: "Sequence[Question]", should_stop: Callable[[], bool]
    ) -> "Iterator[Verdict]":
        """What another judge of the project says. Raises JudgeError."""
