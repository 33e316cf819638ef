"""What routing waits for beside a worker: a judge's server or pace, and budget for people."""

from datetime import timedelta

from django.utils import timezone

from annotate.models import Job, JobState
from annotate.services.workers import Memo
from annotate.wording import Told
from routing.models import JudgeAccount, JudgeCall, JudgeRun, RoutingPolicy
from routing.services.budgets import has_budget
from routing.services.ledger import MINUTE
from routing.services.passes import undecided
from routing.settings.policy import WINDOWS


def why_judge_waits(run: Job, memo: Memo) -> Told | None:
    """Of a run that has begun: whether its calls are held up just now. Two queries."""
    assert isinstance(run, JudgeRun)
    if run.state != JobState.RUNNING:
        return None
    account = JudgeAccount.objects.filter(project=run.project_id, name=run.judge.name).first()
    if account is None:
        return None
    now = timezone.now()
    if account.blocked_until is not None and account.blocked_until > now:
        left = account.blocked_until - now
        return Told(
            "The judge's server asked for a pause; the next call begins in {seconds} s.",
            seconds=1 + int(left.total_seconds()),
        )
    most = account.requests_per_minute
    if most is None:
        return None
    calls = JudgeCall.objects.filter(account=account, created_at__gt=now - MINUTE).count()
    if calls < most:
        return None
    return Told(
        "The judge's limits allow {most} calls a minute, and so many were made in the last one; "
        "raise them to go on faster.",
        most=most,
    )


def why_no_pass(policy: RoutingPolicy | None) -> Told | None:
    """Why a policy in force decides nothing although tasks are undecided: its window has no budget
    left for people. Up to three queries.
    """
    if policy is None or not policy.is_fitted:
        return None
    tasks = undecided(policy)
    if not tasks.exists() or has_budget(policy, tasks):
        return None
    days = WINDOWS[policy.settings["window"]]
    if days is None:
        return Told(
            "The budget for people is used up, so no pass begins: what is undecided waits for "
            "people, or for a policy with more budget. Fit one anew to raise it."
        )
    oldest = policy.decisions.filter(shadow=False, created_at__gte=timezone.now() - timedelta(days))
    first = oldest.order_by("created_at").values_list("created_at", flat=True).first()
    return Told(
        "The budget for people of the last {days} days is used up, so no pass begins; it comes "
        "back bit by bit from {when} (UTC) on. Fit a policy anew to raise it.",
        days=days,
        when=f"{(first or timezone.now()) + timedelta(days):%Y-%m-%d %H:%M}",
    )
