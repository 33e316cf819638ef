"""How far people agree on the tasks that two or more of them judged."""

from dataclasses import dataclass

from annotate import kinds
from annotate.models import Project
from annotate.quality.agreement import count_units, krippendorff_alpha, percent_agreement
from annotate.reports.latest import LATEST, latest_judgements
from annotate.reports.remembered import remembered


@dataclass(frozen=True)
class Agreement:
    """Among the latest `window` judgements; `cut` says that there are more than those.

    `percent` is that of pairs of people, 0..100. The three kinds of tie count as one label.
    """

    tasks: int
    percent: float | None
    alpha: float | None
    disagreed: list[int]
    double: list[int]
    cut: bool
    window: int = LATEST


def agreement(project: Project) -> Agreement:
    """One query over the window."""
    return remembered(f"report-agreement:{project.pk}", lambda: _agreement(project))


def doubly_judged_tasks(project: Project) -> list[int]:
    """Ids of the tasks that two or more people judged, within the window."""
    return agreement(project).double


def disagreed_tasks(project: Project) -> list[int]:
    """Those of them on which not all agree."""
    return agreement(project).disagreed


def _agreement(project: Project) -> Agreement:
    rows = latest_judgements(project).filter(kind=kinds.pairwise.NAME)
    sides: dict[int, list[int]] = {}
    count = 0
    for task_id, value, shown in rows.values_list("task_id", "value", "shown_order"):
        count += 1
        if len(shown) == 2:
            sides.setdefault(task_id, []).append(_side(value, shown))
    double = {task_id: labels for task_id, labels in sides.items() if len(labels) > 1}
    units = count_units(double.values())
    share = percent_agreement(units)
    return Agreement(
        tasks=len(double),
        percent=None if share is None else 100 * share,
        alpha=krippendorff_alpha(units),
        disagreed=[task_id for task_id, labels in double.items() if len(set(labels)) > 1],
        double=list(double),
        cut=count >= LATEST * 0.9,
    )


def _side(value: dict, shown: list[int]) -> int:
    """1 for the response with the smaller id, -1 for the other, 0 for every kind of tie."""
    points = kinds.pairwise.signed(value, sorted(shown))
    return (points > 0) - (points < 0)
