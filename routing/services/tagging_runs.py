"""Letting a judge tag a project's prompts: choosing it, and its work as a run."""

from collections.abc import Iterator
from contextlib import closing

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from annotate.inputs import InvalidValue
from annotate.models import JobState, Judge, Project, Prompt, Task, User
from annotate.services import audit
from annotate.wording import Told
from routing.judges import openai, tagging
from routing.judges.errands import run_errands
from routing.models import JudgeRun, PromptTagging, TaggerChoice, model_tagger
from routing.services.judge_watch import RunCancelled, Watch
from routing.services.ledger import Ledger
from routing.services.tagging import prompt_text

BATCH = 200  # prompts at once


@transaction.atomic
def choose_tagger(
    *, project: Project, actor: User | None, judge_id: int | None
) -> TaggerChoice | None:
    """From now on this judge tags the project's prompts; None: the rules. A run begins at once.

    What other taggers said stays beside it, and the rules count where it has not answered.
    Raises InvalidValue for a judge that is not the project's, or no language model.
    """
    from routing.services.judge_runs import start_judging

    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    before = TaggerChoice.objects.filter(project=project).first()
    if judge_id is None:
        if before is not None:
            before.delete()
            audit.record(
                action="routing.tagger_chosen", target=project, actor=actor, project=project,
                judge=None,
            )  # fmt: skip
        return None
    judge = Judge.objects.filter(project=project, pk=judge_id).select_related("project").first()
    if judge is None:
        raise InvalidValue("judge", "is no judge of this project")
    if judge.kind != openai.NAME:
        raise InvalidValue("judge", "must be a language model (kind openai) for this")
    if before is None or before.judge_id != judge.pk:
        before, _ = TaggerChoice.objects.update_or_create(
            project=project, defaults={"judge": judge}
        )
        audit.record(
            action="routing.tagger_chosen", target=project, actor=actor, project=project,
            judge=str(judge),
        )  # fmt: skip
    if untagged(judge).exists():
        start_judging(judge=judge, actor=actor, purpose=JudgeRun.Purpose.TAG)
    return before


def untagged(judge: Judge) -> QuerySet[Prompt]:
    """Prompts of the project's tasks that this judge has not tagged, in order of id."""
    mine = PromptTagging.objects.filter(prompt=OuterRef("pk"), tagger=model_tagger(judge.pk))
    tasks = Task.objects.filter(prompt=OuterRef("pk"))
    rows = Prompt.objects.filter(project=judge.project_id)
    return rows.filter(Exists(tasks), ~Exists(mine)).order_by("pk")


def due_taggers() -> list[Judge]:
    """Chosen judges with prompts that came since their last run, or got their first task since it
    began, if it ended well. What that run failed on is not asked again by itself.

    After a run that failed or was cancelled a person begins the next. Three queries a choice.
    """
    found = []
    choices = TaggerChoice.objects.filter(project__archived_at=None)
    for choice in choices.select_related("judge__project"):
        runs = choice.judge.runs.order_by("-pk")
        if runs.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).exists():
            continue
        last = runs.filter(purpose=JudgeRun.Purpose.TAG).first()
        if last is not None and last.state != JobState.DONE:
            continue
        if _new_since(last, untagged(choice.judge)).exists():
            found.append(choice.judge)
    return found


def _new_since(run: JudgeRun | None, prompts: QuerySet[Prompt]) -> QuerySet[Prompt]:
    if run is None:
        return prompts
    older = Task.objects.filter(prompt=OuterRef("pk"), created_at__lte=run.created_at)
    return prompts.filter(Q(pk__gt=run.cursor) | ~Exists(older))


def tag_some(run: JudgeRun) -> bool:
    """Whether all is done; False when the time is over before. Raises RunCancelled, JudgeError.

    A prompt is asked about by the first of its tasks, so that its call is on record like others. A
    prompt whose call fails for good keeps the tags of the rules.
    """
    watch = Watch(run, may_cut=True)
    if run.total is None:
        total = untagged(run.judge).count()
        run.total = min(total, run.most_tasks) if run.most_tasks else total
    run.labelled = _tagged_by(run)
    watch.beat(total=run.total, message=Told("The judge reads prompts."))
    judge = openai.OpenAIJudge(run.judge.config, Ledger(run.judge, run=run))
    for batch in _batches(run):
        errands = [tagging.errand(task_id, prompt_text(prompt)) for prompt, task_id in batch]
        prompt_of = {task_id: prompt for prompt, task_id in batch}
        failed = 0
        with closing(run_errands(judge, errands, watch.should_stop)) as said:
            for errand, outcome in said:
                watch.heard += 1
                if outcome.failure or outcome.value is None:
                    failed += 1
                    continue
                _, made = PromptTagging.objects.get_or_create(
                    prompt=prompt_of[errand.key.task_id],
                    tagger=model_tagger(run.judge_id),
                    defaults={"answer": outcome.value},
                )
                run.labelled += made
        if watch.cut and not watch.cancelled:
            return False  # failures of the batch are heard again, from the record
        run.failed += failed
        if watch.cancelled:
            watch.keep()
            raise RunCancelled
        run.cursor = batch[-1][0].pk
        watch.keep(cursor=run.cursor)
        if watch.is_over:
            return False
    return True


def _tagged_by(run: JudgeRun) -> int:
    """Also what was tagged by a worker that was killed before it wrote its count down."""
    mine = PromptTagging.objects.filter(
        prompt__project=run.project_id, tagger=model_tagger(run.judge_id)
    )
    return mine.filter(changed_at__gte=run.created_at).count()


def _batches(run: JudgeRun) -> Iterator[list[tuple[Prompt, int]]]:
    """Prompts with the first of their tasks."""
    while True:
        room = BATCH
        if run.most_tasks is not None:
            room = min(BATCH, run.most_tasks - run.labelled - run.failed)
        rows = untagged(run.judge).filter(pk__gt=run.cursor).annotate(task=Min("tasks"))
        batch = [(prompt, prompt.task) for prompt in rows[: max(0, room)]]
        if not batch:
            return
        yield batch
