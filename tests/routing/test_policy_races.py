"""Decisions when a policy changes its state, is rolled back, or is in shadow."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotate.models import JobState, Judgement, Task
from annotate.services import jobs
from routing.models import Decision, RoutingPolicy, RoutingRun
from routing.reports.decisions import route_figures
from routing.services import deciding, passes, upkeep
from routing.services.budgets import budget_left
from routing.services.passes import policies_waiting, run_routing, start_routing, undecided
from routing.services.policies import promote_policy, put_in_shadow, save_policy
from tests.routing.planted import rows, take_in
from tests.routing.test_fitted_policies import answer_all, decide, fit

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(100, votes=3))
    take_in(project, rows(30, votes=0, start=1000))
    return project


def by_chance(project, **settings) -> RoutingPolicy:
    return fit(project, kind="random", **settings).policy


def rows_of(policy: RoutingPolicy, project) -> list[deciding.Row]:
    open_ids = list(Task.objects.filter(seats__state="open").values_list("pk", flat=True))
    return deciding.decide_tasks(
        policy, open_ids, to_come=len(open_ids), should_stop=lambda: False
    ).rows


def test_a_pass_of_a_policy_that_left_shadow_labels_nothing(project) -> None:
    save_policy(project=project, actor=None, threshold=0.9)
    decide(project)
    first = put_in_shadow(policy=by_chance(project, share=0.3), actor=None)
    queued = start_routing(project=project, actor=None, shadow=True)
    assert queued.policy == first
    running = jobs.claim(RoutingRun, queued.pk, owner="test")
    labels = Judgement.objects.count()
    put_in_shadow(policy=by_chance(project, share=0.4), actor=None)
    running.refresh_from_db()
    assert running.cancel_requested
    run_routing(run=running)
    running.refresh_from_db()
    assert running.state == JobState.CANCELLED
    assert Judgement.objects.count() == labels
    assert not Decision.objects.filter(policy=first).exists()


def test_a_row_is_not_applied_once_the_policy_is_retired(project) -> None:
    policy = promote_policy(policy=by_chance(project, share=0.3), actor=None)
    [row, *_] = rows_of(policy, project)
    promote_policy(policy=by_chance(project), actor=None, reason="another")
    assert deciding.apply_row(policy, row) is None
    assert not Decision.objects.exists()


def test_a_held_out_task_that_was_drawn_has_propensity_one(project) -> None:
    policy = by_chance(project, share=0.3, explore=0.3)
    policy = promote_policy(policy=policy, actor=None)
    decide(project)
    drawn = Decision.objects.filter(wanted="both").select_related("task__prompt")
    found = {(one.task.prompt.split_bucket < 30, one.propensity == 1.0) for one in drawn}
    assert found == {(True, True), (False, False)}


def test_a_policy_in_force_again_goes_on_by_itself(project) -> None:
    policy = promote_policy(policy=by_chance(project), actor=None)
    start_routing(project=project, actor=None)
    promote_policy(policy=by_chance(project), actor=None, reason="another")
    assert RoutingRun.objects.get().state == JobState.CANCELLED
    promote_policy(policy=policy, actor=None, reason="back")
    assert [one.pk for one in policies_waiting()] == [policy.pk]


def test_what_was_decided_in_shadow_is_decided_again_and_spends_nothing(project) -> None:
    save_policy(project=project, actor=None, threshold=1.0)  # all go to people
    decide(project)
    policy = put_in_shadow(policy=by_chance(project, money=6.0, price=1.0), actor=None)
    decide(project, shadow=True)
    spent = sum(Decision.objects.filter(shadow=True).values_list("cost", flat=True))
    assert spent >= 3
    promote_policy(policy=policy, actor=None, reason="cheaper")
    policy.refresh_from_db()
    assert budget_left(policy, to_come=30).spent == 0
    decide(project)
    real = Decision.objects.filter(policy=policy, shadow=False)
    assert real.filter(wanted="ai").exists()
    assert Judgement.objects.filter(source="judge").exists()


def test_the_latest_decision_counts_after_a_roll_back(project) -> None:
    old, new = by_chance(project), by_chance(project)
    task = Task.objects.filter(seats__state="open").first()
    common = {"task": task, "score": 0.1, "p_err": 0.5, "propensity": 1.0}
    Decision.objects.create(policy=new, route="people", wanted="people", **common)
    Decision.objects.create(policy=old, route="both", wanted="both", **common)
    assert route_figures(project).routes == {"both": 1}


def test_in_shadow_the_weights_are_of_who_was_asked(project) -> None:
    """The policy in force asked people about every task, whatever the one in shadow wanted."""
    save_policy(project=project, actor=None, threshold=1.0)  # all go to people
    decide(project)
    policy = put_in_shadow(policy=by_chance(project, share=0.2), actor=None)
    decide(project, shadow=True)
    answered = answer_all(project)
    found = upkeep.measured(policy)
    assert (found["decided"], found["asked"], found["answered"]) == (30, 30, answered)
    # Everybody was asked, so what people say is known of all: half are poems.
    assert found["judge_error"]["value"] == pytest.approx(0.5, abs=1e-6)


def test_answers_that_came_since_are_new_whenever_they_were_given(project) -> None:
    save_policy(project=project, actor=None, threshold=1.0)  # all go to people
    decide(project)
    policy = put_in_shadow(policy=by_chance(project), actor=None)
    decide(project, shadow=True)
    fitted, came = (timezone.now() + timedelta(hours=hours) for hours in (1, 2))
    RoutingPolicy.objects.filter(pk=policy.pk).update(created_at=fitted)
    answered = answer_all(project, arrived_at=came)
    policy.refresh_from_db()
    assert upkeep.measured(policy)["new_rows"] == answered > 0


def test_an_artifact_that_cannot_be_read_fails_the_pass(project) -> None:
    policy = promote_policy(policy=by_chance(project), actor=None)
    RoutingPolicy.objects.filter(pk=policy.pk).update(artifact={"kind": "of another time"})
    run = start_routing(project=project, actor=None)
    run = jobs.claim(RoutingRun, run.pk, owner="test")
    run_routing(run=run)
    run.refresh_from_db()
    assert run.state == JobState.FAILED
    assert "of another time" in run.message


def test_a_policy_in_shadow_again_goes_on_by_itself(project) -> None:
    save_policy(project=project, actor=None, threshold=0.9)
    decide(project)
    shadow = put_in_shadow(policy=by_chance(project), actor=None)
    run = start_routing(project=project, actor=None, shadow=True)
    jobs.request_cancel(run)
    assert policies_waiting() == []
    put_in_shadow(policy=by_chance(project), actor=None)
    put_in_shadow(policy=shadow, actor=None)
    assert [one.pk for one in policies_waiting()] == [shadow.pk]


def test_what_waits_for_budget_is_not_read_again_while_there_is_none(project, monkeypatch) -> None:
    monkeypatch.setattr(passes, "LOOK_AGAIN", 0.0)  # every look is through all tasks
    rule = {"name": "sums are for people", "tags": ["open-endedness: no", "open-endedness: low"]}
    fitted = fit(project, kind="rule", share=0.1, rules=[rule]).policy
    policy = promote_policy(policy=fitted, actor=None)
    assert [one.pk for one in policies_waiting()] == [policy.pk]
    run = decide(project)
    assert "wait: no budget is left" in run.message
    assert undecided(policy).exists()
    assert policies_waiting() == []
    take_in(project, rows(30, votes=0, start=2000))  # a tenth of these may be asked about
    assert [one.pk for one in policies_waiting()] == [policy.pk]


def test_a_share_of_nothing_starts_no_pass(project, monkeypatch) -> None:
    monkeypatch.setattr(passes, "LOOK_AGAIN", 0.0)
    promote_policy(policy=by_chance(project, money=0.5, price=1.0), actor=None)
    assert policies_waiting() == []


def test_figures_come_in_parts_and_are_the_same(project, monkeypatch) -> None:
    policy = promote_policy(policy=by_chance(project, share=0.6, explore=0.3), actor=None)
    decide(project)
    answer_all(project)
    whole = upkeep.measured(policy)
    assert whole["answered"] > 5
    monkeypatch.setattr(upkeep, "PART", 3)
    parts = upkeep.measured(policy)
    assert parts["judge_error"] == pytest.approx(whole["judge_error"])
    assert {**parts, "judge_error": 0} == {**whole, "judge_error": 0}


def test_the_constraint_can_be_taken_back_where_a_task_was_decided_twice(project) -> None:
    save_policy(project=project, actor=None, threshold=1.0)  # all go to people
    decide(project)
    policy = put_in_shadow(policy=by_chance(project, share=0.5), actor=None)
    decide(project, shadow=True)
    promote_policy(policy=policy, actor=None, reason="it is")
    decide(project)
    mine = Decision.objects.filter(policy=policy)
    followed = set(mine.filter(shadow=False).values_list("pk", flat=True))
    twice = mine.filter(shadow=True, task__in=mine.filter(shadow=False).values("task"))
    once = set(mine.values_list("pk", flat=True)) - set(twice.values_list("pk", flat=True))
    assert followed
    assert twice.exists()
    with connection.cursor() as cursor:
        cursor.execute(import_module("routing.migrations.0005_decisions_in_shadow").SWAP_BACK)
    assert set(mine.values_list("pk", flat=True)) == once >= followed
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        mine.all().delete()
