"""What people answer because a second look asked is no random sample, and no figure counts it."""

import pytest

from annotate.models import JobState, Judgement, Task
from annotate.services import jobs
from routing import judges
from routing.models import (
    PolicyFit,
    RoutingPolicy,
    SecondLook,
    SecondLookItem,
    outside_second_looks,
)
from routing.reports.decisions import audit_agreement
from routing.reports.simulation import stocks
from routing.services import labelled, labels_alone, measuring, testing_judges
from routing.services.policies import current_judge
from routing.services.ranking import tasks_left_to_chance
from routing.services.upkeep import measured
from tests.routing.doubted import fill, judged, label
from tests.routing.length_judge import LengthJudge

pytestmark = pytest.mark.django_db
AUDITED, ALONE = 40, 20


@pytest.fixture
def people(make_user):
    return make_user("ann")


@pytest.fixture
def tasks(make_project, length_judge, people) -> list[Task]:
    project = make_project(overlap=1, seed=3, test_percent=0)
    return fill(project, people, audited=AUDITED, alone=ALONE)


def ask(tasks: list[Task], people, *, judge) -> list[Task]:
    """A look asked about the last tasks, one in ten by chance, and people contradict the judge."""
    look = SecondLook.objects.create(
        project=tasks[0].project, judge=judge, dry_run=False, state=JobState.DONE
    )
    asked = list(enumerate(tasks))[AUDITED:]
    SecondLookItem.objects.bulk_create(
        SecondLookItem(
            look=look, task=task, label=1 - 2 * judged(n), margin=0.0, p_wrong=0.5, propensity=1,
            outcome="trust" if n % 10 == 0 else "people", explored=n % 10 == 0, state="applied",
        )
        for n, task in asked
    )  # fmt: skip
    Judgement.objects.bulk_create(label(task, 1 - judged(n), annotator=people) for n, task in asked)
    return [task for _, task in asked]


def test_figures_stay_as_they_were(tasks, people, monkeypatch) -> None:
    monkeypatch.setitem(judges._kinds, "openai", judges.JudgeKind("openai", LengthJudge))
    project = tasks[0].project
    policy, judge = RoutingPolicy.objects.get(), current_judge(project=project)
    figures = {
        "audit": lambda: audit_agreement(project),
        "measured": lambda: measured(policy),
        "judge beside people": lambda: sorted(measuring._answered(judge)),
        "calibration": lambda: len(labels_alone.audited(project, judge, lambda done: False).wrong),
        "simulator": lambda: [one.both for one in stocks(project)],
        "fit": lambda: _rows_of_a_fit(project, judge),
    }
    before = {name: figure() for name, figure in figures.items()}
    assert before["audit"].tasks == AUDITED
    assert (before["measured"]["answered"], before["calibration"]) == (AUDITED, AUDITED)
    assert len(before["judge beside people"]) == AUDITED
    assert before["fit"] == AUDITED
    ask(tasks, people, judge=judge)
    assert {name: figure() for name, figure in figures.items()} == before


def _rows_of_a_fit(project, judge) -> int:
    PolicyFit.objects.all().delete()
    run = PolicyFit.objects.create(project=project, kind="error", judges=[judge.pk])
    sides, _ = labelled.gather(jobs.claim(PolicyFit, run.pk, owner="test"), project, [judge])
    return len(sides)


def test_an_audited_task_that_a_look_asked_about_counts_no_more(tasks, people) -> None:
    """So that no later way of asking again can slip into the audit's agreement."""
    project = tasks[0].project
    before = audit_agreement(project)
    look = SecondLook.objects.create(
        project=project, judge=current_judge(project=project), state=JobState.DONE
    )
    item = SecondLookItem.objects.create(
        look=look, task=tasks[0], label=1, margin=0.0, p_wrong=0.5, propensity=1,
        outcome="people", state="planned",
    )  # fmt: skip
    assert audit_agreement(project) == before  # nobody was asked yet
    item.state = "applied"
    item.save(update_fields=["state"])
    assert audit_agreement(project).tasks == before.tasks - 1


def test_a_test_of_a_judge_leaves_them_out(tasks, people, make_user) -> None:
    project = tasks[0].project
    judge = current_judge(project=project)
    asked = ask(tasks, people, judge=judge)
    second = make_user("bob")
    Judgement.objects.bulk_create(label(task, 0, annotator=second) for task in tasks)
    assert testing_judges._doubly_answered(judge) == [task.pk for task in tasks[:AUDITED]]
    assert len(asked) == ALONE


def test_a_strategy_does_not_choose_among_what_a_look_drew_by_chance(tasks, people) -> None:
    project = tasks[0].project
    ask(tasks, people, judge=current_judge(project=project))
    alone = [task.pk for task in tasks[AUDITED:]]
    explored = SecondLookItem.objects.filter(explored=True).values_list("task", flat=True)
    assert tasks_left_to_chance(project, alone) == set(explored)
    assert len(explored) == 2


def test_what_a_look_trusted_and_did_not_ask_about_is_like_any_other(tasks, people) -> None:
    judge = current_judge(project=tasks[0].project)
    ask(tasks, people, judge=judge)
    SecondLookItem.objects.filter(task=tasks[-1]).update(outcome="trust", explored=False)
    answers = Judgement.objects.filter(task__in=tasks[AUDITED:], source="person")
    assert [one.task_id for one in outside_second_looks(answers)] == [tasks[-1].pk]
