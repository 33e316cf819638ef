"""Routing policies: a change is a new version; one is active in a project at a time."""

from django.db import transaction
from django.db.models import Max

from annotate.kinds import InvalidValue
from annotate.models import JobState, Judge, Project, User
from annotate.services import audit, jobs
from routing import judges
from routing.models import RoutingPolicy, RoutingRun

JUDGE_KIND = "reward_model"


def current_judge(*, project: Project, kind: str = JUDGE_KIND) -> Judge | None:
    """The judge that is in service now, as a row; None while there is none to be had.

    A new configuration (a newer model version) becomes a new version of the same judge.
    """
    config = judges.get(kind).newest(project.pk)
    if config is None:
        return None
    mine = Judge.objects.filter(project=project, name=kind)
    found = mine.filter(kind=kind, config=config).first()
    if found is not None:
        return found
    version = (mine.aggregate(Max("version"))["version__max"] or 0) + 1
    return Judge.objects.create(
        project=project, name=kind, version=version, kind=kind, config=config
    )


@transaction.atomic
def save_policy(
    *, project: Project, actor: User | None, threshold: float, audit_share: float = 0.1
) -> RoutingPolicy:
    """Put a new version in force and retire the one before, cancelling its pass.

    Raises InvalidValue when a number is out of range or no reward model is in service.
    """
    if not 0.5 <= threshold <= 1:
        raise InvalidValue("threshold", "must be from 0.5 (the judge takes all) to 1")
    if not 0.05 <= audit_share <= 1:
        raise InvalidValue("audit_share", "must be from 0.05 to 1: people always audit some")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    judge = current_judge(project=project)
    if judge is None:
        raise InvalidValue(
            "judge", "no reward model is in service; train one and promote it, then route"
        )
    mine = RoutingPolicy.objects.filter(project=project)
    mine.filter(state=RoutingPolicy.State.ACTIVE).update(state=RoutingPolicy.State.RETIRED)
    _cancel_passes(project)
    policy = RoutingPolicy.objects.create(
        project=project,
        version=(mine.aggregate(Max("version"))["version__max"] or 0) + 1,
        judge=judge,
        threshold=threshold,
        audit_share=audit_share,
        seed=project.seed,
        state=RoutingPolicy.State.ACTIVE,
    )
    audit.record(
        action="routing.policy_saved",
        target=policy,
        actor=actor,
        project=project,
        threshold=threshold,
        audit_share=audit_share,
        judge=str(judge),
    )
    return policy


@transaction.atomic
def retire_policy(*, project: Project, actor: User | None) -> bool:
    """Stop routing, a pass under way too: every task goes to people. False if none was active."""
    active = RoutingPolicy.objects.select_for_update().filter(
        project=project, state=RoutingPolicy.State.ACTIVE
    )
    policy = active.first()
    if policy is None:
        return False
    active.update(state=RoutingPolicy.State.RETIRED)
    _cancel_passes(project)
    audit.record(action="routing.policy_retired", target=policy, actor=actor, project=project)
    return True


def _cancel_passes(project: Project) -> None:
    """A pass must not go on by a rule that is no longer in force."""
    going = [JobState.QUEUED, JobState.RUNNING]
    for run in RoutingRun.objects.filter(project=project, state__in=going):
        jobs.request_cancel(run)


def follow_newest_judge(*, policy: RoutingPolicy) -> RoutingPolicy:
    """The policy itself, or its next version if a newer judge is in service."""
    newest = judges.get(policy.judge.kind).newest(policy.project_id)
    if newest is None or newest == policy.judge.config:
        return policy
    with transaction.atomic():
        project = Project.objects.select_for_update(no_key=True).get(pk=policy.project_id)
        active = RoutingPolicy.objects.filter(
            project=project, state=RoutingPolicy.State.ACTIVE
        ).first()
        if active is None or active.pk != policy.pk:  # somebody was faster
            return active or policy
        return save_policy(
            project=project,
            actor=None,
            threshold=policy.threshold,
            audit_share=policy.audit_share,
        )
