"""What a dry run tells: each item, how far the judge agrees with people, and what it cost."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q, Sum

from annotate import kinds
from annotate.models import Judgement
from annotate.quality.intervals import wilson
from annotate.wording import in_two
from routing.judges import Question, Verdict
from routing.models import JudgeCall, JudgeRun
from routing.reports import majority

Heard = tuple[Question, Verdict, dict[str, Any] | None]


def report_of(run: JudgeRun, found: Sequence[Heard]) -> dict[str, Any]:
    """Plain JSON. Costs are those of this run's calls: answers on record before cost nothing."""
    answers = _of_people([question.task_id for question, _, _ in found])
    items = [_item(question, verdict, value, answers) for question, verdict, value in found]
    compared = [item["agrees"] for item in items if item["agrees"] is not None]
    low, high = None, None
    if run.project.kind == "pairwise":  # hits and misses; others agree by degrees
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


def _of_people(task_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    rows = Judgement.objects.current().by_people().filter(task__in=task_ids)
    found: dict[int, list[dict[str, Any]]] = {}
    for task_id, kind, value in rows.values_list("task_id", "kind", "value"):
        found.setdefault(task_id, []).append({"kind": kind, "value": value})
    return found


def _item(
    question: Question,
    verdict: Verdict,
    value: dict[str, Any] | None,
    answers: dict[int, list[dict[str, Any]]],
) -> dict[str, Any]:
    """`agrees`: 0..1 with people on this task; of pairs 0 or 1 with their majority. None where
    nobody can be compared with.
    """
    theirs = [
        one["value"] for one in answers.get(question.task_id, ()) if one["kind"] == question.kind
    ]
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


def _agreement(
    question: Question, value: dict[str, Any], theirs: Sequence[dict[str, Any]]
) -> float | None:
    if not theirs:
        return None
    if question.kind == "pairwise":
        wanted = majority([one.get("preferred") for one in theirs])
        return None if wanted is None else float(value["preferred"] == wanted)
    module = kinds.get(question.kind)
    ids = sorted(question.response_ids)
    return sum(1 - module.distance(value, one, ids) for one in theirs) / len(theirs)


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
