"""Routing policies: a change is a new version; one is active in a project at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from annotate.inputs import Checks, InvalidValue, clean_choice
from annotate.models import JobState, Judge, Membership, Project, User
from annotate.services import audit, jobs
from annotate.wording import Told
from routing import judges
from routing.models import PolicyFit, RoutingPolicy, RoutingRun
from routing.settings.policy import DOMAINS, FITTED, clean_settings

EQUAL_COST = 0.01  # by so much people's shares may differ and still be called equal
JUDGE_KIND = "reward_model"
MOST_JUDGES = 5
GOING = (JobState.QUEUED, JobState.RUNNING)


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
    *,
    project: Project,
    actor: User | None,
    threshold: float | None,
    audit_share: float = 0.1,
    domains: object = "",
) -> RoutingPolicy:
    """Put a new version in force and retire the one before, cancelling its pass. `domains` as
    routing/settings/policy.py has it.

    Raises InvalidValue when a number is out of range or no reward model is in service.
    """
    if threshold is None or not 0.5 <= threshold <= 1:
        raise InvalidValue("threshold", "must be from 0.5 (the judge takes all) to 1")
    if not 0.05 <= audit_share <= 1:
        raise InvalidValue("audit_share", "must be from 0.05 to 1: people always audit some")
    grouping = clean_choice("domains", domains, DOMAINS)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    judge = current_judge(project=project)
    if judge is None:
        raise InvalidValue(
            "judge", "no reward model is in service; train one and promote it, then route"
        )
    mine = RoutingPolicy.objects.filter(project=project)
    mine.filter(state=RoutingPolicy.State.ACTIVE).update(
        state=RoutingPolicy.State.RETIRED, state_since=timezone.now()
    )
    _cancel_passes(project)
    policy = RoutingPolicy.objects.create(
        project=project,
        version=(mine.aggregate(Max("version"))["version__max"] or 0) + 1,
        judge=judge,
        threshold=threshold,
        audit_share=audit_share,
        seed=project.seed,
        settings={"domains": grouping},
        state=RoutingPolicy.State.ACTIVE,
        state_since=timezone.now(),
    )
    audit.record(
        action="routing.policy_saved",
        target=policy,
        actor=actor,
        project=project,
        threshold=threshold,
        audit_share=audit_share,
        domains=grouping,
        judge=str(judge),
    )
    return policy


@transaction.atomic
def start_fit(
    *, project: Project, actor: User | None, kind: str, judges: Sequence[int], settings: object
) -> PolicyFit:
    """Queue the fitting of a policy; `judges` are ids from cheap to strong.

    Raises InvalidValue for an unknown kind, judges and settings, all that are wrong, or while
    another fit is under way.
    """
    checks = Checks()
    checks.of(clean_choice, "kind", kind, FITTED)
    cleaned = checks.of(clean_settings, settings)
    ids = checks.of(clean_judges, project, judges)
    checks.end()
    assert cleaned is not None
    assert ids is not None
    if cleaned["experts"] and not experts_of(project).exists():
        raise InvalidValue("settings.experts", "no member has the tier expert; name some first")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if PolicyFit.objects.filter(project=project, state__in=GOING).exists():
        raise InvalidValue("kind", "another policy is being fitted; wait for it or cancel it")
    run = PolicyFit.objects.create(
        project=project, kind=kind, judges=ids, settings=cleaned, created_by=actor
    )
    audit.record(action="routing.fit_queued", target=run, actor=actor, project=project, kind=kind)
    jobs.enqueue(run)
    return run


def experts_of(project: Project) -> QuerySet[Membership]:
    """Members whom tasks for experts alone may be given."""
    return Membership.objects.filter(project=project, tier=Membership.Tier.EXPERT)


def clean_judges(project: Project, judges: Sequence[int]) -> list[int]:
    """Ids of judges of the project, from cheap to strong. Raises InvalidValue."""
    ids = list(judges)
    if not ids or len(ids) > MOST_JUDGES or len(set(ids)) < len(ids):
        raise InvalidValue("judges", "must name 1 to {most} different judges", most=MOST_JUDGES)
    there = set(Judge.objects.filter(project=project, pk__in=ids).values_list("pk", flat=True))
    for number, pk in enumerate(ids):
        if pk not in there:
            raise InvalidValue(f"judges[{number}]", "is no judge of this project")
    return ids


@transaction.atomic
def put_in_shadow(*, policy: RoutingPolicy, actor: User | None) -> RoutingPolicy:
    """Let it decide without effect, in place of the one that was in shadow.

    Raises InvalidValue for a policy that is in force or knows no judges of its own.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=policy.project_id)
    policy = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
    if not policy.is_fitted:
        raise InvalidValue("policy", "only a fitted policy can run in shadow")
    if policy.state == RoutingPolicy.State.ACTIVE:
        raise InvalidValue("policy", "it is in force; put another one in force first")
    mine = RoutingPolicy.objects.filter(project=project)
    mine.filter(state=RoutingPolicy.State.SHADOW).exclude(pk=policy.pk).update(
        state=RoutingPolicy.State.DRAFT, state_since=timezone.now()
    )
    _set_state(policy, RoutingPolicy.State.SHADOW, actor, "routing.policy_in_shadow")
    _cancel_passes(project)
    return policy


@transaction.atomic
def promote_policy(*, policy: RoutingPolicy, actor: User | None, reason: str = "") -> RoutingPolicy:
    """Put a fitted policy, new or of earlier days, in force and retire the one before.

    It must have had fewer wrong labels than the policy in force at equal cost, on held-out prompts
    and beyond chance (the whole 95 % interval of the difference below 0); otherwise, and where the
    two could not be compared, the manager says why. Raises InvalidValue without a reason where one
    is needed.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=policy.project_id)
    policy = RoutingPolicy.objects.select_for_update().get(pk=policy.pk)
    if not policy.is_fitted:
        raise InvalidValue("policy", "a rule by threshold is put in force by saving it")
    if policy.state == RoutingPolicy.State.ACTIVE:
        return policy
    mine = RoutingPolicy.objects.filter(project=project)
    active = mine.filter(state=RoutingPolicy.State.ACTIVE).first()
    why_not = why_not_better(policy, active) if active is not None else None
    if why_not is not None and not reason.strip():
        raise InvalidValue(
            "reason", "{why}; say why it should be put in force all the same", why=why_not
        )
    mine.filter(state=RoutingPolicy.State.ACTIVE).update(
        state=RoutingPolicy.State.RETIRED, state_since=timezone.now()
    )
    _cancel_passes(project, of=policy)
    return _set_state(
        policy, RoutingPolicy.State.ACTIVE, actor, "routing.policy_promoted", reason=reason.strip()
    )


def why_not_better(policy: RoutingPolicy, other: RoutingPolicy) -> Told | None:
    """Why the test that came with its fitting did not find it better than that very policy; None
    if it did, without asking more of people.
    """
    found, missing = policy.metrics.get("against"), policy.metrics.get("not_compared")
    if found and found["policy"] == other.pk:
        if is_dearer(found):
            return Told("it takes more of people than the policy in force")
        if found["difference"][2] < 0:
            return None
        return Told("it was not measured to be better than the policy in force")
    if missing and missing["policy"] == other.pk:
        why = Told.from_dict(missing["told"]) if missing["told"] else missing["message"]
        return Told("it could not be compared with the policy in force ({why})", why=why)
    if not policy.metrics.get("tested_on"):
        return Told("no task of a held-out prompt is labelled by people and by every judge of it")
    return Told("it was compared with another policy than the one in force, or with none")


def is_dearer(against: Mapping[str, Any]) -> bool:
    """Whether the new policy took more of people in that test than the one in force."""
    people = against.get("people", 0.0)
    return bool(against.get("people_new", people) > people + EQUAL_COST)


def _set_state(
    policy: RoutingPolicy, state: str, actor: User | None, action: str, **told: object
) -> RoutingPolicy:
    policy.state, policy.state_since = state, timezone.now()
    policy.upkeep_failure = None  # of the days when it was at work before
    fields = ["state", "state_since", "upkeep_failure"]
    if state == RoutingPolicy.State.ACTIVE:
        policy.in_force_since = policy.state_since
        fields.append("in_force_since")
    policy.save(update_fields=fields)
    audit.record(action=action, target=policy, actor=actor, project=policy.project, **told)
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
    active.update(state=RoutingPolicy.State.RETIRED, state_since=timezone.now())
    _cancel_passes(project)
    audit.record(action="routing.policy_retired", target=policy, actor=actor, project=project)
    return True


def _cancel_passes(project: Project, *, of: RoutingPolicy | None = None) -> None:
    """A pass must not go on by a rule that is neither in force nor in shadow, nor one of `of`."""
    at_work = Q(policy__state__in=[RoutingPolicy.State.ACTIVE, RoutingPolicy.State.SHADOW])
    stale = ~at_work | Q(policy=of) if of is not None else ~at_work
    for run in RoutingRun.objects.filter(stale, project=project, state__in=GOING):
        jobs.request_cancel(run)


def follow_newest_judge(*, policy: RoutingPolicy) -> RoutingPolicy:
    """The policy itself, or its next version if a newer judge is in service. A fitted policy keeps
    the judges that it was fitted with.
    """
    if policy.is_fitted:
        return policy
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
            domains=policy.settings.get("domains", ""),
        )
