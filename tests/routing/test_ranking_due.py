"""When open tasks are ranked anew: by time, by what the strategy goes by, by what is left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotate.models import JobState, Seat
from routing.models import Selection, SelectionRun
from routing.services.policies import current_judge
from routing.services.selections import rank_where_due, why_due
from tests.routing.planted import rows, take_in
from tests.routing.test_fitted_policies import fit
from tests.routing.test_ranking import pairs, rank, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=0)
    take_in(project, pairs(12, start=1))
    return project


def test_it_is_due_by_time_by_judge_and_by_new_tasks(project, length_judge) -> None:
    selection = rank(project).project.selection
    assert why_due(selection) == ""

    def last_ranked(**ago: int) -> None:
        then = timezone.now() - timedelta(**ago)
        Selection.objects.update(chosen_at=then)
        SelectionRun.objects.update(created_at=then)
        selection.refresh_from_db()

    take_in(project, pairs(1, start=50))
    assert why_due(selection) == ""
    last_ranked(minutes=20)
    assert why_due(selection) == "there are new tasks"
    assert [run.project for run in rank_where_due()] == [project]
    assert rank_where_due() == []  # one is queued
    run = work(SelectionRun.objects.latest("pk"))
    assert run.report["ranked"] == 13
    length_judge["scale"] = 20.0
    assert why_due(selection) == "there is a newer judge or policy"
    run = work(rank_where_due()[0])
    assert run.judge.version == 2
    last_ranked(hours=7)
    assert why_due(selection) == "its time has come"


def test_another_judge_or_policy_is_a_reason_whatever_the_strategy(
    make_project, length_judge
) -> None:
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(160, votes=3))
    take_in(project, rows(10, votes=0, start=1000))
    current_judge(project=project)
    assert rank(project, "disagreement").state == JobState.FAILED
    assert why_due(project.selection) == ""  # it would fail again
    length_judge["scale"] = 20.0
    assert why_due(project.selection) == "there is a newer judge or policy"
    assert rank(project, "expected_gain").state == JobState.FAILED
    selection = Selection.objects.get(project=project)
    assert why_due(selection) == ""
    fit(project, share=0.5)
    assert why_due(selection) == "there is a newer judge or policy"


def test_it_is_due_when_most_of_what_was_ranked_is_done(project) -> None:
    selection = rank(project, most=3).project.selection
    then = timezone.now() - timedelta(minutes=20)
    Selection.objects.update(chosen_at=then)
    SelectionRun.objects.update(created_at=then)
    selection.refresh_from_db()
    assert why_due(selection) == ""
    Seat.objects.filter(ranked_key__isnull=False).update(state="void")
    assert why_due(selection) == "most of what was ranked is done"
