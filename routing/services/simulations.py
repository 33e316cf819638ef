"""Starting simulations, and the prices that their costs are reckoned with. Without numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from annotate.inputs import InvalidValue
from annotate.kinds.answers import clean_object
from annotate.models import JobState, Judge, Project, User
from annotate.services import audit, jobs
from routing.models import JudgeCall, LabelPrices, PolicySimulation
from routing.models.simulations import PEOPLE_PRICE
from routing.services.judges import clean_money
from routing.services.policies import clean_judges
from routing.settings.simulation import clean_simulation

NOTHING = Decimal(0)


@transaction.atomic
def start_simulation(
    *, project: Project, actor: User | None, judges: Sequence[int], settings: object
) -> PolicySimulation:
    """Queue a replay; `judges` are ids from cheap to strong.

    Raises InvalidValue for an unknown judge or setting, or while another one is under way.
    """
    cleaned = clean_simulation(settings)
    ids = clean_judges(project, judges)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    going = PolicySimulation.objects.filter(
        project=project, state__in=[JobState.QUEUED, JobState.RUNNING]
    )
    if going.exists():
        raise InvalidValue("judges", "a simulation is under way; wait for it or cancel it")
    run = PolicySimulation.objects.create(
        project=project, judges=ids, settings=cleaned, created_by=actor
    )
    audit.record(action="routing.simulation_queued", target=run, actor=actor, project=project)
    jobs.enqueue(run)
    return run


@dataclass(frozen=True)
class Prices:
    """Dollars for 1,000 labels. `set_by_hand`: the ids of judges whose price a manager set."""

    people: Decimal
    judges: dict[int, Decimal]
    set_by_hand: frozenset[int]


def prices_of(project: Project, judge_ids: Sequence[int]) -> Prices:
    """A judge without a price of its own costs what its calls did for each task. Two queries."""
    row = LabelPrices.objects.filter(project=project).first()
    mine = {int(pk): Decimal(price) for pk, price in row.judges.items()} if row else {}
    calls = JudgeCall.objects.filter(judge__in=list(judge_ids)).order_by().values("judge")
    spent = calls.annotate(cost=Sum("cost"), tasks=Count("task", distinct=True))
    measured = {
        one["judge"]: (1000 * one["cost"] / one["tasks"]).quantize(Decimal("0.01"))
        for one in spent
        if one["tasks"]
    }
    return Prices(
        people=row.people if row else PEOPLE_PRICE,
        judges={pk: mine.get(pk, measured.get(pk, NOTHING)) for pk in judge_ids},
        set_by_hand=frozenset(mine),
    )


@transaction.atomic
def set_prices(
    *, project: Project, actor: User | None, people: object, judges: object
) -> LabelPrices:
    """`judges`: dollars for 1,000 labels by id; those left out cost what their calls did.

    Raises InvalidValue for another project's judge or what is no amount.
    """
    there = set(Judge.objects.filter(project=project).values_list("pk", flat=True))
    given: Mapping[str, Any] = clean_object("judges", judges, [str(pk) for pk in there])
    cleaned = {
        name: str(clean_money(f"judges.{name}", price))
        for name, price in given.items()
        if price is not None
    }
    amount = clean_money("people", people)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    row, _ = LabelPrices.objects.update_or_create(
        project=project, defaults={"people": amount, "judges": cleaned}
    )
    audit.record(
        action="routing.prices_set",
        target=row,
        actor=actor,
        project=project,
        people=str(amount),
        judges=cleaned,
    )
    return row
