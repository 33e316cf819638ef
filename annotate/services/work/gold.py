"""Known answers: setting, changing and retiring them."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from annotate.forms import Form
from annotate.inputs import clean_choice, clean_number, clean_text
from annotate.kinds import InvalidValue
from annotate.kinds.known import can_be_known, grade
from annotate.kinds.relaxed import relaxed
from annotate.models import GoldCheck, GoldItem, Judgement, Project, Seat, Task, User
from annotate.services import audit
from annotate.services.work.tasks import open_seats

MAX_EXPLANATION = 20_000
DRAW_KEYS = 2**31
FIELDS = frozenset({"use", "explanation", "tolerance"})


def known_form(project: Project) -> Form:
    """The form that known answers are given under: what a file or a manager cannot know is not
    asked, and nothing is suggested. Raises InvalidValue for a kind without right answers.
    """
    form = Form.of_project(project)
    if not can_be_known(form.kind, form.settings):
        raise InvalidValue(
            "gold", "has no place in answers of kind {kind}, which are never right or wrong",
            kind=form.kind,
        )  # fmt: skip
    settings = relaxed(form.settings)
    if form.shows_suggestions:
        settings = replace(settings, suggestions=False)
    return Form(form.kind, settings, form.version)


def clean_known(task: Task, raw: object | Callable[[Form], object]) -> dict:
    """The known answer as answers are stored. Raises InvalidValue."""
    form = known_form(task.project)
    ids = sorted(task.places.values_list("response_id", flat=True))
    value = form.clean_value(
        raw(form) if callable(raw) else raw,
        task_id=task.pk,
        response_ids=ids,
        annotator_id=0,
        rationale="",
    )
    refuse_incomparable(form.kind, value, ids)
    return value


def refuse_incomparable(kind: str, value: dict, ids: list[int]) -> None:
    """Raises InvalidValue for an answer that says nothing to compare with."""
    if not grade(kind, value, value, ids).right:
        raise InvalidValue("value", "says nothing that another answer could be compared with")


def clean_gold_fields(fields: dict) -> dict:
    """`use`, `explanation` and `tolerance`, those that are given. Raises InvalidValue."""
    cleaned = {}
    if "use" in fields:
        cleaned["use"] = clean_choice("use", fields["use"], GoldItem.Use.values)
    if "explanation" in fields:
        cleaned["explanation"] = clean_text(
            "explanation", fields["explanation"], max_chars=MAX_EXPLANATION
        )
    if "tolerance" in fields:
        given = fields["tolerance"]
        cleaned["tolerance"] = (
            None if given is None else clean_number("tolerance", given, low=0, high=1)
        )
    return cleaned


@transaction.atomic
def set_gold(
    *,
    task: Task,
    actor: User | None,
    value: object | Callable[[Form], object] | Judgement,
    origin: str = GoldItem.Origin.HAND,
    address: str | None = None,
    **fields: object,
) -> GoldItem:
    """Make the answer the task's known one, also that of a judgement; `fields` are FIELDS.

    Nobody is asked about the task as ordinary work any longer: open seats are voided, labels that
    it has stay labels. Checks by an answer that was known before are graded anew. Raises
    InvalidValue.
    """
    cleaned = clean_gold_fields(fields)
    project = task.project
    if isinstance(value, Judgement):
        form, known = known_form(project), value.value
        refuse_incomparable(form.kind, known, sorted(value.shown_order))
    else:
        known = clean_known(task, value)
    task = Task.objects.select_for_update(no_key=True).get(pk=task.pk)
    task.gold, task.overlap = known, 0
    task.save(update_fields=["gold", "overlap"])
    void_ordinary_seats([task.pk])
    item, created = GoldItem.objects.update_or_create(
        task=task,
        defaults={**cleaned, "retired_at": None},
        create_defaults={
            "project": project,
            "origin": origin,
            "draw_key": draw_key(project.seed, task.pk),
            "created_by": actor,
            **cleaned,
        },
    )
    if not created:
        regrade(item)
    more_gold(project)
    audit.record(
        action="gold.set",
        target=task,
        actor=actor,
        project=project,
        address=address,
        use=item.use,
        value=known,
    )
    return item


@transaction.atomic
def change_gold(
    *, item: GoldItem, actor: User, address: str | None = None, **fields: object
) -> GoldItem:
    """Change how a known answer is used; `fields` are FIELDS. Another tolerance grades anew.

    Raises InvalidValue.
    """
    cleaned = clean_gold_fields(fields)
    item = _locked(item)
    before = {name: getattr(item, name) for name in cleaned}
    changed = {name: value for name, value in cleaned.items() if before[name] != value}
    if not changed:
        return item
    for name, value in changed.items():
        setattr(item, name, value)
    item.save(update_fields=list(changed))
    if "tolerance" in changed:
        regrade(item)
    if "use" in changed:
        more_gold(item.project)
    audit.record(
        action="gold.changed",
        target=item.task,
        actor=actor,
        project=item.project,
        address=address,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return item


@transaction.atomic
def retire_gold(
    *, item: GoldItem, actor: User, to_people: bool = False, address: str | None = None
) -> GoldItem:
    """Use the item no longer; what was checked by it stays. `to_people`: the task is ordinary work
    from now on, for the project's overlap of people.
    """
    item = _locked(item)
    if item.retired_at is None:
        item.retired_at = timezone.now()
        item.save(update_fields=["retired_at"])
        if to_people:
            task = item.task
            task.overlap, task.project = item.project.overlap, item.project
            task.save(update_fields=["overlap"])
            open_seats(tasks=[task])
        audit.record(
            action="gold.retired",
            target=item.task,
            actor=actor,
            project=item.project,
            address=address,
            to_people=to_people,
        )
    return item


def draw_key(seed: int, task_id: int) -> int:
    """The item's place in the circle that people go round. Pure."""
    drawn = hashlib.blake2b(f"gold:{seed}:{task_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") % DRAW_KEYS


def void_ordinary_seats(task_ids: list[int]) -> None:
    """Withdraw what is still open of the tasks; what somebody holds stays theirs."""
    seats = Seat.objects.filter(task__in=task_ids, state=Seat.State.OPEN, is_gold=False)
    seats.update(state=Seat.State.VOID, reopened_key=None, ranked_key=None)


def regrade(item: GoldItem) -> None:
    """Grade the answers to an item again, after it has changed. Pauses nobody."""
    known = item.task.gold
    checks = list(GoldCheck.objects.filter(task=item.task).select_related("judgement"))
    for check in checks:
        said = check.judgement
        graded = grade(said.kind, said.value, known, sorted(said.shown_order), item.tolerance)
        check.right, check.distance = graded
    GoldCheck.objects.bulk_update(checks, ["right", "distance"], batch_size=1000)


def more_gold(project: Project) -> None:
    """After the commit, let those look again who had found no further hidden item."""
    transaction.on_commit(partial(_more_gold, project.pk))


def _more_gold(project_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotate_standing SET gold_spent = false WHERE gold_spent AND membership_id IN"
            " (SELECT id FROM annotate_membership WHERE project_id = %s)",
            [project_id],
        )


def _locked(item: GoldItem) -> GoldItem:
    rows = GoldItem.objects.select_related("task", "project")
    return rows.select_for_update(of=("self", "task"), no_key=True).get(pk=item.pk)
