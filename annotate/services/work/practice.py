"""Going through training items, and tries at the qualification quiz, before any real task.

Answers are kept apart from judgements: they are no labels, and a try may be repeated. Whoever
writes holds the membership, so that two browsers of one person do not begin two tries or answer
twice.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from annotate import handout
from annotate.forms import Form
from annotate.inputs import clean_text
from annotate.kinds.known import grade
from annotate.models import (
    GoldItem,
    Membership,
    PracticeAnswer,
    PracticeRun,
    Project,
    Standing,
    Task,
    User,
)
from annotate.services import audit
from annotate.services.people.standing import rules_of
from annotate.services.work.judgements import MAX_RATIONALE, Answer, clean_seconds

Stage = PracticeRun.Stage
DONE = {Stage.TRAINING: "trained_at", Stage.QUIZ: "qualified_at"}


@dataclass(frozen=True)
class Practice:
    """What a person has yet to go through; without a `stage` there is nothing.

    `run` is the one that is open, `last` the last quiz that ended. `wait_until`: no try before;
    `tries_left`: None for any number.
    """

    stage: str | None = None
    run: PracticeRun | None = None
    last: PracticeRun | None = None
    items: int = 0
    pass_percent: int = 0
    tries_left: int | None = None
    wait_until: datetime | None = None

    @property
    def may_begin(self) -> bool:
        return self.stage is not None and self.wait_until is None and self.tries_left != 0


@transaction.atomic
def practice_of(*, project: Project, user: User) -> Practice:
    """How far somebody is with training and quiz. What has no items left counts as done."""
    member = handout.lock_person(project_id=project.pk, user_id=user.pk)
    if member is None or member.role != Membership.Role.ANNOTATOR:
        return Practice()
    rules = rules_of(project)
    standing, _created = Standing.objects.get_or_create(membership=member)
    wanted = {Stage.TRAINING: rules.training, Stage.QUIZ: rules.quiz_pass_percent > 0}
    for stage in (Stage.TRAINING, Stage.QUIZ):
        if not wanted[stage] or getattr(standing, DONE[stage]) is not None:
            continue
        runs = PracticeRun.objects.filter(project=project, annotator=user, stage=stage)
        if standing.quiz_from is not None:
            runs = runs.filter(started_at__gte=standing.quiz_from)
        items = _items(project, stage).count()
        if not items or runs.filter(passed=True).exists():  # of an earlier membership
            setattr(standing, DONE[stage], timezone.now())
            standing.save(update_fields=[DONE[stage]])
            continue
        ended = runs.filter(ended_at__isnull=False).order_by("-pk")
        last, run = ended.first(), runs.filter(ended_at=None).first()
        found = Practice(stage.value, run, last, items)
        if stage == Stage.TRAINING:
            return found
        tries = rules.quiz_tries
        until = last and last.ended_at + timedelta(minutes=rules.quiz_wait_minutes)
        return replace(
            found,
            pass_percent=rules.quiz_pass_percent,
            tries_left=max(tries - ended.count(), 0) if tries else None,
            wait_until=until if until and run is None and until > timezone.now() else None,
        )
    return Practice()


@transaction.atomic
def begin_run(*, project: Project, user: User) -> PracticeRun | None:
    """The open run of the person's stage, begun if need be; None where none may begin now."""
    now = practice_of(project=project, user=user)
    if now.run is not None:
        _refill(now.run, user)
        return now.run
    if not now.may_begin:
        return None
    tasks = list(_items(project, now.stage).order_by("task").values_list("task", flat=True))
    if now.stage == Stage.QUIZ:
        tries = PracticeRun.objects.filter(project=project, annotator=user).count()
        tasks.sort(key=lambda pk: _drawn(project.seed, user.pk, tries, pk))
    return PracticeRun.objects.create(
        project=project,
        annotator=user,
        stage=now.stage,
        task_ids=tasks,
        pass_percent=now.pass_percent,
    )


def next_item(run: PracticeRun) -> Task | None:
    """The item to be answered next; those not used any more are left out. Two queries."""
    answered = set(run.answers.values_list("task", flat=True))
    left = [pk for pk in run.task_ids if pk not in answered]
    live = Task.objects.filter(pk__in=left, gold_item__retired_at=None)
    tasks = live.select_related("prompt", "gold_item").in_bulk()
    return next((tasks[pk] for pk in left if pk in tasks), None)


def shown_order(run: PracticeRun, task: Task) -> list[int]:
    """The order in which a run shows an item's responses."""
    ids = task.places.order_by("position").values_list("response_id", flat=True)
    return sorted(ids, key=lambda pk: _drawn(run.project_id, run.pk, task.pk, pk))


@transaction.atomic
def answer_item(
    *,
    run_id: int,
    task_id: int,
    user: User,
    value: Answer,
    rationale: str = "",
    seconds_active: float | None = None,
) -> PracticeAnswer:
    """Answer the run's next item; its last answer ends the run. Again: the first row.

    Raises InvalidValue, and Http404 for what is not the person's to answer now.
    """
    run = PracticeRun.objects.select_related("project").filter(pk=run_id, annotator=user).first()
    if run is None or not handout.lock_person(project_id=run.project_id, user_id=user.pk):
        raise Http404("No such run of yours.")
    run.refresh_from_db(fields=["ended_at", "right", "passed"])
    there = run.answers.filter(task=task_id).select_related("task__gold_item").first()
    if there is not None:
        there.run = run
        return there
    task = next_item(run) if run.ended_at is None else None
    if task is None or task.pk != task_id:
        raise Http404("This item is not asked now; open the next one.")
    form = form_of(run.project)
    clean_text("rationale", rationale, max_chars=MAX_RATIONALE)
    ids = shown_order(run, task)
    said = form.clean_value(
        value(form) if callable(value) else value,
        task_id=task.pk,
        response_ids=ids,
        annotator_id=user.pk,
        rationale=rationale,
    )
    graded = grade(form.kind, said, task.gold, sorted(ids), task.gold_item.tolerance)
    answer = PracticeAnswer.objects.create(
        run=run,
        task=task,
        form_version_id=form.version,
        value=said,
        rationale=rationale,
        right=graded.right,
        distance=graded.distance,
        seconds_active=clean_seconds(seconds_active),
    )
    if next_item(run) is None:
        _end(run, user)
    return answer


def form_of(project: Project) -> Form:
    """What practice asks: the project's form, without what AI judges suggest."""
    form = Form.of_project(project)
    if form.shows_suggestions:
        return replace(form, settings=replace(form.settings, suggestions=False))
    return form


def _refill(run: PracticeRun, user: User) -> None:
    """A run whose last items are not used any more goes on with those there are now, or ends."""
    if next_item(run) is not None:
        return
    there = _items(run.project, run.stage).order_by("task").values_list("task", flat=True)
    run.task_ids += [pk for pk in there if pk not in run.task_ids]
    run.save(update_fields=["task_ids"])
    if next_item(run) is None:
        _end(run, user)


def _end(run: PracticeRun, user: User) -> None:
    answers = list(run.answers.values_list("right", flat=True))
    run.ended_at, run.right = timezone.now(), sum(answers)
    run.passed = 100 * run.right >= run.pass_percent * len(answers)
    run.save(update_fields=["ended_at", "right", "passed"])
    if run.passed:
        member = Membership.objects.get(project=run.project_id, user=user)
        Standing.objects.filter(membership=member).update(**{DONE[Stage(run.stage)]: run.ended_at})
    if run.stage == Stage.QUIZ:
        audit.record(
            action="quiz.ended",
            target=run,
            actor=user,
            project=run.project,
            passed=run.passed,
            right=run.right,
            of=len(answers),
        )


def _items(project: Project, stage: str):
    return GoldItem.objects.live().filter(project=project, use=stage)


def _drawn(*parts: int) -> bytes:
    return hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest()
