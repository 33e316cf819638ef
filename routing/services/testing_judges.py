"""Working through a test of a judge. For workers: needs numpy.

A judge that costs nothing reads what it has not read yet; of a priced one only answers on record
count. What it abstains from is left out: routing gives that to people anyway. So is what a reward
model learned from: there it would agree with people for having seen their answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Count

from annotate.models import JobState, Judge, Judgement, Task
from annotate.services import jobs
from annotate.wording import Told
from routing import judges as judge_kinds
from routing.guarantee.alternative_annotator import AlternativeAnnotator, may_replace
from routing.models import DomainTest, JudgeTestRun, of_people, outside_second_looks
from routing.services.domains import Grouping, domains_of
from routing.services.instances import UNSURE, Sides, sides_of
from routing.services.labelled import free_verdicts
from routing.services.learned import new_to
from routing.services.tagging import tagger_in_use

BATCH = 500


@dataclass(frozen=True)
class Item:
    """One task that the judge labelled: its label, and people's, by who they are."""

    task_id: int
    judge: int
    votes: tuple[tuple[str, int], ...]


def run_test(*, run: JudgeTestRun) -> None:
    """Test in every domain; `run` must be claimed. Ends it as done, failed or cancelled."""
    if jobs.heartbeat(run, message=Told("Reads what people labelled.")):
        return jobs.finish(run, JobState.CANCELLED, message="")
    try:
        items = gather(run)
    except judge_kinds.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except judge_kinds.JudgeError as error:
        return jobs.finish(run, JobState.FAILED, message=jobs.why(error))
    if items is None:
        return jobs.finish(run, JobState.CANCELLED, message="")
    rows = [
        _row(run, grouping, domain, verdict)
        for grouping in Grouping.values
        for domain, verdict in tested(run, items, grouping)
    ]
    _keep(run, rows)
    passed = sum(row.passed for row in rows)
    return jobs.finish(
        run,
        JobState.DONE,
        message=Told(
            "Passed in {passed} of {domains} domains; {tasks} tasks.",
            passed=passed,
            domains=len(rows),
            tasks=len(items),
        ),
    )


def gather(run: JudgeTestRun) -> list[Item] | None:
    """The tasks that two people or more answered and the judge labelled; None when cancelled."""
    project = run.project
    ids = _doubly_answered(run.judge)
    found: list[Item] = []
    for start in range(0, len(ids), BATCH):
        if jobs.heartbeat(run, progress=start, total=len(ids)):
            return None
        batch = ids[start : start + BATCH]
        sides = sides_of(batch, test_percent=project.test_percent)
        heard = free_verdicts(run.judge, batch, lambda: bool(jobs.heartbeat(run)))
        votes = people_s_votes(sides)
        for one in sides:
            verdict = heard.get(one.task_id)
            p_first = verdict.p_first if verdict is not None else None
            if p_first is not None and abs(p_first - 0.5) > UNSURE:
                label = 1 if p_first > 0.5 else -1
                found.append(Item(one.task_id, label, tuple(votes[one.task_id])))
    return found


def _doubly_answered(judge: Judge) -> list[int]:
    answers = Judgement.objects.labels().filter(project=judge.project_id)
    people = outside_second_looks(of_people(answers))
    counted = people.values("task").annotate(n=Count("pk"))
    tasks = Task.objects.filter(pk__in=counted.filter(n__gt=1).values("task"))
    return sorted(new_to(judge, tasks).values_list("pk", flat=True))


def people_s_votes(sides: Sequence[Sides]) -> dict[int, list[tuple[str, int]]]:
    """By task: (who, label) of every current answer; 1 and -1 by the task's own order of responses,
    0 for all other verdicts. One query.
    """
    found: dict[int, list[tuple[str, int]]] = {one.task_id: [] for one in sides}
    side_of = {one.task_id: {one.first: 1, one.second: -1} for one in sides}
    answers = of_people(Judgement.objects.labels().filter(task__in=list(found))).values_list(
        "task_id", "annotator__pseudonym", "imported_author", "value"
    )
    for task_id, pseudonym, imported, value in answers.order_by("pk"):
        label = side_of[task_id].get(value.get("preferred"), 0)
        found[task_id].append((pseudonym or f"imported {imported}", label))
    return found


def tested(
    run: JudgeTestRun, items: Sequence[Item], grouping: str
) -> Iterable[tuple[str, tuple[AlternativeAnnotator, list[str]]]]:
    """(domain, (verdict, people by number)) of every domain that these items hold."""
    tagger = tagger_in_use(run.project)
    domains = domains_of([one.task_id for one in items], grouping, tagger=tagger)
    by_domain: dict[str, list[Item]] = {}
    for one in items:
        for domain in domains[one.task_id]:
            by_domain.setdefault(domain, []).append(one)
    if grouping == Grouping.ALL:
        by_domain.setdefault("", [])
    for domain in sorted(by_domain):
        mine = by_domain[domain]
        people = sorted({who for one in mine for who, _ in one.votes})
        number = {who: place for place, who in enumerate(people)}
        votes = np.array(
            [
                (place, number[who], label)
                for place, one in enumerate(mine)
                for who, label in one.votes
            ],
            dtype=np.int64,
        ).reshape(-1, 3)
        verdict = may_replace(
            votes[:, 0],
            votes[:, 1],
            votes[:, 2],
            np.array([one.judge for one in mine], dtype=np.int64),
            epsilon=run.epsilon,
            q=run.level,
        )
        yield domain, (verdict, people)


def _row(
    run: JudgeTestRun, grouping: str, domain: str, found: tuple[AlternativeAnnotator, list[str]]
) -> DomainTest:
    verdict, people = found
    told = not verdict.reason
    return DomainTest(
        judge=run.judge,
        run=run,
        grouping=grouping,
        domain=domain,
        passed=verdict.passed,
        winning_rate=verdict.winning_rate if told else None,
        advantage=verdict.advantage if told else None,
        items=verdict.items,
        people=verdict.people,
        missing=verdict.reason,
        comparisons=[
            {
                "person": people[one.rater],
                "items": one.items,
                "judge": one.judge_advantage,
                "own": one.person_advantage,
                "p_value": one.p_value,
                "rejected": one.rejected,
            }
            for one in verdict.comparisons
        ],
    )


@transaction.atomic
def _keep(run: JudgeTestRun, rows: Sequence[DomainTest]) -> None:
    """In the place of what the test before said."""
    Judge.objects.select_for_update(no_key=True).get(pk=run.judge_id)
    DomainTest.objects.filter(judge=run.judge).delete()
    DomainTest.objects.bulk_create(rows)
