"""What a dry run tells: each item, how far the judge agrees with people, and what it cost."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q, Sum

from annotate import kinds
from annotate.models import Judgement
from annotate.quality.intervals import wilson
from annotate.wording import in_two
from routing.judges import Question, Verdict
from routing.models import JudgeCall, JudgeRun, of_people, outside_second_looks
from routing.reports.decisions import majority
from routing.services.asked import Asked, answers_to, asked_of

Answer = tuple[Mapping[str, Any], tuple[int, ...]]  # and the responses that it is about
Heard = tuple[Question, Verdict, dict[str, Any] | None]


def report_of(run: JudgeRun, found: Sequence[Heard]) -> dict[str, Any]:
    """Plain JSON. Costs are those of this run's calls: answers on record before cost nothing."""
    asked = asked_of(run.project)
    theirs = _of_people(asked, [question for question, _, _ in found])
    items = [_item(question, verdict, value, theirs) for question, verdict, value in found]
    compared = [item["agrees"] for item in items if item["agrees"] is not None]
    low, high = None, None
    if asked.kind == "pairwise":  # hits and misses; others agree by degrees
        low, high = wilson(sum(compared), len(compared))
    biases = [item["position_bias"] for item in items if item["position_bias"] is not None]
    return {
        "items": items,
        "compared": len(compared),
        "agreeing": sum(compared),
        "low": low,
        "high": high,
        "position_bias": sum(biases) / len(biases) if biases else None,
        **_costs(run, len(found)),
    }


def _of_people(asked: Asked, found: Sequence[Question]) -> dict[int, list[Answer]]:
    """By task. One query."""
    shown = {question.task_id: question.response_ids for question in found}
    answers = outside_second_looks(of_people(Judgement.objects.labels()))
    rows = answers.filter(task__in=list(shown))
    theirs: dict[int, list[Answer]] = {}
    for task_id, kind, value in rows.values_list("task_id", "kind", "value"):
        answer = answers_to(asked, kind, value, shown[task_id])
        if answer is not None:
            theirs.setdefault(task_id, []).append(answer)
    return theirs


def _item(
    question: Question,
    verdict: Verdict,
    value: dict[str, Any] | None,
    answers: Mapping[int, list[Answer]],
) -> dict[str, Any]:
    """`agrees`: 0..1 with people on this task; of pairs 0 or 1 with their majority. None where
    nobody can be compared with.
    """
    theirs = answers.get(question.task_id, [])
    why_not, told = in_two(verdict.why_not)
    return {
        "task": question.task_id,
        "value": value,
        "p_first": verdict.p_first,
        "why_not": why_not,
        "told": told,
        "failed": verdict.failed,
        "position_bias": verdict.raw.get("position_bias"),
        "people": len(theirs),
        "agrees": None if value is None else _agreement(question, value, theirs),
    }


def _agreement(question: Question, value: dict[str, Any], theirs: Sequence[Answer]) -> float | None:
    if not theirs:
        return None
    if question.kind == "pairwise":
        wanted = majority([one.get("preferred") for one, _ in theirs])
        return None if wanted is None else float(value["preferred"] == wanted)
    module = kinds.get(question.kind)
    near = [1 - module.distance(_about(value, ids), one, sorted(ids)) for one, ids in theirs]
    return sum(near) / len(near)


def _about(value: Mapping[str, Any], ids: Sequence[int]) -> Mapping[str, Any]:
    """Of marks those at the responses that people were asked about."""
    if "marks" not in value:
        return value
    return {**value, "marks": [mark for mark in value["marks"] if mark["response"] in ids]}


def _costs(run: JudgeRun, tasks: int) -> dict[str, Any]:
    said = JudgeCall.objects.filter(run=run).aggregate(
        cost=Sum("cost"),
        calls=Count("*"),
        failures=Count("pk", filter=Q(state="failed")),
        seconds=Avg("seconds"),
    )
    cost = said["cost"] or Decimal(0)
    return {
        "cost": str(cost),
        "cost_per_1000": str((cost * 1000 / tasks).quantize(Decimal("0.01"))) if tasks else "0",
        "calls": said["calls"],
        "failures": said["failures"],
        "seconds_per_call": said["seconds"],
    }
