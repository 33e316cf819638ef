"""A judge's work through a project's tasks, as a job: labels, suggestions, or a dry run."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotate.inputs import InvalidValue, clean_choice, clean_integer
from annotate.kinds import spans
from annotate.models import GoldItem, JobState, Judge, Judgement, Task, User
from annotate.services import audit, jobs
from annotate.wording import Told
from routing import judges
from routing.judges import Question, Verdict, openai
from routing.models import JudgeRun, Suggestion, of_people, outside_second_looks
from routing.services.asked import OF_PAIRS, asked_of, stored
from routing.services.criteria_runs import check_some, draft_some
from routing.services.dry_runs import report_of
from routing.services.judge_watch import RunCancelled, Watch, counts_of
from routing.services.judging import questions, verdicts
from routing.services.ledger import end_abandoned
from routing.services.principle_runs import LEAST, MOST_CHOICES, explain_some
from routing.services.tagging_runs import tag_some

# What a language model does besides answering the project's question; each does some of it and
# tells whether all is done.
ERRANDS: dict[str, Callable[[JudgeRun], bool]] = {
    JudgeRun.Purpose.TAG: tag_some,
    JudgeRun.Purpose.DRAFT: draft_some,
    JudgeRun.Purpose.CRITERIA: check_some,
    JudgeRun.Purpose.EXPLAIN: explain_some,
}

BATCH = 200  # tasks that a judge gets at once
DRY_RUN_TASKS = 10
POOL = 2000  # tasks that those of a dry run are drawn from


@transaction.atomic
def cancel_judging(*, run: JudgeRun, actor: User) -> None:
    """Stop it at its next call; what it labelled stays. One that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(action="judge.cancel_asked", target=run, actor=actor, project=run.project)


@transaction.atomic
def start_judging(
    *,
    judge: Judge,
    actor: User | None,
    purpose: str = "label",
    most_tasks: int | None = None,
    retry_failed: bool = False,
    address: str | None = None,
) -> JudgeRun:
    """Queue a run; the one under way if it is for the same. Raises InvalidValue.

    Tagging begins by itself once the judge is free, so it waits for any run.
    """
    purpose = clean_choice("purpose", purpose, JudgeRun.Purpose.values)
    if most_tasks is not None:
        explains = purpose == JudgeRun.Purpose.EXPLAIN
        low, high = (2 * LEAST, MOST_CHOICES) if explains else (1, 10_000_000)
        clean_integer("most_tasks", most_tasks, low=low, high=high)
    _check_purpose(judge, purpose)
    Judge.objects.select_for_update(no_key=True).get(pk=judge.pk)
    going = judge.runs.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).first()
    if going is not None and purpose not in (going.purpose, JudgeRun.Purpose.TAG):
        raise InvalidValue(
            "purpose",
            "has to wait: the judge is at another run ({purpose}); wait for its end, or cancel it",
            purpose=going.purpose,
        )
    if going is not None:
        return going
    run = JudgeRun.objects.create(
        project=judge.project,
        judge=judge,
        purpose=purpose,
        most_tasks=DRY_RUN_TASKS if purpose == "dry_run" and most_tasks is None else most_tasks,
        retry_failed=retry_failed,
        created_by=actor,
    )
    audit.record(
        action="judge.run_queued",
        target=run,
        actor=actor,
        project=judge.project,
        address=address,
        judge=str(judge),
        purpose=purpose,
    )
    jobs.enqueue(run)
    return run


def _check_purpose(judge: Judge, purpose: str) -> None:
    """Whether a judge of its kind can do it. Raises InvalidValue."""
    if purpose in ERRANDS:
        if judge.kind != openai.NAME:
            raise InvalidValue("judge", "must be a language model (kind openai) for this")
        return
    asks = judges.get(judge.kind).asks
    if purpose == JudgeRun.Purpose.MEASURE and judge.project.kind not in OF_PAIRS:
        raise InvalidValue("judge", "is measured on pairs, and this project asks something else")
    if asked_of(judge.project).kind not in asks:
        raise InvalidValue(
            "judge",
            "does not answer {kind}, which this project asks; it answers: {asks}",
            kind=judge.project.kind,
            asks=", ".join(sorted(asks)),
        )


def run_judge(*, run: JudgeRun) -> None:
    """Work through the run; `run` must be claimed. Ends it, or gives it back to the queue after a
    while so that others get the worker too.
    """
    end_abandoned(run.judge, run)
    try:
        _check_purpose(run.judge, run.purpose)
        if run.purpose == JudgeRun.Purpose.DRY_RUN:
            _try_out(run)
        elif run.purpose == JudgeRun.Purpose.MEASURE:
            _measure(run)
        elif not ERRANDS.get(run.purpose, _label_some)(run):
            return jobs.release(run, excused=True, message=Told("Goes on in a moment."))
    except RunCancelled:
        return jobs.finish(run, JobState.CANCELLED, message="")
    except judges.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (judges.JudgeError, InvalidValue) as error:
        return jobs.finish(run, JobState.FAILED, message=jobs.why(error), **counts_of(run))
    jobs.finish(run, JobState.DONE, message="")
    return None


def labels_of(judge: Judge) -> QuerySet:
    """Its judgements; in projects of spans its suggestions."""
    labels = Suggestion if asked_of(judge.project).kind == spans.NAME else Judgement
    return labels.objects.filter(judge=judge)


def waiting_tasks(judge: Judge) -> QuerySet[Task]:
    """Tasks of the project that this judge has not labelled, in order of id."""
    mine = labels_of(judge).filter(task=OuterRef("pk"))
    return Task.objects.filter(project=judge.project_id).filter(~Exists(mine)).order_by("pk")


def _label_some(run: JudgeRun) -> bool:
    """Whether all is done; False when the time is over before. Raises RunCancelled, JudgeError."""
    # A child that loads a model would begin anew each time; calls are on record and go on.
    watch = Watch(run, may_cut=judges.get(run.judge.kind).priced)
    if run.total is None:
        total = waiting_tasks(run.judge).count()
        run.total = min(total, run.most_tasks) if run.most_tasks else total
    run.labelled = _labelled_by(run)
    watch.beat(total=run.total, message=Told("The judge reads."))
    for batch in _batches(run):
        for question, verdict in _judged(run, batch, watch):
            _take(run, question, verdict)
        if watch.cancelled:
            watch.keep()
            raise RunCancelled
        if watch.cut:
            return False
        run.cursor = batch[-1]
        watch.keep(cursor=run.cursor)
        if watch.is_over:
            return False
    return True


def _labelled_by(run: JudgeRun) -> int:
    """Also what was labelled by a worker that was killed before it wrote its count down."""
    labels = labels_of(run.judge)
    when = "created_at" if labels.model is Suggestion else "submitted_at"
    return labels.filter(**{f"{when}__gte": run.created_at}).count()


def _batches(run: JudgeRun) -> Iterator[list[int]]:
    while True:
        room = BATCH
        if run.most_tasks is not None:
            room = min(BATCH, run.most_tasks - run.labelled - run.abstained - run.failed)
        rows = waiting_tasks(run.judge).filter(pk__gt=run.cursor)
        batch = list(rows.values_list("pk", flat=True)[: max(0, room)])
        if not batch:
            return
        yield batch


def _judged(run: JudgeRun, task_ids: list[int], watch: Watch) -> Iterator[tuple[Question, Verdict]]:
    """Verdicts with their questions; a task that the kind cannot ask about has failed."""
    asked = asked_of(run.project)
    items = {one.task_id: one for one in questions(task_ids, asked.kind, asked.settings)}
    run.failed += len(task_ids) - len(items)
    unheard = set(items)
    with closing(verdicts(run.judge, list(items.values()), watch.should_stop, run=run)) as said:
        for verdict in said:
            unheard.discard(verdict.task_id)
            watch.heard += 1
            yield items[verdict.task_id], verdict
    if not (watch.cancelled or watch.cut):
        run.failed += len(unheard)


def _take(run: JudgeRun, question: Question, verdict: Verdict) -> None:
    if verdict.failed:
        run.failed += 1
        return
    value = label_of(question, verdict)
    if value is None:
        run.abstained += 1
        return
    store_label(judge=run.judge, question=question, value=value, seconds=verdict.seconds)
    run.labelled += 1


def label_of(question: Question, verdict: Verdict) -> dict | None:
    """The verdict in the project's form; None for an abstention, which is no label."""
    if question.kind != "pairwise":
        return verdict.value
    if verdict.p_first is None or verdict.p_first == 0.5:
        return None
    first, second = question.response_ids
    preferred = first if verdict.p_first > 0.5 else second
    return {"verdict": "prefer", "preferred": preferred, "strength": 1}


def store_label(
    *, judge: Judge, question: Question, value: dict, seconds: float | None = None
) -> bool:
    """A judgement of the judge, or a suggestion where people must confirm (spans). False if there
    is one of this judge already. What it says where the answer is known is no ordinary label.
    """
    common = {
        "judge": judge,
        "task_id": question.task_id,
        **stored(judge.project, question, value),
    }
    try:
        with transaction.atomic():
            if question.kind == spans.NAME:
                Suggestion.objects.create(**common)
            else:
                Judgement.objects.create(
                    project_id=judge.project_id,
                    source=Judgement.Source.JUDGE,
                    simulated=judges.get(judge.kind).simulated,
                    is_gold=GoldItem.objects.live().filter(pk=question.task_id).exists(),
                    shown_order=list(question.response_ids),
                    seconds_active=None if seconds is None else min(seconds, 86_400),
                    **common,
                )
    except IntegrityError as error:
        known = ("judgement_one_per_judge", "suggestion_unique")
        if error.__cause__.diag.constraint_name not in known:
            raise
        return False
    return True


def _measure(run: JudgeRun) -> None:
    """Against what people said, from what is on record. Raises RunCancelled, JudgeError."""
    from routing.services import measuring  # numpy, which whoever only starts runs goes without

    measuring.measure(run, Watch(run))


def _try_out(run: JudgeRun) -> None:
    """Ask about a few tasks, first of all those that people have judged; label nothing."""
    watch = Watch(run)
    tasks = _drawn(run)
    watch.beat(total=len(tasks), message=Told("The judge reads."))
    found = []
    for question, verdict in _judged(run, tasks, watch):
        value = None if verdict.failed else label_of(question, verdict)
        run.labelled += value is not None
        run.abstained += value is None and not verdict.failed
        run.failed += verdict.failed
        found.append((question, verdict, value))
    if watch.cancelled:
        raise RunCancelled
    watch.keep(report=report_of(run, found))


def _drawn(run: JudgeRun) -> list[int]:
    """At random, the same for the same run. What a second look asked people about is no sample of
    what the judge is to be compared on.
    """
    answers = of_people(Judgement.objects.labels())
    people = outside_second_looks(answers).filter(task=OuterRef("pk"))
    tasks = Task.objects.filter(project=run.project_id).order_by("-pk")
    rng = random.Random(run.pk)
    most = run.most_tasks or DRY_RUN_TASKS
    judged = list(tasks.filter(Exists(people)).values_list("pk", flat=True)[:POOL])
    chosen = rng.sample(judged, min(most, len(judged)))
    if len(chosen) < most:
        others = list(tasks.filter(~Exists(people)).values_list("pk", flat=True)[:POOL])
        chosen += rng.sample(others, min(most - len(chosen), len(others)))
    return sorted(chosen)
