"""What a fitted policy's window has left for people. Without numpy: beat asks too."""

from datetime import timedelta

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from annotate.models import Task
from routing.models import Decision, RoutingPolicy
from routing.policies.budget import Budget
from routing.settings.policy import WINDOWS, prices_of, tiers_of


def budget_left(policy: RoutingPolicy, *, to_come: int) -> Budget:
    """What the policy's window has left. A share is of the tasks that the window decides: those
    decided already and those to come. What it decided in shadow cost nothing. One query.
    """
    shadow = policy.state == RoutingPolicy.State.SHADOW
    made = Decision.objects.filter(policy=policy, shadow=shadow)
    days = WINDOWS[policy.settings["window"]]
    if days is not None:
        made = made.filter(created_at__gte=timezone.now() - timedelta(days=days))
    found = made.aggregate(
        spent=Sum("cost"), count=Count("pk"), asked=Count("pk", filter=~Q(wanted=Decision.Route.AI))
    )
    if policy.settings["money"] is not None:
        limit, spent = policy.settings["money"], found["spent"] or 0.0
        return Budget(limit, costs_of(policy), min(spent, limit), to_come)
    limit = float(int(policy.settings["share"] * (found["count"] + to_come) + 1e-9))
    return Budget(limit, costs_of(policy), min(float(found["asked"]), limit), to_come)


def costs_of(policy: RoutingPolicy) -> tuple[float, ...]:
    """Of one label by each tier of people, in the unit of the budget."""
    if policy.settings["money"] is not None:
        return prices_of(policy.settings)
    return (1.0,) * len(tiers_of(policy.settings))


def has_budget(policy: RoutingPolicy, undecided: QuerySet[Task]) -> bool:
    """Whether people can be asked about one of these tasks at least. Without it nothing can be
    decided: the judge alone never gets what no budget is left for. One query or two.
    """
    if not policy.is_fitted:
        return True
    budget = budget_left(policy, to_come=undecided.count())
    return budget.left >= max(budget.price) - 1e-9
