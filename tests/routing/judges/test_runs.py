"""Runs: batches, cancelling, going on, dry runs, and what other kinds of project get."""

import pytest

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import Judgement, Seat
from annotate.services import jobs
from annotate.services.work.judgements import submit_judgement
from routing.models import JudgeCall, JudgeRun
from routing.services import judge_runs, judge_watch
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import save_judge
from tests.routing.length_judge import lengthen
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project()
    for task in make_pair_tasks(project, 6):
        lengthen(task)
    return project


def test_a_run_shares_the_worker_and_goes_on_where_it_was(
    project, make_judge, monkeypatch, judge_server
) -> None:
    """Also in the middle of a batch: nothing is lost, counted twice, or asked twice."""
    monkeypatch.setattr(judge_runs, "BATCH", 4)
    monkeypatch.setattr(judge_watch, "SLICE", 0.0)
    judge = make_judge(project, "planted", limits={"concurrency": 1})
    run = start_judging(judge=judge, actor=None)
    labelled = []
    for _ in range(20):
        run_judge(run=jobs.claim(JudgeRun, run.pk, owner="test"))
        run.refresh_from_db()
        labelled.append(Judgement.objects.count())
        if run.state == "done":
            break
        assert (run.state, run.attempt) == ("queued", 0)
    assert labelled[0] < 4
    assert (run.state, run.total, run.labelled, run.failed) == ("done", 6, 6, 0)
    assert len(judge_server.requests) == 12


def test_local_judges_end_their_batch(project, monkeypatch) -> None:
    monkeypatch.setattr(judge_runs, "BATCH", 4)
    monkeypatch.setattr(judge_watch, "SLICE", 0.0)
    judge = save_judge(project=project, actor=None, name="S", kind="simulated", config={})
    run = start_judging(judge=judge, actor=None)
    for expected in (4, 6):
        run_judge(run=jobs.claim(JudgeRun, run.pk, owner="test"))
        run.refresh_from_db()
        assert (run.state, run.labelled, run.progress) == ("queued", expected, expected)


def test_a_run_can_be_cancelled_between_two_calls(project, make_judge, monkeypatch) -> None:
    monkeypatch.setattr(judge_watch, "BEAT", -1.0)
    judge = make_judge(project, "planted", limits={"concurrency": 1})
    run = jobs.claim(JudgeRun, start_judging(judge=judge, actor=None).pk, owner="test")
    take = judge_runs._take

    def take_and_cancel(*given) -> None:
        take(*given)
        jobs.request_cancel(run)

    monkeypatch.setattr(judge_runs, "_take", take_and_cancel)
    run_judge(run=run)
    run.refresh_from_db()
    assert (run.state, run.message) == ("cancelled", "")  # it reads no more
    assert 1 <= Judgement.objects.count() < 6
    assert not JudgeCall.objects.filter(state="asked").exists()


def test_so_many_tasks_and_no_more(project, make_judge, work) -> None:
    judge = make_judge(project, "planted")
    assert (work(judge, most_tasks=2).labelled, Judgement.objects.count()) == (2, 2)
    assert work(judge, most_tasks=3).total == 3
    assert Judgement.objects.count() == 5


def test_one_run_of_a_judge_at_a_time(project, make_judge) -> None:
    judge = make_judge(project, "planted")
    assert start_judging(judge=judge, actor=None) == start_judging(judge=judge, actor=None)


def test_a_run_for_something_else_has_to_wait(project, make_judge) -> None:
    judge = make_judge(project, "planted")
    going = start_judging(judge=judge, actor=None)
    with pytest.raises(InvalidValue, match=r"at another run \(label\)") as refused:
        start_judging(judge=judge, actor=None, purpose="dry_run")
    assert refused.value.field == "purpose"
    assert start_judging(judge=judge, actor=None, purpose="tag") == going  # begins by itself later


def test_a_dry_run_looks_first_at_what_imported_people_labelled(
    make_project, make_judge, work
) -> None:
    project = make_project()
    take_in(project, rows(12, votes=0))
    take_in(project, rows(4, votes=2, start=12))
    report = work(make_judge(project, "planted"), purpose="dry_run").report
    # The longer one is right in sums, which are every other row.
    assert (report["compared"], report["agreeing"]) == (4, 2)


def test_a_dry_run_tells_agreement_and_cost_and_labels_nothing(
    project, make_judge, make_pair_tasks, work
) -> None:
    """People chose the longer one in two of three tasks; the judge always does."""
    for number in range(3):
        lease = lease_seat(project=project, user=project.created_by)
        seat = Seat.objects.get(pk=lease.seat_id)
        texts = {one.pk: len(one.text) for one in seat.task.responses.all()}
        chosen = (min if number == 0 else max)(texts, key=texts.get)
        value = {"verdict": "prefer", "preferred": chosen, "strength": 1}
        submit_judgement(seat_id=seat.pk, user=project.created_by, value=value)
    make_pair_tasks(project, 8)
    run = work(make_judge(project, "planted"), purpose="dry_run")
    assert run.state == "done"
    report = run.report
    assert not Judgement.objects.filter(source="judge").exists()
    assert len(report["items"]) == 10
    assert (report["compared"], report["agreeing"]) == (3, 2)
    assert (round(report["low"], 3), round(report["high"], 3)) == (0.208, 0.939)  # Wilson, 2 of 3
    assert report["position_bias"] == pytest.approx(0.8, abs=1e-6)
    assert (report["calls"], report["cost"], report["cost_per_1000"]) == (20, "0.002200", "0.22")
    assert work(run.judge, purpose="dry_run").report["calls"] < 20  # known answers are free


def test_a_kind_that_the_judge_cannot_answer_is_refused(make_project, make_judge) -> None:
    project = make_project(kind="labels")
    with pytest.raises(InvalidValue, match="does not answer labels") as caught:
        start_judging(judge=make_judge(project, "planted"), actor=None)
    assert caught.value.field == "judge"


def test_tasks_that_are_no_pair_have_failed(project, make_judge, work) -> None:
    project.tasks.first().places.first().delete()
    run = work(make_judge(project, "planted"))
    assert (run.labelled, run.failed) == (5, 1)


def test_a_batch_costs_the_same_number_of_queries_in_a_large_project(
    project, make_judge, make_pair_tasks, django_assert_max_num_queries
) -> None:
    judge = make_judge(project, "planted")
    make_pair_tasks(project, 30)
    with django_assert_max_num_queries(2):
        assert judge_runs.waiting_tasks(judge).count() == 36
