"""Judging: a seat is leased, answered or handed back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import get, given, path_of, send
from tandem_client.shapes import Judgement, Lease, Left, Renewed, Row, Skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What one says of a task; `value` as the project's kind asks (docs/kinds.md)."""

    value: Row
    rationale: str | None = None
    flag: str | None = None
    seconds_active: float | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """Skip the task, for one of: unclear, expertise, language, harmful, broken, other."""

    reason: str
    note: str | None = None


Decide = Callable[[Lease], Answer | Declined | None]


@dataclass(slots=True)
class Tally:
    """What a loop did."""

    judged: int = 0
    skipped: int = 0
    judgements: list[int] = field(default_factory=list)


class Work(Group[M]):
    @call
    def next(self, project: int, *, beside: int | None = None) -> Plan[Lease | None]:
        """Lease a seat: the same one until it is answered; None when there is nothing to do.

        `beside` the seat being worked at, a second one. Raises Forbidden for whoever is paused or
        has a quiz to pass, TooManyRequests for whoever did as much as is allowed for now.
        """
        return ask(get(path_of("projects", project, "next"), {"beside": beside}))

    @call
    def left(self, project: int) -> Plan[Left]:
        """Why `next` gives nothing: open tasks that are not for the caller."""
        return ask(get(path_of("projects", project, "next", "left")))

    @call
    def judge(
        self,
        seat: int,
        value: Row,
        *,
        form: int | None = None,
        rationale: str | None = None,
        flag: str | None = None,
        seconds_active: float | None = None,
        key: str | None = None,
    ) -> Plan[Judgement]:
        """Answer the seat; `form` is the lease's `form.id`, so that a changed form is noticed.

        With the same `key`, by default one made anew, it counts once.
        """
        answer = Answer(value, rationale, flag, seconds_active)
        return _judged(seat, form, answer, key or str(uuid4()))

    @call
    def revise(
        self, judgement: int, value: Row, *, reason: str | None = None, key: str | None = None
    ) -> Plan[Judgement]:
        """Supersede one's own judgement; the old one stays on record."""
        body = given(value=value, reason=reason, idempotency_key=key or str(uuid4()))
        return ask(send("POST", path_of("judgements", judgement, "revise"), body, repeatable=True))

    @call
    def skip(self, seat: int, reason: str, *, note: str | None = None) -> Plan[Skip]:
        """Decline the task: unclear, expertise, language, harmful, broken or other."""
        body = given(reason=reason, note=note)
        return ask(send("POST", path_of("seats", seat, "skip"), body, repeatable=False))

    @call
    def renew(self, seat: int) -> Plan[Renewed]:
        """Keep the seat for another lease time."""
        return ask(send("POST", path_of("seats", seat, "renew"), repeatable=True))

    @call
    def release(self, seat: int) -> Plan[None]:
        """Hand the seat back unanswered."""
        return ask(send("POST", path_of("seats", seat, "release"), repeatable=False))

    @call
    def save_draft(self, seat: int, value: Any) -> Plan[None]:
        """Keep an unfinished answer; `next` gives it back as `draft`."""
        return ask(send("PUT", path_of("seats", seat, "draft"), {"value": value}))

    @call
    def loop(self, project: int, decide: Decide, *, most: int | None = None) -> Plan[Tally]:
        """Lease, decide, submit, until there is nothing left, or `most` tasks are through.

        `decide` answers, declines, or returns None to stop: the seat is then handed back.
        """
        return _looped(project, decide, most)

    @flow
    def mine(self, project: int) -> Flow[Judgement]:
        """One's own judgements."""
        return Flow(read_pages(path_of("projects", project, "judgements", "mine")))


def _judged(seat: int, form: int | None, answer: Answer, key: str) -> Plan[Judgement]:
    body = given(
        value=answer.value,
        rationale=answer.rationale,
        flag=answer.flag,
        seconds_active=answer.seconds_active,
        form=form,
        idempotency_key=key,
    )
    return ask(send("POST", path_of("seats", seat, "judgement"), body, repeatable=True))


def _looped(project: int, decide: Decide, most: int | None) -> Plan[Tally]:
    tally = Tally()
    while most is None or tally.judged + tally.skipped < most:
        lease: Lease | None = yield from ask(get(path_of("projects", project, "next")))
        if lease is None:
            break
        decision = decide(lease)
        if isinstance(decision, Answer):
            judgement = yield from _judged(
                lease["seat"], lease["form"]["id"], decision, str(uuid4())
            )
            tally.judged += 1
            tally.judgements.append(judgement["id"])
        elif isinstance(decision, Declined):
            body = given(reason=decision.reason, note=decision.note)
            yield from ask(
                send("POST", path_of("seats", lease["seat"], "skip"), body, repeatable=False)
            )
            tally.skipped += 1
        else:
            yield from ask(
                send("POST", path_of("seats", lease["seat"], "release"), repeatable=False)
            )
            break
    return tally
