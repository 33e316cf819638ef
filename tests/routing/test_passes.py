from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotate.kinds import InvalidValue
from annotate.models import JobState, Judgement, Seat, Task
from annotate.services import jobs
from routing.judges import JudgeInterrupted, Verdict
from routing.margin import uniform_draw
from routing.models import Decision, JudgeCall, RoutingRun
from routing.reports.decisions import audit_agreement, majority, route_figures
from routing.services import passes
from routing.services.passes import (
    apply_decision,
    policies_waiting,
    run_routing,
    start_routing,
    undecided,
)
from routing.services.policies import follow_newest_judge, retire_policy, save_policy
from tests.routing.length_judge import LengthJudge, lengthen
from tests.routing.lock_order import require_tasks_before_seats

pytestmark = pytest.mark.django_db


@pytest.fixture
def tasks(make_project, make_pair_tasks):
    """Forty tasks at overlap 2; in every fourth the two responses are equally long."""
    project = make_project(overlap=2, seed=5, test_percent=0)
    tasks = make_pair_tasks(project, 40)
    for number, task in enumerate(tasks):
        if number % 4:
            lengthen(task)
    return tasks


def work(project, **changes) -> RoutingRun:
    run = start_routing(project=project, actor=None)
    run = jobs.claim(RoutingRun, run.pk, owner="test")
    run_routing(run=run)
    run.refresh_from_db()
    return run


def test_sure_tasks_go_to_the_judge_and_the_rest_to_people(tasks, length_judge) -> None:
    project = tasks[0].project
    save_policy(project=project, actor=None, threshold=0.9, audit_share=0.2)
    run = work(project)

    assert (run.state, run.progress) == (JobState.DONE, 40)
    routes = dict(Decision.objects.values_list("task_id", "route"))
    assert len(routes) == 40
    assert {routes[task.pk] for task in tasks[::4]} == {"people"}
    sure = [task.pk for number, task in enumerate(tasks) if number % 4]
    for pk in sure:
        assert routes[pk] == ("both" if uniform_draw(5, pk) < 0.2 else "ai")
        label = Judgement.objects.get(task=pk, source="judge")
        longer = max(Task.objects.get(pk=pk).responses.all(), key=lambda r: len(r.text))
        assert label.value["preferred"] == longer.pk
        states = set(Seat.objects.filter(task=pk).values_list("state", flat=True))
        assert states == ({"void"} if routes[pk] == "ai" else {"open"})


def test_a_second_pass_changes_nothing(tasks, length_judge) -> None:
    project = tasks[0].project
    save_policy(project=project, actor=None, threshold=0.9)
    work(project)
    before = Decision.objects.count(), Judgement.objects.count(), JudgeCall.objects.count()
    work(project)
    assert before == (
        Decision.objects.count(),
        Judgement.objects.count(),
        JudgeCall.objects.count(),
    )


def test_a_judge_that_dies_fails_the_pass_and_the_next_goes_on(tasks, length_judge) -> None:
    project = tasks[0].project
    length_judge["limit"] = 7
    save_policy(project=project, actor=None, threshold=0.9)
    run = work(project)
    assert run.state == JobState.FAILED
    assert "told to die" in run.message
    assert Decision.objects.count() == 7

    length_judge.pop("limit")
    policy = follow_newest_judge(policy=run.policy)
    assert policy.version == 2
    assert work(project).state == JobState.DONE
    assert not undecided(policy).exists()
    assert Judgement.objects.filter(source="judge").count() == 30


def test_a_task_that_a_person_has_begun_stays_with_people(tasks, length_judge, make_user) -> None:
    project = tasks[0].project
    begun = tasks[1]
    seat = begun.seats.first()
    Seat.objects.filter(pk=seat.pk).update(
        state="leased",
        annotator=make_user("ada"),
        leased_at="2030-01-01T00:00Z",
        leased_until="2030-01-02T00:00Z",
    )
    save_policy(project=project, actor=None, threshold=0.9)
    work(project)
    assert not Decision.objects.filter(task=begun).exists()
    assert begun.seats.filter(state="open").count() == 1


def test_a_pass_that_is_cancelled_while_the_judge_reads_stops(
    tasks, length_judge, monkeypatch
) -> None:
    """A model takes seconds to load; the judge must not be asked for the next batch then."""
    project = tasks[0].project
    monkeypatch.setattr(passes, "BATCH", 10)
    save_policy(project=project, actor=None, threshold=0.9)
    run = jobs.claim(RoutingRun, start_routing(project=project, actor=None).pk, owner="test")
    length_judge_asks = []

    def compare(self, items, should_stop):
        length_judge_asks.append(len(items))
        jobs.request_cancel(run)
        if not should_stop():
            yield Verdict(items[0].task_id, 0.5)

    monkeypatch.setattr(LengthJudge, "compare", compare)
    run_routing(run=run)
    run.refresh_from_db()
    assert (run.state, length_judge_asks) == (JobState.CANCELLED, [10])


def test_no_pass_starts_by_itself_after_one_was_cancelled(tasks, length_judge) -> None:
    project = tasks[0].project
    save_policy(project=project, actor=None, threshold=0.9)
    assert policies_waiting()[0].project == project
    jobs.request_cancel(start_routing(project=project, actor=None))
    assert policies_waiting() == []
    save_policy(project=project, actor=None, threshold=0.8)
    assert policies_waiting()[0].project == project


def test_a_pass_that_failed_is_tried_again_later(tasks, length_judge) -> None:
    project = tasks[0].project
    length_judge["limit"] = 0
    save_policy(project=project, actor=None, threshold=0.9)
    run = work(project)
    assert run.state == JobState.FAILED
    assert policies_waiting() == []
    long_ago = timezone.now() - timedelta(seconds=passes.LOOK_AGAIN + 1)
    RoutingRun.objects.filter(pk=run.pk).update(finished_at=long_ago)
    assert policies_waiting()[0].project == project


def test_only_new_tasks_are_looked_at_until_the_next_whole_look(
    tasks, length_judge, make_pair_tasks, monkeypatch
) -> None:
    project = tasks[0].project
    Task.objects.filter(pk=tasks[0].pk).update(route="ai")  # a pass does not see it
    policy = save_policy(project=project, actor=None, threshold=0.9)
    assert policies_waiting()[0].project == project
    work(project)
    assert policies_waiting() == []
    Task.objects.filter(pk=tasks[0].pk).update(route="people")
    assert policies_waiting() == []
    looked_at, newest = passes._looked[policy.pk]
    monkeypatch.setitem(passes._looked, policy.pk, (looked_at - passes.LOOK_AGAIN, newest))
    assert policies_waiting()[0].project == project
    work(project)
    assert policies_waiting() == []
    make_pair_tasks(project, 1)
    assert policies_waiting()[0].project == project


@pytest.mark.parametrize("change", ["retired", "replaced", "newer judge"])
def test_a_pass_does_not_outlive_its_policy(tasks, length_judge, change) -> None:
    project = tasks[0].project
    policy = save_policy(project=project, actor=None, threshold=0.9)
    run = jobs.claim(RoutingRun, start_routing(project=project, actor=None).pk, owner="test")
    if change == "retired":
        retire_policy(project=project, actor=None)
    elif change == "replaced":
        save_policy(project=project, actor=None, threshold=0.99)
    else:
        length_judge["scale"] = 20.0
        assert follow_newest_judge(policy=policy).version == 2
        assert follow_newest_judge(policy=policy).version == 2  # asked by a slower process
    run_routing(run=run)
    run.refresh_from_db()
    assert (run.state, Decision.objects.count()) == (JobState.CANCELLED, 0)


def test_held_out_prompts_keep_their_human_labels(make_project, make_pair_tasks, length_judge):
    project = make_project(overlap=1, seed=5, test_percent=50)
    tasks = make_pair_tasks(project, 40)
    for task in tasks:
        lengthen(task)
    save_policy(project=project, actor=None, threshold=0.9)
    work(project)
    held_out = {task.pk for task in tasks if task.prompt.split_bucket < 50}
    assert 5 < len(held_out) < 35
    for decision in Decision.objects.all():
        drawn = uniform_draw(5, decision.task_id) < 0.1
        kept = decision.task_id in held_out
        assert decision.route == ("both" if drawn or kept else "ai")
        assert decision.explored == drawn
        assert decision.propensity == (1.0 if kept else 0.1)
    assert {s.task_id for s in Seat.objects.filter(state="open")} >= held_out


def test_a_seat_taken_while_the_judge_reads_keeps_the_task_with_people(
    tasks, length_judge, make_user
) -> None:
    project = tasks[0].project
    policy = save_policy(project=project, actor=None, threshold=0.9)
    task = next(task for task in tasks if uniform_draw(policy.seed, task.pk) >= 0.1)
    first, second = task.responses.order_by("pk")
    call = JudgeCall.objects.create(
        judge=policy.judge, task=task, shown_order=[first.pk, second.pk], raw={}, p_first=0.001
    )
    Seat.objects.filter(task=task, number=0).update(
        state="leased",
        annotator=make_user("ada"),
        leased_at="2030-01-01T00:00Z",
        leased_until="2030-01-02T00:00Z",
    )
    with CaptureQueriesContext(connection) as queries:
        decision = apply_decision(policy=policy, call=call)
    require_tasks_before_seats(queries, at_least=1)
    assert (decision.route, decision.propensity) == ("people", 1.0)
    assert decision.reasons[-1] == ("begun",)
    assert not Judgement.objects.exists()
    assert apply_decision(policy=policy, call=call) is None


def test_the_page_compares_judge_and_people_on_the_audited_share(
    tasks, length_judge, make_user
) -> None:
    project = tasks[0].project
    save_policy(project=project, actor=None, threshold=0.9, audit_share=1.0)
    work(project)
    both = list(Decision.objects.filter(explored=True).order_by("task_id"))
    assert len(both) == 30
    ada = make_user("ada")
    for number, decision in enumerate(both[:8]):
        said = Judgement.objects.get(task=decision.task, source="judge").value["preferred"]
        other = decision.task.responses.exclude(pk=said).get().pk
        value = {"verdict": "prefer", "preferred": said if number < 5 else other, "strength": 1}
        if number == 7:
            value = {"verdict": "tie"}
        Judgement.objects.create(
            project=project,
            task=decision.task,
            kind="pairwise",
            value=value,
            source="person",
            annotator=ada,
        )
    figures = audit_agreement(project)
    assert (figures.tasks, figures.agreeing, figures.undecided) == (7, 5, 1)
    assert figures.low < 5 / 7 < figures.high
    assert route_figures(project).routes == {"people": 10, "both": 30}


def test_a_task_counts_where_its_latest_policy_sent_it(tasks, length_judge) -> None:
    project = tasks[0].project
    for threshold in (1.0, 0.9):
        save_policy(project=project, actor=None, threshold=threshold, audit_share=1.0)
        work(project)
    assert Decision.objects.count() == 80
    assert route_figures(project).routes == {"people": 10, "both": 30}


def test_majority_needs_more_than_half() -> None:
    assert majority([1, 1, 2]) == 1
    assert majority([1, 2]) is None
    assert majority([1, 1, None, None]) is None
    assert majority([None]) is None


def test_policies_are_versions_with_clear_errors(tasks, length_judge) -> None:
    project = tasks[0].project
    with pytest.raises(InvalidValue, match="threshold"):
        save_policy(project=project, actor=None, threshold=0.4)
    with pytest.raises(InvalidValue, match="audit_share"):
        save_policy(project=project, actor=None, threshold=0.9, audit_share=0.0)
    first = save_policy(project=project, actor=None, threshold=0.9)
    second = save_policy(project=project, actor=None, threshold=0.8)
    first.refresh_from_db()
    assert (first.state, second.state, second.version) == ("retired", "active", 2)
    assert retire_policy(project=project, actor=None)
    assert not retire_policy(project=project, actor=None)
    assert start_routing(project=project, actor=None) is None


def test_decisions_and_calls_only_grow(tasks, length_judge) -> None:
    project = tasks[0].project
    save_policy(project=project, actor=None, threshold=0.9)
    work(project)
    for model in (Decision, JudgeCall):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            model.objects.all().delete()


def test_a_pass_whose_worker_is_to_end_goes_back_and_goes_on(
    tasks, length_judge, monkeypatch
) -> None:
    project = tasks[0].project
    save_policy(project=project, actor=None, threshold=0.9)
    compare = LengthJudge.compare

    def interrupted(self, items, should_stop):
        for number, verdict in enumerate(compare(self, items, should_stop)):
            if number == 5:
                raise JudgeInterrupted
            yield verdict

    monkeypatch.setattr(LengthJudge, "compare", interrupted)
    run = work(project)
    assert (run.state, run.attempt) == (JobState.QUEUED, 0)
    assert Decision.objects.count() == 5
    monkeypatch.setattr(LengthJudge, "compare", compare)
    again = jobs.claim(RoutingRun, run.pk, owner="test")
    run_routing(run=again)
    again.refresh_from_db()
    assert again.state == JobState.DONE
    assert Decision.objects.count() == 40


def test_under_a_context_the_judge_reads_it_and_its_label_tells_it(
    make_project, make_pair_tasks, length_judge, monkeypatch
) -> None:
    project = make_project(kind="context", test_percent=0)
    stated, silent = make_pair_tasks(project, 2)
    Task.objects.filter(pk=stated.pk).update(context={"criterion": "Which is longer?"})
    lengthen(stated)
    lengthen(silent)
    read = []
    compare = LengthJudge.compare

    def reading(judge, items, should_stop):
        read.extend(item.conversation[-1]["content"] for item in items)
        return compare(judge, items, should_stop)

    monkeypatch.setattr(LengthJudge, "compare", reading)
    save_policy(project=project, actor=None, threshold=0.9)
    work(project)
    assert [text.split("\n\n")[-1] for text in read] == ["Which is longer?"]
    label = Judgement.objects.get(source="judge")
    assert (label.task_id, label.kind) == (stated.pk, "context")
    assert label.value["under"] == "Which is longer?"
