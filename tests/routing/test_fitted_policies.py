"""A policy is fitted to what a judge and people both labelled, tested, and decides."""

import pytest
from django.urls import reverse

from annotate.kinds import InvalidValue
from annotate.models import JobState, Judgement, Seat, Task
from annotate.services import jobs
from routing.models import Decision, InstanceFeatures, PolicyFit, RoutingPolicy, RoutingRun
from routing.services import upkeep
from routing.services.featurising import featurise
from routing.services.fitting import run_fit
from routing.services.passes import policies_waiting, run_routing, start_routing
from routing.services.policies import (
    current_judge,
    promote_policy,
    put_in_shadow,
    save_policy,
    start_fit,
)
from routing.services.waiting import why_no_pass
from routing.tasks import look_after_policies
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    """A hundred and sixty pairs that three people answered, and forty that nobody saw."""
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(160, votes=3))
    take_in(project, rows(40, votes=0, start=1000))
    return project


def fit(project, kind: str = "error", **settings) -> PolicyFit:
    judge = current_judge(project=project)
    run = start_fit(
        project=project, actor=project.created_by, kind=kind, judges=[judge.pk], settings=settings
    )
    run = jobs.claim(PolicyFit, run.pk, owner="test")
    run_fit(run=run)
    run.refresh_from_db()
    return run


def decide(project, **which) -> RoutingRun:
    run = start_routing(project=project, actor=None, **which)
    run = jobs.claim(RoutingRun, run.pk, owner="test")
    run_routing(run=run)
    run.refresh_from_db()
    assert run.state == JobState.DONE, run.message
    return run


def is_poem(decision: Decision) -> bool:
    return "poem" in decision.task.prompt.conversation[0]["content"]


def test_it_finds_where_the_judge_is_wrong_and_sends_that_to_people(project) -> None:
    run = fit(project, share=0.6)
    assert run.state == JobState.DONE, run.message
    policy = run.policy
    assert (policy.state, policy.kind, policy.version) == ("draft", "error", 1)
    tested = policy.metrics["tested_on"]
    assert 30 <= tested <= 70
    assert policy.metrics["fitted_on"] == 160 - tested
    half = next(point for point in policy.metrics["curve"] if point["share"] == 0.5)
    # The judge is wrong on every poem, half of all; people are right where people are asked.
    assert policy.metrics["all_ai"] == {str(policy.judge): pytest.approx(0.5, abs=0.12)}
    assert half["error"] < 0.08
    assert half["difference"][2] < 0
    [model] = policy.metrics["error_models"]
    assert (model["judge"], set(model["log_loss"])) == (str(policy.judge), {"logistic", "trees"})

    promote_policy(policy=policy, actor=None)
    decide(project)
    made = list(Decision.objects.select_related("task__prompt"))
    assert len(made) == 40
    wanted = {(is_poem(one), one.wanted) for one in made}
    assert (True, "ai") not in wanted
    assert (False, "ai") in wanted
    for one in made:
        assert one.propensity >= 0.05
        states = set(Seat.objects.filter(task=one.task).values_list("state", flat=True))
        labels = Judgement.objects.filter(task=one.task, source="judge").count()
        held_out = one.task.prompt.split_bucket < project.test_percent
        assert (states, labels) == {
            "ai": ({"void"}, 1),
            "both": ({"open"}, 1),
            "people": ({"open"}, 0),
        }[one.route]
        assert not (held_out and one.route == "ai")
    # A person is asked about a poem because of what makes it one; the strongest reason says so.
    for one in made:
        parts = [reason for reason in one.reasons if reason[0] == "adds"]
        assert parts
        assert (parts[0][2] > 0) == is_poem(one), (one, parts)
    decide(project)
    assert Decision.objects.count() == 40


def test_a_budget_is_never_exceeded_and_the_rest_waits(project) -> None:
    policy = fit(project, share=0.1).policy
    promote_policy(policy=policy, actor=None)
    run = decide(project)
    asked = Decision.objects.exclude(wanted="ai")
    assert asked.count() <= 4
    assert Decision.objects.count() + _waiting(run) == 40


def _waiting(run: RoutingRun) -> int:
    words = run.message.split(".")[1].split()
    return int(words[0]) if words else 0


def test_money_is_a_budget_too(project) -> None:
    policy = fit(project, money=3.0, price=1.0, window="week").policy
    promote_policy(policy=policy, actor=None)
    decide(project)
    assert sum(Decision.objects.values_list("cost", flat=True)) <= 3.0


def test_a_policy_without_budget_says_why_no_pass_begins(project, client) -> None:
    policy = fit(project, kind="random", share=0.3).policy
    promote_policy(policy=policy, actor=None)
    assert why_no_pass(policy) is None
    client.force_login(project.created_by)
    for window, said in (("all", "is used up, so no pass"), ("week", "of the last 7 days is used")):
        policy.settings |= {"share": 0.0, "window": window}
        policy.save(update_fields=["settings"])
        assert said in why_no_pass(policy).message
        assert said in client.get(reverse("routing", args=[project.pk])).content.decode()


def test_rules_come_first(project) -> None:
    rule = {"name": "sums are for people", "tags": ["open-endedness: no", "open-endedness: low"]}
    policy = fit(project, kind="rule", share=0.9, rules=[rule]).policy
    promote_policy(policy=policy, actor=None)
    decide(project)
    made = list(Decision.objects.select_related("task__prompt"))
    assert {one.wanted for one in made if not is_poem(one)} == {"people"}
    assert ["rule", "sums are for people"] in [reason for one in made for reason in one.reasons]
    assert "ai" in {one.wanted for one in made if is_poem(one)}


def test_a_rule_about_an_unknown_tag_is_refused(project) -> None:
    run = fit(project, kind="rule", rules=[{"name": "odd", "tags": ["no such tag"]}])
    assert run.state == JobState.FAILED
    assert "no such tag" in run.message


def test_a_cascade_keeps_only_what_is_tested(project) -> None:
    take_in(project, rows(200, votes=3, start=2000))
    policy = fit(project, kind="cascade", share=0.6, risk=0.3).policy
    assert policy.metrics["risk"] == 0.3
    [threshold] = policy.metrics["thresholds"]
    assert threshold["value"] is not None
    promote_policy(policy=policy, actor=None)
    decide(project)
    alone = Decision.objects.filter(wanted="ai").select_related("task__prompt")
    assert alone
    assert not any(is_poem(one) for one in alone)


def test_a_cascade_that_can_promise_nothing_keeps_nothing(project) -> None:
    policy = fit(project, kind="cascade", share=1.0, risk=0.05).policy
    [threshold] = policy.metrics["thresholds"]
    assert threshold["value"] is None
    promote_policy(policy=policy, actor=None)
    decide(project)
    assert Decision.objects.exists()
    assert not Decision.objects.filter(wanted="ai")


def test_too_little_is_told_with_what_to_do(make_project, length_judge) -> None:
    project = make_project(overlap=1, test_percent=0)
    take_in(project, rows(20, votes=2))
    run = fit(project)
    assert run.state == JobState.FAILED
    assert "20 tasks" in run.message
    assert "50 are needed" in run.message


def test_a_policy_in_shadow_changes_nothing(project) -> None:
    save_policy(project=project, actor=None, threshold=0.9)
    decide(project)
    before = list(Task.objects.order_by("pk").values_list("pk", "route"))
    labels = Judgement.objects.count()
    shadow = put_in_shadow(policy=fit(project, share=0.5).policy, actor=None)
    assert [one.pk for one in policies_waiting()] == [shadow.pk]
    decide(project, shadow=True)
    made = Decision.objects.filter(policy=shadow)
    assert made.count() == 40
    assert set(made.values_list("shadow", flat=True)) == {True}
    assert before == list(Task.objects.order_by("pk").values_list("pk", "route"))
    assert labels == Judgement.objects.count()


def test_only_a_better_policy_is_promoted_without_a_reason(project) -> None:
    by_chance = fit(project, kind="random", share=0.5).policy
    promote_policy(policy=by_chance, actor=None)  # none is in force
    better = fit(project, share=0.6).policy
    against = better.metrics["against"]
    assert (against["policy"], against["people"]) == (by_chance.pk, pytest.approx(0.5, abs=0.05))
    assert against["difference"][2] < 0
    promote_policy(policy=better, actor=None)
    with pytest.raises(InvalidValue, match="say why"):
        promote_policy(policy=by_chance, actor=None)
    promote_policy(policy=by_chance, actor=None, reason="a baseline for a week")
    better.refresh_from_db()
    assert better.state == RoutingPolicy.State.RETIRED
    promote_policy(policy=better, actor=None, reason="back")  # a roll-back is the same deed
    by_chance.refresh_from_db()
    better.refresh_from_db()
    assert (by_chance.state, better.state) == ("retired", "active")


def test_features_are_computed_once(project) -> None:
    spec = fit(project).policy.spec
    there = InstanceFeatures.objects.filter(spec=spec).count()
    assert there == 200
    fit(project)
    assert InstanceFeatures.objects.count() == there
    assert project.feature_specs.count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "settings"),
        ({"sahre": 1}, "settings.sahre"),
        ({"share": 1.5}, "settings.share"),
        ({"share": True}, "settings.share"),
        ({"explore": 0}, "settings.explore"),
        ({"mixes": 2.5}, "settings.mixes"),
        ({"boosting": 1}, "settings.boosting"),
        ({"window": "year"}, "settings.window"),
        ({"money": "much"}, "settings.money"),
        ({"rules": {}}, "settings.rules"),
        ({"rules": [3]}, "settings.rules[0]"),
        ({"rules": [{"name": "", "tags": ["English"]}]}, "settings.rules[0].name"),
        ({"rules": [{"name": "a"}]}, "settings.rules[0].tags"),
        ({"rules": [{"name": "a", "tags": ["English"], "route": "ai"}]}, "settings.rules[0].route"),
    ],
)
def test_wrong_settings_are_told_by_field(project, given, field) -> None:
    judge = current_judge(project=project)
    with pytest.raises(InvalidValue) as told:
        start_fit(project=project, actor=None, kind="error", judges=[judge.pk], settings=given)
    assert told.value.field == field


def test_all_that_is_wrong_is_told_at_once(project) -> None:
    rule = {"name": "", "tags": ["English"], "route": "ai"}
    given = {"share": 2, "window": "year", "rules": [{"name": "a"}, rule]}
    with pytest.raises(InvalidValue) as told:
        start_fit(project=project, actor=None, kind="margin", judges=[0], settings=given)
    assert {one.field for one in told.value.all} == {
        *("kind", "judges[0]", "settings.share", "settings.window", "settings.rules[0].tags"),
        *("settings.rules[1].name", "settings.rules[1].route"),
    }


def test_only_the_project_s_own_judges(project, make_project) -> None:
    other = current_judge(project=make_project())
    for judges, field in (([], "judges"), ([other.pk], "judges[0]"), ([1, 1], "judges")):
        with pytest.raises(InvalidValue) as told:
            start_fit(project=project, actor=None, kind="error", judges=judges, settings={})
        assert told.value.field == field


def answer_all(project, **more) -> int:
    """People answer what was left to them: the long one for sums, the short one for poems."""
    seats = Seat.objects.filter(task__project=project, state="open").select_related("task__prompt")
    done = 0
    for seat in seats:
        poem = "poem" in seat.task.prompt.conversation[0]["content"]
        texts = sorted(seat.task.responses.all(), key=lambda response: len(response.text))
        Judgement.objects.create(
            project=project,
            task=seat.task,
            kind="pairwise",
            value={"verdict": "prefer", "preferred": texts[0 if poem else 1].pk, "strength": 1},
            source="imported",
            imported_author=f"p{seat.pk}",
            idempotency_key=str(seat.pk),
            **more,
        )
        done += 1
    return done


def test_what_the_judge_is_worth_is_estimated_over_all_tasks(project) -> None:
    policy = fit(project, share=0.6, explore=0.3).policy
    promote_policy(policy=policy, actor=None)
    assert upkeep.look_after(policy=policy)["answered"] == 0  # nothing is decided yet
    decide(project)
    answered = answer_all(project)
    found = upkeep.look_after(policy=policy)
    assert (found["decided"], found["answered"]) == (40, answered)
    # The judge is wrong on every poem and on no sum, and half of the forty are poems.
    assert found["judge_error"]["low"] <= 0.5 <= found["judge_error"]["high"]
    assert found["judge_error"]["value"] == pytest.approx(0.5, abs=0.1)
    assert "refit" not in found
    policy.refresh_from_db()
    assert policy.metrics["live"]["as_of"] == found["as_of"]


def test_it_is_fitted_anew_when_there_is_enough_to_learn(project, monkeypatch, client) -> None:
    policy = fit(project, share=0.6).policy
    policy = promote_policy(policy=policy, actor=None)
    decide(project)
    answer_all(project)
    monkeypatch.setattr(upkeep, "NEW_ROWS", 10)
    assert "since it was fitted" in upkeep.look_after(policy=policy)["refit"]
    client.force_login(project.created_by)
    address = reverse("policy", args=[policy.pk])
    page = client.get(address, headers={"Accept-Language": "de"}).text
    assert "Aufgaben wurden seit der Anpassung von Menschen und vom Judge gelabelt" in page
    assert "since it was fitted" not in page
    again = PolicyFit.objects.latest("pk")
    assert (again.kind, again.settings, again.state) == ("error", policy.settings, "queued")
    upkeep.look_after(policy=policy)
    assert PolicyFit.objects.count() == 2  # not a second one while that waits


def test_a_newer_judge_is_a_reason(project, length_judge) -> None:
    policy = fit(project).policy
    assert upkeep.reason_to_refit(policy, new_rows=0) is None
    length_judge["scale"] = 20.0
    current_judge(project=project)
    assert "newer version" in upkeep.reason_to_refit(policy, new_rows=0).message


def test_a_shift_of_the_tags_is_a_reason(project, monkeypatch) -> None:
    policy = fit(project).policy
    monkeypatch.setattr(upkeep, "LEAST_SHIFT_ROWS", 30)
    only_poems = [row for row in rows(80, votes=0, start=2000) if "poem" in row["prompt"]]
    take_in(project, only_poems)
    featurise(policy.spec, list(Task.objects.values_list("pk", flat=True)))
    tag, index = upkeep.most_shifted_tag(policy)
    assert index > upkeep.SHIFT
    assert repr(tag) in upkeep.reason_to_refit(policy, new_rows=0).message


@pytest.mark.parametrize("kind", ["error", "random"])
def test_a_judge_that_people_find_wrong_more_often_is_a_reason(project, monkeypatch, kind) -> None:
    """It was right on every sum when the policy was fitted; now people choose the other one."""
    policy = fit(project, kind, share=0.6, explore=0.5).policy
    policy = promote_policy(policy=policy, actor=None)
    decide(project)
    answer_all(project)
    monkeypatch.setattr(upkeep, "LEAST_AUDITED", 10)
    found = upkeep.look_after(policy=policy)
    assert found["audit"]["expected"] == pytest.approx(0.5, abs=0.15)
    assert "refit" not in found
    answers = Judgement.objects.filter(source="imported", task__decisions__policy=policy)
    sums = [one for one in answers if "sum" in one.task.prompt.conversation[0]["content"]]
    assert sums
    for answer in sums:
        others = answer.task.places.exclude(response=answer.value["preferred"])
        value = {**answer.value, "preferred": others.get().response_id}
        Judgement.objects.create(
            project=project,
            task=answer.task,
            kind="pairwise",
            value=value,
            source="imported",
            imported_author=answer.imported_author,
            idempotency_key=f"again {answer.pk}",
            supersedes=answer,
        )
    assert "were expected" in upkeep.look_after(policy=policy).get("refit", "")


def test_one_that_cannot_be_measured_holds_up_no_other(project, monkeypatch) -> None:
    policy = promote_policy(policy=fit(project).policy, actor=None)
    put_in_shadow(policy=fit(project).policy, actor=None)
    seen = []

    def look_after(*, policy: RoutingPolicy) -> None:
        seen.append(policy.state)
        if policy.state == "active":
            raise ValueError("no")

    monkeypatch.setattr(upkeep, "look_after", look_after)
    assert look_after_policies() == 1
    assert sorted(seen) == ["active", "shadow"]
    policy.refresh_from_db()
    assert policy.upkeep_failure["message"] == "ValueError: no"
    assert not RoutingPolicy.objects.get(state="shadow").upkeep_failure
