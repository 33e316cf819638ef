"""What webhooks are told of budgets."""

from django.utils import timezone

from annotate.models import EventType
from annotate.services.webhooks.events import announce
from routing.models import JudgeAccount, RoutingPolicy
from routing.settings.policy import WINDOWS


def tell_limit_reached(account_id: int) -> None:
    """The judge's next call could go beyond its spending limit; told once for each limit."""
    account = JudgeAccount.objects.get(pk=account_id)
    announce(
        project_id=account.project_id,
        type=EventType.BUDGET,
        key=f"judge {account.pk} {account.spending_limit}",
        data={
            "of": "judge",
            "judge": account.name,
            "limit": str(account.spending_limit),
            "spent": str(account.spent),
        },
    )


def tell_window_used_up(policy: RoutingPolicy) -> None:
    """Nobody more can be asked under the policy; told once, of a sliding window once a day."""
    days = WINDOWS[policy.settings["window"]]
    announce(
        project_id=policy.project_id,
        type=EventType.BUDGET,
        key=f"policy {policy.pk}" + (f" {timezone.now().date()}" if days else ""),
        data={
            "of": "policy",
            "policy": policy.pk,
            "version": policy.version,
            "window_days": days,
            "money": policy.settings["money"],
            "share": policy.settings["share"],
        },
    )
