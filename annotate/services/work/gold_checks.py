"""How people do at hidden items, and who is paused for it."""

from django.utils import timezone

from annotate.kinds.known import grade
from annotate.models import GoldCheck, GoldItem, Judgement, Membership, Standing, WorkRules
from annotate.services import audit


def check_answer(judgement: Judgement) -> GoldCheck:
    """Grade an answer to a hidden item; pauses its author if that puts them below the floor.

    In the answer's own transaction, which holds the author's membership.
    """
    # Locked, so that an answer that comes while the known one changes is graded by the new one, or
    # anew with the others; the task is read once the lock is there.
    item = GoldItem.objects.select_for_update(no_key=True).get(task=judgement.task_id)
    graded = grade(
        judgement.kind,
        judgement.value,
        item.task.gold,
        sorted(judgement.shown_order),
        item.tolerance,
    )
    said = {"judgement": judgement, "right": graded.right, "distance": graded.distance}
    check, _created = GoldCheck.objects.update_or_create(
        task_id=judgement.task_id,
        annotator_id=judgement.annotator_id,
        defaults=said,
        create_defaults={
            **said,
            "project_id": judgement.project_id,
            "answered_at": judgement.submitted_at,
        },
    )
    _keep_to_floor(judgement)
    return check


def _keep_to_floor(judgement: Judgement) -> None:
    rules = WorkRules.objects.filter(project=judgement.project_id).first()
    if rules is None or not rules.gold_floor:
        return
    member = Membership.objects.filter(
        project=judgement.project_id, user=judgement.annotator_id, role=Membership.Role.ANNOTATOR
    ).first()
    if member is None:
        return
    standing, _created = Standing.objects.get_or_create(membership=member)
    if standing.paused_at is not None:
        return
    checks = GoldCheck.objects.filter(
        project=judgement.project_id, annotator=judgement.annotator_id
    )
    if standing.gold_from is not None:
        checks = checks.filter(answered_at__gte=standing.gold_from)
    latest = list(
        checks.order_by("-answered_at", "-pk").values_list("right", flat=True)[
            : rules.gold_floor_from
        ]
    )
    right = sum(latest)
    if len(latest) < rules.gold_floor_from or 100 * right >= rules.gold_floor * len(latest):
        return
    standing.paused_at, standing.paused_why = timezone.now(), Standing.Why.GOLD
    standing.save(update_fields=["paused_at", "paused_why"])
    audit.record(
        action="member.paused",
        target=member,
        actor=None,
        project=member.project,
        user=member.user_id,
        why=Standing.Why.GOLD.value,
        right=right,
        of=len(latest),
        floor=rules.gold_floor,
    )
