"""Questions for judges, and their verdicts, each call made once."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from annotate import kinds
from annotate.kinds import context, pairwise
from annotate.kinds.contract import Shown, ShownResponse
from annotate.media.as_text import as_text, text_turns
from annotate.models import Judge, Task
from annotate.wording import Told, in_two
from routing import judges
from routing.judges import Question, Verdict
from routing.models import JudgeCall, JudgeRun
from routing.services.ledger import Ledger, fingerprint_of

TOGETHER = 100  # verdicts of a quick judge that are written down in one statement
AT_ONCE = 0.5  # seconds; a judge that takes longer for one has it written down by itself


def questions(
    task_ids: Iterable[int], kind: str = "pairwise", settings: Any = None
) -> Iterator[Question]:
    """The tasks as a judge is to see them, in order of id; those that the kind cannot ask about
    (such as three responses for a pair) are left out. In a project of pairs under a context the
    conversation ends in what the task states, and a task that states nothing is left out. Three
    queries.
    """
    module = kinds.get(kind)
    settings = module.clean_settings({}) if settings is None else settings
    low, high = kinds.response_range(module, settings)
    tasks = Task.objects.filter(pk__in=list(task_ids)).select_related("prompt", "project")
    for task in tasks.prefetch_related("places__response").order_by("pk"):
        responses = [p.response for p in sorted(task.places.all(), key=lambda p: p.position)]
        if not low <= len(responses) <= high:
            continue
        shown = tuple(ShownResponse(one.pk, tuple(one.content)) for one in responses)
        turns = text_turns(task.prompt.conversation)
        if task.project.kind == context.NAME:
            if not context.stated_text(task.context):
                continue
            turns = context.prompt_under(turns, task.context)
        yield Question(
            task_id=task.pk,
            system=task.prompt.system,
            conversation=turns,
            response_ids=tuple(one.pk for one in responses),
            response_texts=tuple(as_text(one.content) for one in responses),
            kind=kind,
            settings=settings,
            shown=Shown(shown, tuple(task.prompt.passages), task.context),
        )


def as_answer(task_id: int, preferred: int) -> dict[str, Any]:
    """The fields of a judgement that prefers this response of the task: `kind`, `schema_version`
    and `value`, under what the task states where the project asks under a context. One query.
    """
    task = Task.objects.select_related("project").get(pk=task_id)
    value: dict[str, Any] = {"verdict": "prefer", "preferred": preferred, "strength": 1}
    kind: kinds.Kind = pairwise
    if task.project.kind == context.NAME:
        kind, value["under"] = context, context.under_of(Shown((), context=task.context))
    return {"kind": kind.NAME, "schema_version": kind.SCHEMA_VERSION, "value": value}


def verdicts(
    judge: Judge,
    items: Sequence[Question],
    should_stop: Callable[[], bool],
    *,
    run: JudgeRun | None = None,
    may_call: bool = True,
) -> Iterator[Verdict]:
    """What the judge says, in any order; calls that are on record are not made again. Without
    `may_call` only those are heard, of a panel's members too; what costs nothing is asked all the
    same.

    Raises JudgeError, JudgeInterrupted. Close it to hang up.
    """
    kind = judges.get(judge.kind)
    at_work = kind.judge(judge.config, Ledger(judge, run=run, may_call=may_call))
    if kind.calls:
        with closing(at_work.compare(items, should_stop)) as said:
            yield from said
        return
    known = {call.task_id: call for call in _recorded(judge, items)}
    for call in known.values():
        yield _verdict(call)
    rest = [item for item in items if item.task_id not in known]
    with closing(at_work.compare(rest, should_stop)) as said:
        yield from _on_record(judge, run, rest, said)


def _on_record(
    judge: Judge, run: JudgeRun | None, items: Sequence[Question], said: Iterator[Verdict]
) -> Iterator[Verdict]:
    """Each once it is written down: at once where the judge takes its time, else many together.
    What it said before it failed, or before nobody listened any more, is written down too.
    """
    shown = {item.task_id: list(item.response_ids) for item in items}
    tried = _attempts(judge, shown)
    waiting: list[Verdict] = []

    def write() -> list[Verdict]:
        nonlocal waiting
        written, waiting = waiting, []
        JudgeCall.objects.bulk_create(
            _call(judge, run, one, shown[one.task_id], attempt=1 + tried[one.task_id])
            for one in written
        )
        return written

    wrote_at = time.monotonic()
    try:
        for verdict in said:
            waiting.append(verdict)
            if len(waiting) >= TOGETHER or time.monotonic() - wrote_at > AT_ONCE:
                wrote_at = time.monotonic()
                yield from write()
    except GeneratorExit:
        write()
        raise
    except Exception:
        yield from write()
        raise
    yield from write()


def _attempts(judge: Judge, shown: dict[int, list[int]]) -> Counter[int]:
    """How often each task was asked about in this order of its responses. One query."""
    calls = JudgeCall.objects.filter(
        task__in=list(shown), fingerprint=fingerprint_of(judge), sample=0
    )
    rows = calls.values_list("task_id", "shown_order")
    return Counter(task_id for task_id, order in rows if order == shown[task_id])


def _recorded(judge: Judge, items: Sequence[Question]) -> Iterable[JudgeCall]:
    ids = [item.task_id for item in items]
    return JudgeCall.objects.filter(
        task__in=ids, fingerprint=fingerprint_of(judge), state=JudgeCall.State.ANSWERED
    )


def _call(
    judge: Judge, run: JudgeRun | None, verdict: Verdict, shown: list[int], *, attempt: int
) -> JudgeCall:
    """A call that cost nothing, not saved."""
    said, told = in_two(verdict.why_not)
    raw = {**verdict.raw, **({"why_not": said} if said else {})}
    fields: dict[str, Any] = {"raw": raw, "p_first": verdict.p_first, "value": verdict.value}
    fingerprint = fingerprint_of(judge)
    if verdict.failed:
        fields = {"state": "failed", "failure": "invalid", "detail": said[:500]}
    return JudgeCall(
        judge=judge,
        task_id=verdict.task_id,
        run=run,
        fingerprint=fingerprint,
        shown_order=shown,
        attempt=attempt,
        told=told,
        seconds=verdict.seconds,
        **fields,
    )


def _verdict(call: JudgeCall) -> Verdict:
    return Verdict(
        task_id=call.task_id,
        p_first=call.p_first,
        raw=call.raw,
        seconds=call.seconds,
        value=call.value,
        why_not=_why_not(call),
    )


def _why_not(call: JudgeCall) -> str | Told:
    if call.told:
        return Told.from_dict(call.told)
    return call.raw.get("why_not", "") if isinstance(call.raw, dict) else ""
