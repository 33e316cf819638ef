"""Making calls: some at a time, each on record before it is sent, tried again where that helps.

Those that are due together go on record together, and so do those whose replies came together: the
faster the server, the fewer transactions a call takes.
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field, replace
from typing import Any

from annotate.chat.completions import Completion
from annotate.chat.failures import ModelFailure
from annotate.wording import Told
from routing.judges import JudgeError
from routing.judges.asking.contract import InvalidAnswer, Reading
from routing.judges.desk import (
    BY_TOKENS,
    EVERYTHING,
    NOTHING,
    Desk,
    Key,
    Outcome,
    Pause,
    Wanted,
)
from routing.judges.line import Line, Send

TICK = 0.5  # seconds between two looks at whether to stop
RATE_LIMITED_ATTEMPTS = 12  # of a call that costs nothing while it is turned away
LONGEST_WAIT = 60.0  # seconds before a call is tried again, unless the server asks for more
GIVE_UP_AFTER = 5  # calls in a row that cannot go well: a wrong key, nobody there

# What the server said before it worked: nothing can have been billed.
TURNED_AWAY = ("rate_limited", "refused", "server_error", "unreachable")
HOPELESS = ("refused", "unreachable")
FINAL = ("refused", "interrupted")


@dataclass(frozen=True, order=True)
class _Due:
    """A call that waits for its time."""

    ready_at: float
    number: int
    call: "Call" = field(compare=False)
    attempt: int = field(compare=False, default=1)


@dataclass(frozen=True)
class Call:
    """One request, and how its reply is read (`read` raises InvalidAnswer)."""

    wanted: Wanted
    send: Send
    read: Callable[[Completion], Reading]

    @property
    def key(self) -> Key:
        return self.wanted.key


def make_calls(
    calls: Sequence[Call], desk: Desk, should_stop: Callable[[], bool]
) -> Iterator[tuple[Key, Outcome]]:
    """Each call's last outcome, as they come. What is under way when the caller leaves, or when
    the money is spent, is on record in any case.

    Raises JudgeError when the spending limit is reached, or the server refuses everything.
    """
    with Line(patience=desk.patience) as line:
        yield from _Errands(calls, desk, line, should_stop).run()


class _Errands:
    def __init__(
        self, calls: Sequence[Call], desk: Desk, line: Line, should_stop: Callable[[], bool]
    ) -> None:
        self.desk = desk
        self.line = line
        self.should_stop = should_stop
        self.due = [_Due(0.0, number, call) for number, call in enumerate(calls)]
        self.going: dict[Future[Any], tuple[int, _Due, float]] = {}
        self.paused_until = 0.0
        self.hopeless = 0
        self.stop: JudgeError | bool = False

    def run(self) -> Iterator[tuple[Key, Outcome]]:
        try:
            while self.going or (self.due and not self.stop):
                if not self.stop and self.should_stop():
                    self.stop = True
                yield from self._begin_some()
                yield from self._end_some()
        finally:
            self._leave()
        if isinstance(self.stop, JudgeError):
            raise self.stop

    def _begin_some(self) -> Iterator[tuple[Key, Outcome]]:
        """Yields those that turn out to be answered already."""
        answered: list[tuple[Key, Outcome]] = []
        room = self.desk.concurrency - len(self.going)
        now = time.monotonic()
        if self.stop or self.paused_until > now:
            return
        ready: list[_Due] = []
        while self.due and len(ready) < room and self.due[0].ready_at <= now:
            ready.append(heapq.heappop(self.due))
        if not ready:
            return
        begun = self.desk.begin([due.call.wanted for due in ready])
        for due, place in zip(ready, begun.places, strict=False):
            if isinstance(place, int):
                self.going[self.line.send(due.call.send)] = (place, due, now)
            else:
                answered.append((due.call.key, place))
        for due in ready[len(begun.places) :]:
            heapq.heappush(self.due, due)
        if isinstance(begun.stopped, Pause):
            self.paused_until = now + begun.stopped.seconds
        elif begun.stopped is not None:
            self.stop = begun.stopped
        yield from answered  # only now: whoever leaves here leaves what is going to _leave

    def _end_some(self) -> Iterator[tuple[Key, Outcome]]:
        """Wait for a reply, for the time of the next call, or for a TICK."""
        now = time.monotonic()
        until = now + TICK
        if self.due and not self.stop and len(self.going) < self.desk.concurrency:
            until = min(until, max(self.due[0].ready_at, self.paused_until, now + 0.001))
        if not self.going:
            time.sleep(max(0.0, min(TICK, until - now)))
            return
        done, _ = wait(self.going, timeout=until - now, return_when=FIRST_COMPLETED)
        now = time.monotonic()
        ended = []
        for future in done:
            number, due, began = self.going[future]
            ended.append((number, due, _outcome(future, due.call, now - began)))
        if ended:
            self.desk.end([(number, outcome) for number, _, outcome in ended])
        for future in done:
            del self.going[future]  # whatever raised before leaves it to _leave
        over = [(due, outcome) for _, due, outcome in ended if not self._again(due, outcome)]
        for due, outcome in over:
            yield due.call.key, outcome

    def _again(self, due: _Due, outcome: Outcome) -> bool:
        """Whether the call is tried once more, later."""
        failure = outcome.failure
        self.hopeless = self.hopeless + 1 if failure in HOPELESS else 0
        if self.hopeless >= GIVE_UP_AFTER:
            self.stop = self.stop or JudgeError(
                "The last {count} calls were all turned away: {detail}",
                count=GIVE_UP_AFTER,
                detail=outcome.detail,
            )
        limited = failure == "rate_limited"
        most = RATE_LIMITED_ATTEMPTS if limited else self.desk.attempts
        if not failure or failure in FINAL or due.attempt >= most or self.stop:
            return False
        waits = outcome.retry_after
        if waits is None:
            waits = min(LONGEST_WAIT, 0.5 * 2 ** (due.attempt - 1))
        ready_at = time.monotonic() + waits
        if limited:
            self.paused_until = max(self.paused_until, ready_at)
        heapq.heappush(self.due, _Due(ready_at, due.number, due.call, due.attempt + 1))
        return True

    def _leave(self) -> None:
        """Calls under way whose answers nobody waits for any more: they may have been billed."""
        ended = []
        for future, (number, _, began) in self.going.items():
            future.cancel()
            said = Outcome(
                failure="interrupted",
                detail=Told("the run ended before the answer came"),
                seconds=time.monotonic() - began,
                charge=EVERYTHING,
            )
            ended.append((number, said))
        if ended:
            self.desk.end(ended)
        self.going.clear()


def _outcome(future: "Future[Any]", call: Call, seconds: float) -> Outcome:
    try:
        said: Completion = future.result()
    except (ModelFailure, CancelledError) as error:
        kind = error.kind if isinstance(error, ModelFailure) else "interrupted"
        after = error.retry_after if isinstance(error, ModelFailure) else None
        return Outcome(
            failure=kind,
            detail=error.said if isinstance(error, ModelFailure) else "",
            retry_after=after,
            seconds=seconds,
            charge=NOTHING if kind in TURNED_AWAY else EVERYTHING,
        )
    raw: dict[str, Any] = {"text": said.text, "model": said.model, "end": said.finish_reason}
    if said.first_token:
        raw["first_token"] = [list(one) for one in said.first_token]
    counted = said.prompt_tokens is not None and said.completion_tokens is not None
    ended = Outcome(
        raw=raw,
        prompt_tokens=said.prompt_tokens,
        completion_tokens=said.completion_tokens,
        seconds=seconds,
        charge=BY_TOKENS if counted else EVERYTHING,
    )
    try:
        reading = call.read(said)
    except InvalidAnswer as error:
        return replace(ended, failure="invalid", detail=error.apart())
    raw |= reading.note
    return replace(ended, p_first=reading.p_first, value=reading.value)
