"""What a language model does with criteria, as runs: drafting them, checking the sample by them."""

from collections.abc import Iterator
from contextlib import closing

from annotate.media.as_text import as_text
from annotate.models import Judgement, Response
from annotate.wording import Told
from routing.judges import JudgeError, openai
from routing.judges.criteria import (
    DRAFT_TEMPLATE,
    Example,
    check_errand,
    draft_errand,
)
from routing.judges.errands import Errand, run_errands
from routing.models import Criterion, Grade, JudgeCall, JudgeRun, SampledOutput
from routing.services.asked import OF_PAIRS, asked_of
from routing.services.criteria import save_criterion
from routing.services.judge_watch import RunCancelled, Watch
from routing.services.judging import questions
from routing.services.ledger import Ledger
from routing.services.tagging import prompt_text

BATCH = 50  # outputs at once
EXAMPLES = 8


def _judge(run: JudgeRun) -> openai.OpenAIJudge:
    return openai.OpenAIJudge(run.judge.config, Ledger(run.judge, run=run))


def draft_some(run: JudgeRun) -> bool:
    """One call; what it proposes becomes drafts for people to accept. Raises RunCancelled."""
    watch = Watch(run)
    watch.beat(total=1, message=Told("The judge drafts criteria."))
    found = examples_of(run)
    if not found:
        raise JudgeError(
            "There is nothing to draft from: people have judged no pair and graded no output. "
            "Let people label some tasks, or grade outputs of the sample."
        )
    calls = JudgeCall.objects.filter(judge=run.judge, template=DRAFT_TEMPLATE)
    earlier = calls.exclude(run=run).values("sample").distinct().count()
    [task_id, *_] = [task_id for task_id, _ in found]
    errand = draft_errand(
        task_id, earlier, [example for _, example in found], told=run.project.guidelines
    )
    with closing(run_errands(_judge(run), [errand], watch.should_stop)) as said:
        for _, outcome in said:
            if outcome.value is None:
                run.failed += 1
                continue
            for one in outcome.value["criteria"]:
                save_criterion(
                    project=run.project, actor=run.created_by, state="draft",
                    drafted_by=run.judge, **one,
                )  # fmt: skip
                run.labelled += 1
    watch.keep()
    if watch.cancelled:
        raise RunCancelled
    return True


def examples_of(run: JudgeRun) -> list[tuple[int, Example]]:
    """(task, example): outputs that people graded, the bad ones first; then what they preferred and
    what they did not, of the newest pairs.
    """
    grades = Grade.objects.filter(output__project=run.project, criterion=None)
    rows = grades.select_related("output__task__prompt", "output__response")
    found = [
        (one.output.task_id, _example(one.output, "good" if one.passes else "bad"))
        for one in rows.order_by("passes", "-pk")[: EXAMPLES // 2]
    ]
    said = Judgement.objects.labels().filter(project=run.project, kind__in=OF_PAIRS)
    people = said.exclude(source=Judgement.Source.JUDGE).select_related("task__prompt")
    for judgement in people.order_by("-pk")[: 4 * EXAMPLES]:
        preferred = judgement.value.get("preferred")
        if preferred is None or len(found) + 2 > EXAMPLES:
            continue
        places = judgement.task.places.select_related("response")
        prompt = prompt_text(judgement.task.prompt)
        for place in places:
            verdict = "preferred" if place.response_id == preferred else "not preferred"
            text = as_text(place.response.content)
            found.append((judgement.task_id, Example(prompt, text, verdict)))
    return found[:EXAMPLES]


def _example(output: SampledOutput, verdict: str) -> Example:
    response: Response = output.response
    return Example(prompt_text(output.task.prompt), as_text(response.content), verdict)


def check_some(run: JudgeRun) -> bool:
    """Whether all is done; False when the time is over before. Raises RunCancelled, JudgeError.

    Every output of the sample by every accepted criterion; what is on record is not asked again.
    """
    watch = Watch(run, may_cut=True)
    project = run.project
    criteria = list(Criterion.objects.filter(project=project, state="accepted").order_by("pk"))
    outputs = SampledOutput.objects.filter(project=project)
    if not criteria or not outputs.exists():
        raise JudgeError(
            "There is nothing to check: accept criteria and draw a sample of outputs first."
        )
    if run.total is None:
        run.total = outputs.count() * len(criteria)
    watch.beat(total=run.total, message=Told("The judge reads outputs."))
    judge = _judge(run)
    for batch in _batches(run):
        errands = _errands(run, batch, criteria)
        answered, failed = 0, len(batch) * len(criteria) - len(errands)
        with closing(run_errands(judge, errands, watch.should_stop)) as said:
            for _, outcome in said:
                watch.heard += 1
                failed += outcome.value is None
                answered += outcome.value is not None
        if watch.cut and not watch.cancelled:
            return False  # the batch is heard again, from the record, and counted then
        run.labelled += answered
        run.failed += failed
        if watch.cancelled:
            watch.keep()
            raise RunCancelled
        run.cursor = batch[-1].number
        watch.keep(cursor=run.cursor)
        if watch.is_over:
            return False
    return True


def _batches(run: JudgeRun) -> Iterator[list[SampledOutput]]:
    while True:
        rows = SampledOutput.objects.filter(project=run.project, number__gt=run.cursor)
        batch = list(rows.order_by("number")[:BATCH])
        if not batch:
            return
        yield batch


def _errands(run: JudgeRun, batch: list[SampledOutput], criteria: list[Criterion]) -> list[Errand]:
    """Of the outputs whose tasks can be asked about."""
    project = run.project
    of_project = asked_of(project)
    ids = [output.task_id for output in batch]
    asked = {one.task_id: one for one in questions(ids, of_project.kind, of_project.settings)}
    return [
        check_errand(
            asked[output.task_id],
            output.response_id,
            criterion_id=criterion.pk,
            text=criterion.text,
            principles=run.judge.config["principles"],
        )
        for output in batch
        if output.task_id in asked and output.response_id in asked[output.task_id].response_ids
        for criterion in criteria
    ]
