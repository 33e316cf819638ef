"""Second looks at what judges labelled alone: asking for one, and taking one back."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.kinds import pairwise
from annotate.models import JobState, Judge, Judgement, LabelFlip, Project, Seat, Task, User
from annotate.services import audit, jobs
from annotate.services.outgoing import flips
from annotate.services.work.locks import lock_tasks
from routing.models import SecondLook, SecondLookItem
from routing.services.policies import JUDGE_KIND, current_judge
from routing.settings.second_look import clean_settings

GOING = (JobState.QUEUED, JobState.RUNNING)


@transaction.atomic
def start_second_look(
    *, project: Project, actor: User | None, settings: object, dry_run: bool = True
) -> SecondLook:
    """Queue a look; a dry run changes nothing.

    Until a look was made for real, each one with the same settings draws the same tasks, so a dry
    run tells what the look after it does. Raises InvalidValue for a wrong setting, a project that
    asks for no pairs, or while another look is under way.
    """
    if project.kind != pairwise.NAME:
        raise InvalidValue("project", "asks for no pairs, and only those have margins")
    cleaned = clean_settings(settings)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    judge = _reward_model(project, cleaned["judge"])
    mine = SecondLook.objects.filter(project=project)
    if mine.filter(state__in=GOING).exists():
        raise InvalidValue("settings", "a second look is under way; wait for it or cancel it")
    look = SecondLook.objects.create(
        project=project,
        judge=judge,
        settings={**cleaned, "judge": judge.pk},
        dry_run=dry_run,
        seed=project.seed + mine.filter(dry_run=False).count(),
        created_by=actor,
    )
    audit.record(
        action="routing.second_look_queued",
        target=look,
        actor=actor,
        project=project,
        judge=str(judge),
        settings=look.settings,
        dry_run=dry_run,
    )
    jobs.enqueue(look)
    return look


def reward_models(project: Project) -> QuerySet[Judge]:
    """The versions that a look may go by, newest first."""
    return Judge.objects.filter(project=project, kind=JUDGE_KIND).order_by("-version")


def _reward_model(project: Project, wanted: int | None) -> Judge:
    if wanted is None:
        judge = current_judge(project=project)
        if judge is None:
            raise InvalidValue(
                "settings.judge",
                "no reward model is in service; train one and promote it, then look again",
            )
        return judge
    judge = reward_models(project).filter(pk=wanted).first()
    if judge is None:
        raise InvalidValue("settings.judge", "is no reward model of this project")
    return judge


def labelled_alone(project: Project) -> QuerySet[Task]:
    """Tasks that a judge labelled and people were not asked about, nor had it turned round before.

    What people hold or have answered is left out, whatever its route says.
    """
    mine = OuterRef("pk")
    answers = Judgement.objects.filter(task=mine)
    labels = answers.labels().filter(source=Judgement.Source.JUDGE, kind=pairwise.NAME)
    turned = LabelFlip.objects.in_force().filter(judgement__task=mine)
    at_work = Seat.objects.filter(task=mine, state__in=[Seat.State.LEASED, Seat.State.DONE])
    return (
        Task.objects.filter(project=project, route=Task.Route.AI)
        .filter(Exists(labels))
        .filter(~Exists(answers.exclude(source=Judgement.Source.JUDGE)))
        .filter(~Exists(at_work))
        .filter(~Exists(turned))
    )


@transaction.atomic
def take_back_look(*, look: SecondLook, actor: User | None) -> SecondLook:
    """Its turned labels are again what the judge said, and nobody is asked any more about what
    nobody began. Answers that came stay, and stay out of the figures; snapshots stay as they are.

    Raises InvalidValue for a look that is under way, a dry run, or one taken back before.
    """
    look = SecondLook.objects.select_for_update().get(pk=look.pk)
    if look.dry_run:
        raise InvalidValue("look", "was a dry run, which changed nothing")
    if not look.is_over:
        raise InvalidValue("look", "is under way; cancel it first")
    if look.taken_back_at is not None:
        raise InvalidValue("look", "was taken back before")
    items = look.items.filter(state=SecondLookItem.State.APPLIED)
    turned = LabelFlip.objects.in_force().filter(
        why__second_look=look.pk,
        judgement__task__in=items.filter(outcome=SecondLookItem.Outcome.FLIP).values("task"),
    )
    flipped = flips.take_back(flips=list(turned), why={"second_look_taken_back": look.pk})
    closed = _close_what_nobody_began(list(items.asking_people().values_list("task", flat=True)))
    look.taken_back_at = timezone.now()
    look.save(update_fields=["taken_back_at"])
    audit.record(
        action="routing.second_look_taken_back",
        target=look,
        actor=actor,
        project=look.project,
        labels=flipped,
        tasks=closed,
    )
    return look


def _close_what_nobody_began(task_ids: list[int]) -> int:
    """Void the seats of these tasks; returns of how many tasks. Locks the tasks, then the seats."""
    begun: set[int] = set()
    lock_tasks(task_ids)
    seats = Seat.objects.select_for_update().filter(task__in=task_ids).order_by("pk")
    for task_id, state in seats.values_list("task_id", "state"):
        if state in (Seat.State.LEASED, Seat.State.DONE):
            begun.add(task_id)
    people = Judgement.objects.filter(task__in=task_ids).exclude(source=Judgement.Source.JUDGE)
    begun |= set(people.values_list("task_id", flat=True))
    untouched = [pk for pk in task_ids if pk not in begun]
    Task.objects.filter(pk__in=untouched).update(route=Task.Route.AI)
    Seat.objects.filter(task__in=untouched, state=Seat.State.OPEN).update(
        state=Seat.State.VOID, reopened_key=None
    )
    return len(untouched)
