"""How far signals are trusted, and how long they are kept."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotate.inputs import InvalidValue, clean_choice, clean_integer, clean_number
from annotate.models import FollowUp, Project, Signal, SignalRules, SignalType, User
from annotate.services import audit

REMOVED_AT_ONCE = 10_000
KEPT_DAYS = 365


def rules_of(project: Project) -> SignalRules:
    """Those that were set, or the usual ones, which are not saved."""
    return SignalRules.objects.filter(project=project).first() or SignalRules(project=project)


@transaction.atomic
def set_rules(
    *, project: Project, actor: User, address: str | None = None, **fields: object
) -> SignalRules:
    """Other `noise` (by type, null takes it back to the estimate), `keep_days`, or what a
    `follow_up` says: a FollowUp. One that says nothing has no rate. Raises InvalidValue.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rules = rules_of(project)
    before = _told(rules)
    if "follow_up" in fields:
        rules.follow_up = clean_choice("follow_up", fields["follow_up"], FollowUp.values)
        if rules.follow_up == FollowUp.NOTHING:
            rules.noise = {n: r for n, r in rules.noise.items() if n != SignalType.FOLLOW_UP}
    if "noise" in fields:
        rules.noise = _clean_noise(fields["noise"], rules.noise, rules.labels)
    if "keep_days" in fields:
        rules.keep_days = clean_integer("keep_days", fields["keep_days"], low=1, high=3650)
    after = _told(rules)
    if after != before:
        rules.save()
        audit.record(
            action="signals.rules_set",
            target=project,
            actor=actor,
            project=project,
            address=address,
            before=before,
            after=after,
        )
    return rules


def _told(rules: SignalRules) -> dict[str, object]:
    return {
        "noise": dict(rules.noise),
        "keep_days": rules.keep_days,
        "follow_up": str(rules.follow_up),
    }


def _clean_noise(
    value: object, kept: Mapping[str, float], labels: Collection[str]
) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise InvalidValue("noise", "must be an object: a rate by type")
    noise = dict(kept)
    for type, rate in value.items():
        if type not in labels:
            known = ", ".join(labels)
            raise InvalidValue(
                "noise", "{type} says neither good nor bad; known: {known}", type=type, known=known
            )
        if rate is None:
            noise.pop(type, None)
        else:
            noise[str(type)] = clean_number(f"noise.{type}", rate, low=0, high=0.5)
    return noise


def kept_days() -> Mapping[int, int]:
    """For how many days each project keeps its signals, by its id. One query."""
    ruled = SignalRules.objects.values_list("project_id", "keep_days")
    return defaultdict(lambda: KEPT_DAYS, ruled)


def remove_old() -> int:
    """Forget signals that are older than their project keeps them; returns how many. For beat."""
    now = timezone.now()
    days = kept_days()
    removed = 0
    for project in Signal.objects.order_by().values_list("project_id", flat=True).distinct():
        until = now - timedelta(days=days[project])
        old = Signal.objects.filter(project=project, received_at__lt=until).order_by("received_at")
        ids = list(old.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
        removed += len(ids)
        Signal.objects.filter(pk__in=ids).delete()
    return removed
