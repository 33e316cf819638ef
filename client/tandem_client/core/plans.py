"""Plans: what to ask and what to make of the answers, as generators that do nothing themselves.

A plan yields effects; whoever runs it (`sync.py`, `asynchronous.py`) does them and sends back what
came of it. So every operation is written once, for both clients.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from tandem_client.core.requests import Broken, Reply, Request
from tandem_client.core.retries import Retries, retry_after
from tandem_client.errors import Interrupted, TandemError, failure

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Read:
    """The next piece of a streamed reply; b"" at its end."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand these out to whoever iterates."""

    items: Sequence[Any]


Effect = Request | Pause | Read | Emit
# What comes back: a Reply for a Request, bytes for a Read, else None.
Plan = Generator[Effect, Any, T]
Sent = Generator[Effect, Any, Reply]


def persist(request: Request, retries: Retries) -> Sent:
    """Send until it is answered well. Raises TandemError."""
    for attempt in count(1):
        outcome: Reply | Broken = yield request
        if isinstance(outcome, Reply) and outcome.status < 300:
            return outcome
        seconds = retries.pause(request, outcome, attempt)
        if seconds is None:
            raise failure(outcome, retry_after=retry_after(outcome))
        yield Pause(seconds)
    raise AssertionError("count() has no end")


def resolved(plan: Plan[T], retries: Retries) -> Plan[T]:
    """The same plan, its requests with retries and their errors raised inside it."""
    try:
        effect = next(plan)
        while True:
            try:
                result = yield from _resolve(effect, retries)
            except TandemError as error:
                effect = plan.throw(error)
            else:
                effect = plan.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        plan.close()


def _resolve(effect: Effect, retries: Retries) -> Generator[Effect, Any, Any]:
    if isinstance(effect, Request):
        return (yield from persist(effect, retries))
    result = yield effect
    if isinstance(result, Broken):
        raise Interrupted(result.reason)
    return result


def ask(request: Request) -> Plan[Any]:
    """The answer's JSON."""
    reply: Reply = yield request
    return reply.read()


def download(
    request: Request, begin: Callable[[], object], write: Callable[[bytes], object], again: int
) -> Plan[int]:
    """Hand the body to `write` piece by piece and give its length.

    Where it breaks off, `begin` is called and everything comes anew, `again` times at most.
    """
    for left in reversed(range(again + 1)):
        begin()
        try:
            reply: Reply = yield request
            size = 0
            while chunk := (yield Read(reply)):
                write(chunk)
                size += len(chunk)
        except Interrupted:
            if not left:
                raise
        else:
            return size
    raise AssertionError("the last attempt returns or raises")
