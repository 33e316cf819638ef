"""Questions for judges, and their verdicts, each call made once."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from annotate import kinds
from annotate.kinds.contract import Shown, ShownResponse
from annotate.media.as_text import as_text, text_turns
from annotate.models import Judge, Task
from routing import judges
from routing.judges import Question, Verdict
from routing.models import JudgeCall, JudgeRun
from routing.services.ledger import Ledger, fingerprint_of


def questions(
    task_ids: Iterable[int], kind: str = "pairwise", settings: Any = None
) -> Iterator[Question]:
    """The tasks as a judge is to see them, in order of id; those that the kind cannot ask about
    (such as three responses for a pair) are left out. Three queries.
    """
    module = kinds.get(kind)
    settings = module.clean_settings({}) if settings is None else settings
    low, high = kinds.response_range(module, settings)
    tasks = Task.objects.filter(pk__in=list(task_ids)).select_related("prompt")
    for task in tasks.prefetch_related("places__response").order_by("pk"):
        responses = [p.response for p in sorted(task.places.all(), key=lambda p: p.position)]
        if not low <= len(responses) <= high:
            continue
        shown = tuple(ShownResponse(one.pk, tuple(one.content)) for one in responses)
        yield Question(
            task_id=task.pk,
            system=task.prompt.system,
            conversation=text_turns(task.prompt.conversation),
            response_ids=tuple(one.pk for one in responses),
            response_texts=tuple(as_text(one.content) for one in responses),
            kind=kind,
            settings=settings,
            shown=Shown(shown, tuple(task.prompt.passages), task.context),
        )


def verdicts(
    judge: Judge,
    items: Sequence[Question],
    should_stop: Callable[[], bool],
    *,
    run: JudgeRun | None = None,
) -> Iterator[Verdict]:
    """What the judge says, in any order; calls that are on record are not made again.

    Raises JudgeError, JudgeInterrupted. Close it to hang up.
    """
    kind = judges.get(judge.kind)
    at_work = kind.judge(judge.config, Ledger(judge, run=run))
    if kind.calls:
        with closing(at_work.compare(items, should_stop)) as said:
            yield from said
        return
    known = {call.task_id: call for call in _recorded(judge, items)}
    for call in known.values():
        yield _verdict(call)
    rest = [item for item in items if item.task_id not in known]
    shown = {item.task_id: list(item.response_ids) for item in rest}
    tried = _attempts(judge, shown)
    with closing(at_work.compare(rest, should_stop)) as said:
        for verdict in said:
            task_id = verdict.task_id
            _record(judge, run, verdict, shown[task_id], attempt=1 + tried[task_id])
            yield verdict


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


def _record(
    judge: Judge, run: JudgeRun | None, verdict: Verdict, shown: list[int], *, attempt: int
) -> None:
    """A call that cost nothing."""
    raw = {**verdict.raw, **({"why_not": verdict.why_not} if verdict.why_not else {})}
    fields: dict[str, Any] = {"raw": raw, "p_first": verdict.p_first, "value": verdict.value}
    fingerprint = fingerprint_of(judge)
    if verdict.failed:
        fields = {"state": "failed", "failure": "invalid", "detail": verdict.why_not[:500]}
    JudgeCall.objects.create(
        judge=judge,
        task_id=verdict.task_id,
        run=run,
        fingerprint=fingerprint,
        shown_order=shown,
        attempt=attempt,
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
        why_not=call.raw.get("why_not", "") if isinstance(call.raw, dict) else "",
    )
