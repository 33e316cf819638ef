"""Norming sessions: choosing tasks and people, ending, and the seats that belong to one person.

A norming seat is leased to its person for good, from the beginning: no hand-out gives it to anybody
else, drafts and answers work as everywhere. Its numbers begin at Seat.NORMING, so that whatever
opens and voids seats by a task's overlap passes over it.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.db.models.expressions import RawSQL
from django.utils import timezone

from annotate import handout
from annotate.handout import Lease
from annotate.inputs import BIGINT_MAX, clean_integer, clean_text
from annotate.kinds import InvalidValue
from annotate.models import (
    Draft,
    Judgement,
    Membership,
    NormingSeat,
    NormingSession,
    Project,
    Seat,
    Skip,
    Task,
    User,
)
from annotate.services import audit
from annotate.services.work.tasks import queue_key, shown_order

MOST_TASKS = 100
MOST_PEOPLE = 100
FOR_GOOD = timedelta(days=365 * 10)


@transaction.atomic
def start_session(
    *, project: Project, actor: User, name: str, tasks: Sequence[int], people: Sequence[int]
) -> NormingSession:
    """The tasks go to all of the people, before any other work of theirs.

    `tasks` and `people` are ids; of people, of users who are members. Raises InvalidValue, also
    where one of them has seen one of the tasks.
    """
    name = clean_text("name", name, max_chars=200, required=True, lines=False).strip()
    chosen = _tasks(project, tasks)
    members = _members(project, people)
    # Two sessions of one task number its seats one after the other.
    ids = [task.pk for task in chosen]
    list(Task.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    for member in sorted(members, key=lambda one: one.user_id):
        handout.lock_person(project_id=project.pk, user_id=member.user_id)
    _refuse_seen(chosen, members)
    session = NormingSession.objects.create(project=project, name=name, created_by=actor)
    for task in chosen:
        _open(session, task, members)
    audit.record(
        action="norming.started",
        target=session,
        actor=actor,
        project=project,
        name=name,
        tasks=len(chosen),
        people=len(members),
    )
    return session


@transaction.atomic
def end_session(*, session: NormingSession, actor: User) -> NormingSession:
    """Nobody is asked any more; what was answered stays. Once ended it stays so."""
    session = NormingSession.objects.select_for_update().get(pk=session.pk)
    if session.ended_at is not None:
        return session
    people = session.seats.values_list("annotator_id", flat=True).distinct()
    for person in sorted(people):
        handout.lock_person(project_id=session.project_id, user_id=person)
    Seat.objects.filter(norming__session=session, state=Seat.State.LEASED).update(
        state=Seat.State.VOID, annotator=None
    )
    session.ended_at = timezone.now()
    session.save(update_fields=["ended_at"])
    audit.record(
        action="norming.ended",
        target=session,
        actor=actor,
        project=session.project,
        name=session.name,
    )
    return session


def lease_of(*, seat_id: int, user: User) -> Lease | None:
    """The person's norming seat as the work page shows it; None if it is theirs no more.

    Up to six queries.
    """
    seat = (
        Seat.objects.filter(pk=seat_id, annotator=user, state=Seat.State.LEASED)
        .select_related("task__prompt", "project")
        .first()
    )
    if seat is None:
        return None
    prompt, project = seat.task.prompt, seat.project
    found = {one.pk: one.content for one in seat.task.responses.all()}
    draft = Draft.objects.filter(seat=seat, annotator=user).first()
    return Lease(
        seat_id=seat.pk,
        task_id=seat.task_id,
        project_id=seat.project_id,
        leased_until=seat.leased_until,
        kind=project.kind,
        kind_settings=project.kind_settings,
        form_version=project.form_version_id,
        prompt={
            "system": prompt.system,
            "conversation": prompt.conversation,
            "language": prompt.language,
            "passages": prompt.passages,
        },
        context=seat.task.context,
        responses=[{"id": pk, "content": found[pk]} for pk in seat.shown_order],
        draft=draft.value if draft else None,
    )


def _tasks(project: Project, ids: Sequence[int]) -> list[Task]:
    _clean_ids("tasks", ids, MOST_TASKS, least=1)
    rows = Task.objects.filter(project=project, pk__in=ids).select_related("project")
    found = {task.pk: task for task in rows}
    for number, pk in enumerate(ids):
        if pk not in found:
            raise InvalidValue(f"tasks.{number}", "is no task of this project: {task}", task=pk)
    return [found[pk] for pk in dict.fromkeys(ids)]


def _members(project: Project, ids: Sequence[int]) -> list[Membership]:
    _clean_ids("people", ids, MOST_PEOPLE, least=2)
    rows = Membership.objects.filter(project=project, user__in=ids).select_related("user")
    found = {member.user_id: member for member in rows}
    for number, pk in enumerate(ids):
        if pk not in found:
            raise InvalidValue(f"people.{number}", "is no member of this project")
    return [found[pk] for pk in dict.fromkeys(ids)]


def _clean_ids(field: str, ids: object, most: int, *, least: int) -> None:
    if not isinstance(ids, list | tuple) or not least <= len(set(map(str, ids))) <= most:
        raise InvalidValue(field, "must be {least} to {most} of them", least=least, most=most)
    for number, pk in enumerate(ids):
        clean_integer(f"{field}.{number}", pk, low=1, high=BIGINT_MAX)


def _refuse_seen(tasks: Sequence[Task], members: Sequence[Membership]) -> None:
    """Who has answered, declined or holds one of the tasks cannot judge it as the others do."""
    mine = {"task__in": tasks, "annotator__in": [member.user_id for member in members]}
    for model in (Judgement, Seat, Skip):
        rows = model.objects.filter(**mine)
        seen = rows.select_related("annotator").order_by("task").first()
        if seen is not None:
            raise InvalidValue(
                "tasks",
                "hold task {task}, which {who} has seen already; take another one",
                task=seen.task_id,
                who=seen.annotator.username,
            )


def _open(session: NormingSession, task: Task, members: Sequence[Membership]) -> None:
    now = timezone.now()
    last = task.seats.filter(number__gte=Seat.NORMING).aggregate(last=Max("number"))["last"]
    first = Seat.NORMING if last is None else last + 1
    responses = list(task.places.order_by("position").values_list("response_id", flat=True))
    seats = Seat.objects.bulk_create(
        Seat(
            task=task,
            project=session.project,
            number=number,
            state=Seat.State.LEASED,
            annotator=member.user,
            leased_at=now,
            leased_until=now + FOR_GOOD,
            queue_key=queue_key(
                project=session.project, priority=task.priority, number=0, task_id=task.pk
            ),
            shown_order=shown_order(
                project=session.project, task_id=task.pk, number=number, responses=responses
            ),
        )
        for number, member in enumerate(members, first)
    )
    NormingSeat.objects.bulk_create(
        NormingSeat(
            session=session,
            project=session.project,
            seat=seat,
            task=task,
            annotator_id=seat.annotator_id,
        )
        for seat in seats
    )


def draw_tasks(*, project: Project, people: Sequence[int], count: int) -> list[int]:
    """Ids of up to so many tasks that none of the people has seen and whose answer is not known.

    Drawn by the project's seed: the same ones until somebody sees them.
    """
    seen = {"task": OuterRef("pk"), "annotator__in": list(people)}
    rows = Task.objects.filter(project=project, gold__isnull=True).filter(
        ~Exists(Judgement.objects.filter(**seen)),
        ~Exists(Seat.objects.filter(**seen)),
        ~Exists(Skip.objects.filter(**seen)),
    )
    drawn = RawSQL("hashint8extended(annotate_task.id, %s)", (project.seed,))
    return list(rows.order_by(drawn, "pk").values_list("pk", flat=True)[:count])


def is_asked_nothing(project: Project) -> bool:
    """Whether the hand-out would give a task at once: see `handout.Unasked`.

    `project.membership` as access.py sets it.
    """
    member = project.membership
    if member is None:
        return False
    agreed = project.consent_id is None or member.consent_id == project.consent_id
    is_over = project.profile_until is not None and project.profile_until < timezone.localdate()
    asks = bool(project.profile_questions) and not is_over
    return agreed and (not asks or member.profile_asked_at is not None)
