"""Reckoning a report on quality and the consensus of every task. For workers: needs numpy."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.utils import timezone

from annotate.models import Consensus, JobState, Project, QualityRun, Voices
from annotate.quality.consensus import Outcomes
from annotate.quality.methods import VERSIONS
from annotate.quality.summary import against, summarise
from annotate.quality.votes import gather
from annotate.review.settled import settle
from annotate.services import jobs
from annotate.services.reports.quality_rows import Read, newest_judgement, read_judgements
from annotate.services.reports.quality_runs import KEPT
from annotate.services.review.review_stages import last_review
from annotate.wording import Grouped, Told

REPORT_VERSION = 1
BEAT = 2.0  # seconds between two heartbeats
ROWS_AT_A_TIME = 2000
READ, RECKONED = 40, 70  # percent


class Cancelled(Exception):
    """Somebody asked the run to stop."""


class _Watch:
    """Heartbeats with the progress, in percent. Raises Cancelled, LeaseLost."""

    def __init__(self, run: QualityRun) -> None:
        self.run = run
        self.beaten = 0.0

    def __call__(self, percent: float | None = None, *, at_once: bool = False, **fields) -> None:
        if percent is not None:
            self.run.progress = int(percent)
        if at_once or time.monotonic() - self.beaten > BEAT:
            self.beaten = time.monotonic()
            if jobs.heartbeat(self.run, progress=self.run.progress, **fields):
                raise Cancelled


def run_quality(*, run: QualityRun) -> None:
    """Compute and keep the report; `run` must be claimed. Ends it as done or cancelled.

    Consensus rows are rewritten in batches, so that after a run that was cut short some are of
    the run before.
    """
    watch, project = _Watch(run), run.project
    began = timezone.now()
    try:
        newest, review = newest_judgement(project), last_review()
        wanted = project.judgements.count()
        reads = Told("Reads the answers.")
        watch(0, at_once=True, total=100, newest_judgement=newest, message=reads)
        read = read_judgements(
            project,
            newest=newest,
            review=review,
            tell=lambda done: watch(READ * done / max(wanted, 1)),
        )
        watch(READ, at_once=True, message=Told("Compares the answers."))
        report, outcomes = _summaries(read, watch)
        report["newest_review"] = review
        watch(RECKONED, at_once=True, message=Told("Writes down what each task came to."))
        _keep(project, outcomes, began, watch)
    except Cancelled:
        return jobs.finish(run, JobState.CANCELLED)
    jobs.finish(
        run,
        JobState.DONE,
        report=report,
        version=REPORT_VERSION,
        judgements=read.judgements,
        newest_judgement=newest,
        progress=100,
        message=Told("{count} answers compared", count=Grouped(read.judgements)),
    )
    kept = project.quality_runs.filter(report__isnull=False).order_by("-pk")
    old = list(kept.values_list("pk", flat=True)[KEPT:])
    project.quality_runs.filter(pk__in=old).delete()
    return None


def _summaries(read: Read, watch: _Watch) -> tuple[dict, dict[str, Outcomes]]:
    """The report, by voices, and what others say against people's majority."""
    voices, outcomes = {}, {}
    for name in Voices.values:
        if name in read.sides:
            found, outcomes[name] = summarise(read.material(name), watch)
            voices[name] = {**found, "who": read.sides[name].named()}
            watch()
    people = Voices.HUMAN.value
    if people in voices:
        settle(outcomes[people], read.settled)
    for name in voices.keys() - {people} if people in voices else ():
        others = gather(read.sides[name].rows)
        voices[name]["against_people"] = list(
            against(outcomes[people], others, read.facts).values()
        )
    report = {
        "voices": voices,
        "cut": read.first_task > 0,
        "first_task": read.first_task,
        "gold_unreadable": len(read.unreadable),
        "gold_unreadable_tasks": read.unreadable,
        "aided": len(read.aided),
    }
    return report, outcomes


def _keep(project: Project, outcomes: dict[str, Outcomes], began: datetime, watch: _Watch) -> None:
    """Write the rows of this run, then remove those that it did not write."""
    total = sum(map(len, outcomes.values())) or 1
    rows, done = _rows(project, outcomes, began), 0
    while batch := list(islice(rows, ROWS_AT_A_TIME)):
        Consensus.objects.bulk_create(
            batch,
            update_conflicts=True,
            unique_fields=["task", "voices", "method", "version"],
            update_fields=["votes", "answers", "entropy", "divided", "computed_at"],
        )
        done += len(batch)
        watch(RECKONED + (100 - RECKONED) * done / total)
    Consensus.objects.filter(project=project, computed_at__lt=began).delete()


def _rows(project: Project, outcomes: dict[str, Outcomes], began: datetime) -> Iterator[Consensus]:
    for voices, by_task in outcomes.items():
        for (task, method), outcome in by_task.items():
            yield Consensus(
                project=project,
                task_id=task,
                voices=voices,
                method=method,
                version=VERSIONS[method],
                votes=max(one["votes"] for one in outcome.answers),
                answers=outcome.answers,
                entropy=outcome.entropy,
                divided=outcome.divided,
                computed_at=began,
            )
