"""The rules that a project's annotators work under, and how single members stand with them."""

from django.db import transaction
from django.utils import timezone

from annotate.forms import Form
from annotate.inputs import clean_boolean, clean_integer
from annotate.kinds import InvalidValue, chat
from annotate.models import (
    FormerStanding,
    GoldItem,
    Membership,
    PracticeRun,
    Project,
    Standing,
    StandingFields,
    User,
    WorkRules,
)
from annotate.services import audit

INTEGERS = {
    "gold_percent": (0, 50),
    "gold_floor": (0, 100),
    "gold_floor_from": (1, 1000),
    "quiz_pass_percent": (0, 100),
    "quiz_tries": (0, 100),
    "quiz_wait_minutes": (0, 60 * 24 * 30),
    "cap_hour": (0, 100_000),
    "cap_day": (0, 1_000_000),
    "cap_total": (0, 10_000_000),
    "break_minutes": (0, 24 * 60),
}
BOOLEANS = ("training",)
KEPT = StandingFields._meta.local_fields
RULES = frozenset({*INTEGERS, *BOOLEANS})


def rules_of(project: Project) -> WorkRules:
    """The project's rules; those that ask nothing, unsaved, where it has none."""
    return WorkRules.objects.filter(project=project).first() or WorkRules(project=project)


@transaction.atomic
def set_rules(
    *, project: Project, actor: User, address: str | None = None, **fields: object
) -> WorkRules:
    """Change the rules; `fields` are RULES. Whoever answered a task before counts as qualified
    where a quiz or training is asked for from now on. Raises InvalidValue.
    """
    cleaned = {}
    for name, value in fields.items():
        if name in INTEGERS:
            low, high = INTEGERS[name]
            cleaned[name] = clean_integer(name, value, low=low, high=high)
        elif name in BOOLEANS:
            cleaned[name] = clean_boolean(name, value)
        else:
            raise InvalidValue(
                str(name),
                "unknown field; there are: {known}",
                known=", ".join(sorted(RULES)),
            )
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rules = rules_of(project)
    before = {name: getattr(rules, name) for name in cleaned}
    changed = {name: value for name, value in cleaned.items() if before[name] != value}
    if not changed:
        return rules
    for name, value in changed.items():
        setattr(rules, name, value)
    if "quiz_pass_percent" in changed and not before["quiz_pass_percent"]:
        _require_items(project, GoldItem.Use.QUIZ, "quiz_pass_percent")
        _take_as_done(project, "qualified_at")
    if changed.get("training"):
        _require_items(project, GoldItem.Use.TRAINING, "training")
        _take_as_done(project, "trained_at")
    rules.save()
    audit.record(
        action="rules.changed",
        target=project,
        actor=actor,
        project=project,
        address=address,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return rules


@transaction.atomic
def let_in(*, membership: Membership, actor: User, address: str | None = None) -> Standing:
    """Take the member as trained and qualified, whatever they answered."""
    member = _locked(membership)
    now = timezone.now()
    standing = _change(member, trained_at=now, qualified_at=now)
    _record("member.let_in", member, actor, address)
    return standing


@transaction.atomic
def ask_again(*, membership: Membership, actor: User, address: str | None = None) -> Standing:
    """Ask the member to go through training and quiz (again); tries count from now on."""
    member = _locked(membership)
    standing = _change(member, trained_at=None, qualified_at=None, quiz_from=timezone.now())
    open_runs = PracticeRun.objects.filter(
        project=member.project, annotator=member.user, ended_at=None
    )
    open_runs.delete()
    _record("member.asked_again", member, actor, address)
    return standing


def _require_items(project: Project, use: str, field: str) -> None:
    if not GoldItem.objects.live().filter(project=project, use=use).exists():
        raise InvalidValue(field, "needs known answers with that use; set or import some first")
    if chat.NAME in Form.of_project(project).asked_kinds:
        raise InvalidValue(field, "cannot be asked where people talk to models live")


def _take_as_done(project: Project, field: str) -> None:
    """Of those who have worked already."""
    busy = Membership.objects.filter(project=project, done_count__gt=0).order_by("pk")
    for member in busy.select_for_update(no_key=True):
        _change(member, **{field: timezone.now()})


@transaction.atomic
def pause_member(*, membership: Membership, actor: User, address: str | None = None) -> Standing:
    """Hand the member nothing more; what is in their hands may still be submitted."""
    member = _locked(membership)
    standing = Standing.objects.filter(membership=member).first()
    if standing is not None and standing.paused_at is not None:
        return standing
    standing = _change(member, paused_at=timezone.now(), paused_why=Standing.Why.MANAGER)
    _record("member.paused", member, actor, address, why=Standing.Why.MANAGER.value)
    return standing


@transaction.atomic
def resume_member(*, membership: Membership, actor: User, address: str | None = None) -> Standing:
    """Hand out to the member again. The floor counts hidden items from now on."""
    member = _locked(membership)
    standing = _change(member)
    if standing.paused_at is not None:
        now = timezone.now()
        standing = _change(member, paused_at=None, paused_why="", gold_from=now)
        _record("member.resumed", member, actor, address)
    return standing


def keep_for_return(membership: Membership) -> None:
    """Remember how a member stands who leaves. The caller holds the membership."""
    standing = Standing.objects.filter(membership=membership).first()
    if standing is not None:
        FormerStanding.objects.update_or_create(
            project=membership.project, user=membership.user, defaults=_kept(standing)
        )


def come_back(membership: Membership) -> None:
    """Take up how the new member stood before, so that leaving ends no pause and no limit."""
    former = FormerStanding.objects.filter(project=membership.project, user=membership.user).first()
    if former is not None:
        # They may read other languages by now, and so have hidden items before them again.
        kept = {**_kept(former), "gold_spent": False}
        Standing.objects.update_or_create(membership=membership, defaults=kept)
        former.delete()


def _kept(standing: StandingFields) -> dict[str, object]:
    return {field.name: getattr(standing, field.name) for field in KEPT}


def _locked(membership: Membership) -> Membership:
    rows = Membership.objects.select_related("project", "user")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=membership.pk)


def _change(member: Membership, **fields: object) -> Standing:
    """The caller holds the membership."""
    standing, _created = Standing.objects.update_or_create(membership=member, defaults=fields)
    return standing


def _record(
    action: str, member: Membership, actor: User, address: str | None, **detail: object
) -> None:
    audit.record(
        action=action,
        target=member,
        actor=actor,
        project=member.project,
        address=address,
        user=member.user_id,
        **detail,
    )
