"""Everything that can go wrong with a call is a row with its reason, and never a label."""

from decimal import Decimal

import pytest

from annotate.models import Judgement
from routing.judges.desk import FAILURES
from routing.models import JudgeCall
from routing.services.judging import questions, verdicts
from tests.routing.judges.conftest import account
from tests.routing.length_judge import lengthen

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    lengthen(task)
    return project


def failures() -> list[tuple[str, int]]:
    rows = JudgeCall.objects.filter(state="failed").order_by("attempt", "pk")
    return list(rows.values_list("failure", "attempt"))


@pytest.mark.parametrize(
    ("model", "failure", "is_charged"),
    [
        ("broken", "server_error", False),
        ("half", "broken_off", True),
        ("no_json", "malformed", True),
        ("nonsense", "invalid", True),
        ("silent", "timed_out", True),
    ],
)
def test_a_failure_is_tried_again_and_then_left(
    project, make_judge, work, model, failure, is_charged
) -> None:
    """What may have been billed counts as spent, in full where nobody knows how much."""
    judge = make_judge(project, model, limits={"attempts": 2, "patience": 1})
    run = work(judge)
    assert (run.state, run.labelled, run.failed) == ("done", 0, 1)
    assert failures() == [(failure, 1)] * 2 + [(failure, 2)] * 2
    assert not Judgement.objects.exists()
    kept = account(judge)
    assert (kept.spent > 0, kept.reserved) == (is_charged, 0)
    assert kept.spent == sum(call.cost for call in JudgeCall.objects.all())
    unknown = JudgeCall.objects.filter(prompt_tokens=None).exclude(cost=0)
    assert all(call.cost == call.reserved > 0 for call in unknown)


@pytest.mark.parametrize(
    ("model", "failure"),
    [("broken_once", "server_error"), ("half_once", "broken_off"), ("nonsense_once", "invalid")],
)
def test_what_goes_well_the_second_time_is_a_label(
    project, make_judge, work, model, failure
) -> None:
    run = work(make_judge(project, model))
    assert (run.labelled, run.failed) == (1, 0)
    assert failures() == [(failure, 1)] * 2
    assert set(JudgeCall.objects.filter(state="answered").values_list("attempt", flat=True)) == {2}


def test_too_many_requests_wait_as_long_as_the_server_says(
    project, make_judge, work, judge_server
) -> None:
    judge = make_judge(project, "limited_once", limits={"concurrency": 1, "attempts": 1})
    assert work(judge).labelled == 1
    calls = list(JudgeCall.objects.order_by("created_at"))
    limited = [call for call in calls if call.failure == "rate_limited"]
    assert (len(calls), len(limited)) == (4, 2)  # such calls do not count as attempts
    assert all(call.cost == 0 for call in limited)
    for call in limited:
        after = min(one.created_at for one in calls if one.created_at > call.finished_at)
        assert (after - call.finished_at).total_seconds() > 0.95


def test_a_failed_call_is_not_asked_again_unless_somebody_says_so(
    project, make_judge, work, judge_server
) -> None:
    judge = make_judge(project, "broken", limits={"attempts": 1})
    assert work(judge).failed == 1
    asked = len(judge_server.requests)
    assert work(judge).failed == 1
    assert len(judge_server.requests) == asked
    judge_server.scripts["broken"] = judge_server.scripts["planted"]
    run = work(judge, retry_failed=True)
    assert (run.labelled, run.failed) == (1, 0)
    assert len(judge_server.requests) == asked + 2


def test_a_server_that_turns_everything_away_ends_the_run(
    make_project, make_pair_tasks, make_judge, work, judge_server
) -> None:
    project = make_project()
    make_pair_tasks(project, 20)
    run = work(make_judge(project, "bad_key"))
    assert run.state == "failed"
    assert "turned away" in run.message
    assert "Incorrect API key" in run.message
    assert 5 <= len(judge_server.requests) < 12
    assert not Judgement.objects.exists()


def test_a_server_without_usage_is_charged_the_reservation(project, make_judge, work) -> None:
    judge = make_judge(project, "free_of_usage")
    work(judge)
    calls = JudgeCall.objects.all()
    assert {call.state for call in calls} == {"answered"}
    assert all(call.cost == call.reserved > 0 for call in calls)
    assert account(judge).spent == sum(call.cost for call in calls)


def test_an_answer_that_comes_after_all_is_no_second_end(project, make_judge, caplog) -> None:
    from routing.judges.desk import Key, Outcome, Wanted
    from routing.services.ledger import Ledger

    judge = make_judge(project, "planted")
    desk = Ledger(judge)
    task = project.tasks.get()
    shown = tuple(task.responses.values_list("pk", flat=True))
    key = Key(task.pk, shown)
    [number] = desk.begin([Wanted(key, "pairwise/1", 10, 1)]).places
    desk.end([(number, Outcome(failure="interrupted", charge="everything"))])
    desk.end([(number, Outcome(p_first=0.9, prompt_tokens=1, completion_tokens=1))])
    call = JudgeCall.objects.get()
    assert (call.state, call.failure, call.cost) == ("failed", "interrupted", Decimal("0.000020"))
    assert account(judge).spent == Decimal("0.000020")
    assert "had been ended" in caplog.text


def test_who_leaves_in_the_middle_leaves_no_call_open(project, make_judge, judge_server) -> None:
    judge = make_judge(project, "silent", limits={"patience": 30})
    looks = iter([False, False, False])

    def should_stop() -> bool:
        if next(looks, True):
            raise RuntimeError("the worker is gone")
        return False

    with pytest.raises(RuntimeError):
        list(verdicts(judge, list(questions([project.tasks.get().pk])), should_stop))
    calls = JudgeCall.objects.all()
    assert {call.failure for call in calls} == {"interrupted"}
    assert len(calls) == 2
    assert account(judge).reserved == 0


def test_what_nobody_foresaw_leaves_no_call_open(
    project, make_judge, judge_server, monkeypatch
) -> None:
    def trip(*given) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr("routing.judges.asking.pairwise.read", trip)
    judge = make_judge(project, "planted")
    with pytest.raises(ZeroDivisionError):
        list(verdicts(judge, list(questions([project.tasks.get().pk])), lambda: False))
    assert {call.failure for call in JudgeCall.objects.all()} == {"interrupted"}
    assert account(judge).reserved == 0


def test_failures_have_the_words_of_the_record() -> None:
    assert {kind.value: str(kind.label) for kind in JudgeCall.Failure} == FAILURES
