"""Money to the cent, rates, and what a killed worker leaves behind."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from annotate.models import Judgement
from annotate.services import jobs
from annotate.wording import Told
from routing.judges import JudgeError
from routing.judges.desk import Begun, Key, Outcome, Pause, Wanted
from routing.models import JudgeAccount, JudgeCall, JudgeRun
from routing.services.call_ends import price
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import set_limits
from routing.services.judging import questions
from routing.services.ledger import Ledger, end_abandoned
from tests.hearing import heard, listen
from tests.routing.judges.conftest import account
from tests.routing.length_judge import lengthen
from tests.waiting import somebody_waits_for_a_lock, wait_until

pytestmark = pytest.mark.django_db
EACH = Decimal("0.002000")  # 1000 at 1 $ and 100 at 10 $ a million


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project()
    for task in make_pair_tasks(project, 4):
        lengthen(task)
    return project


def key_of(task, sample: int = 0) -> Key:
    return Key(task.pk, tuple(task.places.values_list("response", flat=True)), sample)


def wanted(key: Key) -> Wanted:
    return Wanted(key, "pairwise/1", prompt_tokens=1000, completion_tokens=100)


def begin(desk: Ledger, key: Key) -> int:
    """The number of a call that may be sent. Raises what stopped it."""
    begun = desk.begin([wanted(key)])
    if begun.stopped is not None:
        raise begun.stopped
    [number] = begun.places
    assert isinstance(number, int)
    return number


def test_prices_are_rounded_up_to_the_millionth() -> None:
    account = JudgeAccount(input_price=Decimal("0.15"), output_price=Decimal("0.6"))
    assert price(account, 1, 0) == Decimal("0.000001")
    assert price(account, 1_000_000, 1_000_000) == Decimal("0.75")
    assert price(account, 1234, 56) == Decimal("0.000219")  # .0002187


def test_no_call_begins_that_could_cost_more_than_is_left(project, make_judge) -> None:
    """Five reservations of 0.002 fit into 0.01; an end gives back what was not used."""
    judge = make_judge(project, "planted", limits={"spending_limit": "0.01"})
    desk = Ledger(judge)
    [first, *_] = project.tasks.all()
    numbers = [begin(desk, key_of(first, n)) for n in range(5)]
    with pytest.raises(JudgeError, match=r"The spending limit is reached: 0.00 \$ of 0.01 \$"):
        begin(desk, key_of(first, 5))
    assert account(judge).reserved == 5 * EACH
    desk.end([(numbers[0], Outcome(p_first=0.5, prompt_tokens=100, completion_tokens=10))])
    kept = account(judge)
    assert (kept.reserved, kept.spent) == (4 * EACH, EACH / 10)
    with pytest.raises(JudgeError):
        begin(desk, key_of(first, 5))
    desk.end([(numbers[1], Outcome(failure="refused", charge="nothing"))])
    begin(desk, key_of(first, 5))


def test_a_run_stops_before_its_money_is_spent(project, make_judge, work, judge_server) -> None:
    """What was labelled before stays; the reason says what to do."""
    judge = make_judge(project, "planted", limits={"spending_limit": "0.0018", "concurrency": 1})
    run = work(judge)
    assert run.state == "failed"
    assert "Raise the limit" in run.message
    assert run.labelled == Judgement.objects.count() > 0
    kept = account(judge)
    assert 0 < kept.spent <= kept.spending_limit
    assert kept.reserved == 0
    asked = len(judge_server.requests)
    assert asked == JudgeCall.objects.count() < 8
    set_limits(judge=judge, actor=None, limits={"spending_limit": 1})
    assert work(judge).state == "done"
    assert Judgement.objects.count() == 4
    assert len(judge_server.requests) == 8


def test_a_minute_holds_so_many_requests_and_tokens(project, make_judge) -> None:
    judge = make_judge(project, "planted", limits={"requests_per_minute": 2})
    desk = Ledger(judge)
    [task, *_] = project.tasks.all()
    began = time.monotonic()
    begin(desk, key_of(task, 0))
    begin(desk, key_of(task, 1))
    with pytest.raises(Pause) as paused:
        begin(desk, key_of(task, 2))
    assert 60 - (time.monotonic() - began) <= paused.value.seconds <= 60
    minute_ago = timezone.now() - timedelta(seconds=61)
    JudgeCall.objects.update(created_at=minute_ago)
    begin(desk, key_of(task, 2))
    tokens = {"requests_per_minute": None, "tokens_per_minute": 2000}
    set_limits(judge=judge, actor=None, limits=tokens)
    with pytest.raises(Pause):
        begin(desk, key_of(task, 3))
    JudgeCall.objects.update(created_at=minute_ago)
    set_limits(judge=judge, actor=None, limits={"tokens_per_minute": 1})
    begin(desk, key_of(task, 3))  # alone in its minute


def test_all_workers_wait_where_the_server_asks_for_it(project, make_judge) -> None:
    judge = make_judge(project, "planted")
    [task, *_] = project.tasks.all()
    number = begin(Ledger(judge), key_of(task))
    said = Outcome(failure="rate_limited", retry_after=30, charge="nothing")
    began = time.monotonic()
    Ledger(judge).end([(number, said)])
    with pytest.raises(Pause) as paused:
        begin(Ledger(judge), key_of(task, 1))
    assert 30 - (time.monotonic() - began) <= paused.value.seconds <= 30


def test_one_call_is_made_once_whoever_asks(project, make_judge) -> None:
    ours, theirs = (Ledger(make_judge(project, "planted", name=name)) for name in "AB")
    [task, *_] = project.tasks.all()
    number = begin(ours, key_of(task))
    with pytest.raises(Pause):
        begin(theirs, key_of(task))
    ours.end([(number, Outcome(p_first=0.25, prompt_tokens=1, completion_tokens=1))])
    [outcome] = theirs.begin([wanted(key_of(task))]).places
    assert outcome.p_first == 0.25


def test_a_call_ends_once_and_stays(project, make_judge) -> None:
    desk = Ledger(make_judge(project, "planted"))
    [task, *_] = project.tasks.all()
    number = begin(desk, key_of(task))
    desk.end([(number, Outcome(p_first=0.5, prompt_tokens=1, completion_tokens=1))])
    for change in (
        lambda: JudgeCall.objects.update(p_first=0.9),
        lambda: JudgeCall.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_a_killed_worker_pays_no_call_twice(project, make_judge, judge_server) -> None:
    """Killed with one call answered but not written down, and one written down: the first is
    charged in full and not asked again, the second is known, the others are asked.
    """
    judge = make_judge(project, "planted")
    run = start_judging(judge=judge, actor=None)
    run = jobs.claim(JudgeRun, run.pk, owner="killed")
    desk = Ledger(judge, run=run)
    first, second, *_ = list(questions(project.tasks.values_list("pk", flat=True)))
    forward = Key(first.task_id, first.response_ids)
    lost = begin(desk, forward)
    done = begin(desk, Key(second.task_id, second.response_ids))
    desk.end(
        [(done, Outcome(raw={"mass": 1.0}, p_first=0.1, prompt_tokens=9, completion_tokens=1))]
    )
    before = account(judge).spent

    past = timezone.now() - timedelta(seconds=1)
    JudgeRun.objects.filter(pk=run.pk).update(lease_until=past)
    again = jobs.claim(JudgeRun, run.pk, owner="next")
    run_judge(run=again)
    again.refresh_from_db()
    assert (again.state, again.labelled, again.failed) == ("done", 3, 1)
    call = JudgeCall.objects.get(pk=lost)
    assert (call.state, call.failure, call.cost) == ("failed", "interrupted", EACH)
    assert JudgeCall.objects.filter(task=first.task_id, shown_order=forward.shown).count() == 1
    assert len(judge_server.requests) == 4 * 2 - 2
    kept = account(judge)
    others = JudgeCall.objects.exclude(pk__in=[lost, done])
    assert kept.spent == before + EACH + sum(one.cost for one in others)
    assert kept.reserved == 0


def test_calls_of_others_that_are_still_under_way_are_left_alone(project, make_judge) -> None:
    judge = make_judge(project, "planted")
    [task, *_] = project.tasks.all()
    number = begin(Ledger(judge), key_of(task))
    assert end_abandoned(judge) == 0
    JudgeCall.objects.filter(pk=number).update(created_at=timezone.now() - timedelta(minutes=16))
    assert end_abandoned(judge) == 1


@pytest.mark.django_db(transaction=True)
def test_reservations_at_the_same_moment_never_pass_the_limit(project, make_judge) -> None:
    """Eight threads with eight connections, and money for five calls."""
    judge = make_judge(project, "planted", limits={"spending_limit": str(5 * EACH)})
    [task, *_] = project.tasks.all()
    keys = [key_of(task, sample) for sample in range(8)]
    barrier, begun, refused = threading.Barrier(8), [], []

    def begin_one(key: Key) -> None:
        try:
            desk = Ledger(judge)
            barrier.wait()
            begun.append(begin(desk, key))
        except JudgeError:
            refused.append(key)
        finally:
            connection.close()

    threads = [threading.Thread(target=begin_one, args=[key]) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(begun), len(refused)) == (5, 3)
    assert account(judge).reserved == 5 * EACH


def test_webhooks_are_told_once_that_a_limit_is_reached(project, make_judge) -> None:
    listen(project, "budget.reached")
    judge = make_judge(project, "planted", limits={"spending_limit": "0.002"})
    desk = Ledger(judge)
    [first, *_] = project.tasks.all()
    begin(desk, key_of(first, 0))
    assert heard() == []
    for number in (1, 2):
        with pytest.raises(JudgeError):
            begin(desk, key_of(first, number))
    [event] = heard()
    assert event["data"] == {
        "of": "judge",
        "judge": judge.name,
        "limit": "0.002000",
        "spent": "0.000000",
    }
    set_limits(judge=judge, actor=None, limits={"spending_limit": "0.003"})
    with pytest.raises(JudgeError):
        begin(desk, key_of(first, 1))
    assert len(heard()) == 2


def test_calls_that_begin_together_stop_where_the_next_is_too_much(project, make_judge) -> None:
    """Money for five of eight: five are on record, and their money reserved to the cent."""
    listen(project, "budget.reached")
    judge = make_judge(project, "planted", limits={"spending_limit": str(5 * EACH)})
    [task, *_] = project.tasks.all()
    begun = Ledger(judge).begin([wanted(key_of(task, n)) for n in range(8)])
    assert len(begun.places) == 5
    assert isinstance(begun.stopped, JudgeError)
    assert account(judge).reserved == 5 * EACH
    assert set(begun.places) == set(JudgeCall.objects.values_list("pk", flat=True))
    assert len(heard()) == 1


def test_calls_that_begin_together_share_a_minute(project, make_judge) -> None:
    judge = make_judge(project, "planted", limits={"requests_per_minute": 3})
    [task, *_] = project.tasks.all()
    begun = Ledger(judge).begin([wanted(key_of(task, n)) for n in range(5)])
    assert len(begun.places) == 3
    assert begun.stopped.seconds == 60
    JudgeCall.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    set_limits(
        judge=judge, actor=None, limits={"requests_per_minute": None, "tokens_per_minute": 2200}
    )
    assert len(Ledger(judge).begin([wanted(key_of(task, n)) for n in range(5, 9)]).places) == 2


def test_among_calls_that_begin_together_answers_are_heard_and_others_waited_for(
    project, make_judge
) -> None:
    """The first was answered, the third is under way elsewhere, and the fourth waits behind it."""
    desk = Ledger(make_judge(project, "planted"))
    [task, *_] = project.tasks.all()
    said = Outcome(raw={"text": "A"}, p_first=0.25, prompt_tokens=1, completion_tokens=1)
    desk.end([(begin(desk, key_of(task, 0)), said)])
    begin(desk, key_of(task, 2))
    begun = desk.begin([wanted(key_of(task, n)) for n in (0, 1, 2, 3)])
    assert len(begun.places) == 2
    assert (begun.places[0].p_first, begun.places[0].raw) == (0.25, {"text": "A"})
    assert isinstance(begun.stopped, Pause)
    assert sorted(JudgeCall.objects.values_list("sample", flat=True)) == [0, 1, 2]


def test_calls_that_end_together_are_charged_each_for_itself(project, make_judge) -> None:
    """What each said is its own, and a second end changes nothing."""
    judge = make_judge(project, "planted")
    desk = Ledger(judge)
    [task, *_] = project.tasks.all()
    numbers = desk.begin([wanted(key_of(task, n)) for n in range(4)]).places
    detail = Told("no choices: {text}", text="{'a': \"b\"}, ä\\")
    outcomes = [
        Outcome(
            raw={"text": "A", "first_token": [["A", -0.1]]},
            p_first=0.1 + 0.2,
            value={"order": [1, 2]},
            prompt_tokens=100,
            completion_tokens=10,
            seconds=0.25,
        ),
        Outcome(failure="malformed", detail=detail, charge="everything"),
        Outcome(failure="rate_limited", retry_after=30, charge="nothing"),
    ]
    desk.end(list(zip(numbers, outcomes, strict=False)))
    first, second, third, open_ = JudgeCall.objects.order_by("sample")
    assert (first.state, first.p_first, first.seconds) == ("answered", 0.1 + 0.2, 0.25)
    assert (first.raw, first.value, first.told) == (outcomes[0].raw, {"order": [1, 2]}, None)
    assert (first.cost, first.prompt_tokens, first.completion_tokens) == (EACH / 10, 100, 10)
    assert (second.state, second.failure, second.cost) == ("failed", "malformed", EACH)
    assert second.detail == detail.message
    assert second.told == detail.as_dict()
    assert (second.p_first, second.value, second.prompt_tokens) == (None, None, None)
    assert (third.failure, third.cost, open_.state) == ("rate_limited", 0, "asked")
    kept = account(judge)
    assert (kept.spent, kept.reserved) == (EACH / 10 + EACH, EACH)
    assert kept.blocked_until == third.finished_at + timedelta(seconds=30)
    desk.end([(numbers[0], outcomes[1]), (numbers[3], outcomes[0])])
    first.refresh_from_db()
    assert first.state == "answered"
    assert (account(judge).spent, account(judge).reserved) == (EACH / 10 * 2 + EACH, 0)


def test_what_a_call_takes_does_not_grow_with_those_beside_it(
    project, make_judge, django_assert_num_queries
) -> None:
    """Statements of two transactions, savepoints included, for one call or for sixteen."""
    desk = Ledger(make_judge(project, "planted"))
    [task, *_] = project.tasks.all()
    said = Outcome(p_first=0.5, prompt_tokens=1, completion_tokens=1)
    for keys in ([key_of(task, 0)], [key_of(task, n) for n in range(1, 17)]):
        calls = [wanted(key) for key in keys]
        with django_assert_num_queries(2 + 4):
            numbers = desk.begin(calls).places
        with django_assert_num_queries(2 + 5):
            desk.end([(number, said) for number in numbers])


@pytest.mark.django_db(transaction=True)
def test_a_judge_that_asks_the_same_at_the_same_moment_is_waited_for(project, make_judge) -> None:
    """Its call is on record but not committed: ours waits for that, then does not begin."""
    theirs, ours = (Ledger(make_judge(project, "planted", name=name)) for name in "AB")
    [task, *_] = project.tasks.all()
    found: list[Begun] = []

    def begin_ours() -> None:
        try:
            found.append(ours.begin([wanted(key_of(task, 1)), wanted(key_of(task, 0))]))
        finally:
            connection.close()

    thread = threading.Thread(target=begin_ours)
    with transaction.atomic():
        [number] = theirs.begin([wanted(key_of(task, 0))]).places
        thread.start()
        wait_until(somebody_waits_for_a_lock)
    thread.join()
    assert isinstance(found[0].stopped, Pause)
    assert list(found[0].places) == []
    assert list(JudgeCall.objects.values_list("pk", flat=True)) == [number]
    assert account(ours.judge).reserved == 0
