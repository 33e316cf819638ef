"""A judge is tested against people, domain by domain, and policies keep to what it passed."""

from dataclasses import replace

import pytest
from celery import current_app
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, JobState, Judge, Prompt, Seat, Task
from annotate.services import jobs
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.people.tokens import issue_token
from routing import judges as judge_kinds
from routing.features.tagger import RuleTagger
from routing.judges import panel
from routing.models import (
    Decision,
    DomainTest,
    JudgeTestRun,
    PolicyFit,
    PolicySimulation,
    RoutingRun,
)
from routing.services import labelled, measuring
from routing.services.judge_tests import start_due_tests, start_test
from routing.services.passes import run_routing, start_routing
from routing.services.policies import current_judge, promote_policy, put_in_shadow, save_policy
from routing.services.simulating import run_simulation
from routing.services.simulations import start_simulation
from routing.services.testing_judges import run_test
from routing.words.reasons import in_english
from tests.routing.length_judge import LengthJudge
from tests.routing.planted import take_in
from tests.routing.subjects import COOK, LAW, rows
from tests.routing.test_fitted_policies import decide, fit

pytestmark = pytest.mark.django_db


def run_tested(judge: Judge, **options) -> JudgeTestRun:
    run = start_test(judge=judge, actor=None, **options)
    run_test(run=jobs.claim(JudgeTestRun, run.pk, owner="test"))
    run.refresh_from_db()
    assert run.state == JobState.DONE, run.message
    return run


def verdicts(judge: Judge) -> dict[tuple[str, str], bool]:
    return {(one.grouping, one.domain): one.passed for one in judge.domain_tests.all()}


@pytest.fixture
def project(make_project, length_judge):
    """Sixty labelled prompts of each subject, ten that nobody saw."""
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(60, 60))
    take_in(project, rows(5, 5, people=0, start=1000))
    Task.objects.filter(prompt__conversation__0__content__icontains="court").update(
        stratum="courts"
    )
    return project


def test_the_prompts_are_of_two_subjects() -> None:
    tags = RuleTagger().tag([COOK.format(1), LAW.format(1)])
    assert [one.subjects for one in tags] == [("cooking",), ("law",)]


def test_it_passes_where_it_is_as_good_as_people_and_fails_where_not(project) -> None:
    judge = current_judge(project=project)
    run = run_tested(judge)
    assert verdicts(judge) == {
        ("all", ""): False,
        ("subject", "cooking"): True,
        ("subject", "law"): False,
        ("stratum", ""): True,
        ("stratum", "courts"): False,
    }
    cooking = DomainTest.objects.get(judge=judge, domain="cooking")
    assert (cooking.items, cooking.people, cooking.missing, cooking.run) == (60, 3, "", run)
    assert cooking.winning_rate >= 0.5
    assert [one["person"] for one in cooking.comparisons] == [f"imported p{n}" for n in range(3)]
    assert all(one["judge"] > one["own"] - 0.15 for one in cooking.comparisons)
    law = DomainTest.objects.get(judge=judge, domain="law")
    assert (law.winning_rate, law.advantage < 0.5) == (0.0, True)
    assert run.message == "Passed in 2 of 5 domains; 120 tasks."
    assert AuditEvent.objects.filter(action="judge.test_queued").count() == 1
    run_tested(judge)
    assert DomainTest.objects.count() == 5


def test_what_a_reward_model_learned_from_tells_nothing_of_it(project, monkeypatch) -> None:
    """No test, measurement, fit or simulation counts the prompts of its training rows."""
    Prompt.objects.filter(project=project).update(split_bucket=50)
    seen = Task.objects.filter(project=project, judgements__isnull=False)
    new = sorted(set(seen.values_list("prompt", flat=True)))[:25]
    Prompt.objects.filter(pk__in=new).update(split_bucket=0)
    snapshot = create_snapshot(project=project, actor=None)
    judge = current_judge(project=project)
    run_tested(judge)
    assert DomainTest.objects.get(judge=judge, domain="", grouping="all").items == 120
    monkeypatch.setitem(
        judge_kinds._kinds,
        judge.kind,
        replace(judge_kinds.get(judge.kind), learned_from=lambda config: frozenset({snapshot.pk})),
    )
    run_tested(judge)
    assert DomainTest.objects.get(judge=judge, domain="", grouping="all").items == 25
    answered = Task.objects.filter(pk__in=measuring._answered(judge))
    assert set(answered.values_list("prompt", flat=True)) == set(new)
    row = PolicyFit.objects.create(project=project, kind="error", judges=[judge.pk])
    sides, _ = labelled.gather(jobs.claim(PolicyFit, row.pk, owner="test"), project, [judge])
    assert {one.prompt_id for one in sides} == set(new)
    monkeypatch.setitem(judge_kinds._kinds, "panel", panel.KIND)
    config = panel.KIND.clean({"members": [{"judge": judge.pk}, {"judge": judge.pk + 1000}]})
    several = Judge.objects.create(
        project=project, name="Both", version=1, kind="panel", config=config
    )
    assert set(measuring._answered(several)) == set(answered.values_list("pk", flat=True))


def test_pairs_of_one_prompt_are_one_trial() -> None:
    alone = measuring._over_prompts(range(20), [True, False] * 10)
    together = measuring._over_prompts([n // 2 for n in range(20)], [n % 4 < 2 for n in range(20)])
    assert together[1] - together[0] > 1.35 * (alone[1] - alone[0])
    assert measuring._over_prompts([], []) == (0.0, 1.0)
    assert measuring._over_prompts([7] * 500, [True] * 500) == pytest.approx((0.2065, 1), abs=1e-4)


def test_what_is_missing_is_told(make_project, length_judge) -> None:
    project = make_project(test_percent=0)
    take_in(project, rows(20, 60, people=2))
    judge = current_judge(project=project)
    run_tested(judge)
    cooking = DomainTest.objects.get(domain="cooking")
    assert cooking.missing == (
        "20 items are labelled by the judge and by two people or more; 50 are needed. "
        "0 people have 30 items that others labelled too; 3 are needed. "
        "Let more people label the same items."
    )
    assert (cooking.passed, cooking.winning_rate) == (False, None)
    assert DomainTest.objects.get(domain="law").missing.startswith("2 people have 30 items")


def test_an_empty_project_is_told_too(make_project, length_judge) -> None:
    judge = current_judge(project=make_project())
    run_tested(judge)
    whole = DomainTest.objects.get()
    assert (whole.grouping, whole.items, whole.people) == ("all", 0, 0)


def test_what_the_judge_abstains_from_is_left_out(project) -> None:
    class Shy(LengthJudge):
        def compare(self, items, should_stop):
            for verdict in super().compare(items, should_stop):
                law = "court" in Task.objects.get(pk=verdict.task_id).prompt.last_turn
                yield judge_kinds.Verdict(verdict.task_id, 0.5 if law else verdict.p_first)

    judge_kinds._kinds["shy"] = judge_kinds.JudgeKind("shy", Shy)
    judge = Judge.objects.create(
        project=project, name="shy", version=1, kind="shy", config={"scale": 10.0}
    )
    run_tested(judge)
    assert verdicts(judge) == {
        ("all", ""): True,
        ("subject", "cooking"): True,
        ("stratum", ""): True,
    }


def by_subject(project, policy) -> dict[str, set[str]]:
    made = Decision.objects.filter(policy=policy, shadow=False).select_related("task__prompt")
    found: dict[str, set[str]] = {"law": set(), "cooking": set()}
    for one in made:
        found["law" if "court" in one.task.prompt.last_turn else "cooking"].add(one.wanted)
    return found


def test_a_fitted_policy_keeps_to_what_the_judge_passed(project) -> None:
    judge = current_judge(project=project)
    policy = fit(project, kind="random", share=0.6, domains="subject").policy
    policy = promote_policy(policy=policy, actor=None)
    decide(project)  # nothing is tested yet
    assert by_subject(project, policy) == {"law": {"people"}, "cooking": {"people"}}
    assert {in_english(one.reasons)[0] for one in Decision.objects.all()} == {
        f"{judge} was not tested in law",
        f"{judge} was not tested in cooking",
    }
    run_tested(judge)
    again = fit(project, kind="random", share=0.6, domains="subject").policy
    again = promote_policy(policy=again, actor=None, reason="tested")
    decide(project)
    found = by_subject(project, again)
    assert found["law"] == {"people"}
    assert "ai" in found["cooking"]
    law = Decision.objects.filter(
        policy=again, task__prompt__conversation__0__content__icontains="court"
    )
    assert {in_english(one.reasons)[0] for one in law} == {
        f"{judge} failed the alternative annotator test (0.00) in law"
    }
    assert {one.propensity for one in law} == {1.0}


def test_the_judge_that_stands_in_must_have_passed_too(project) -> None:
    """The strong judge abstains from cooking, the cheap one has passed nowhere."""

    class Shy(LengthJudge):
        def compare(self, items, should_stop):
            for verdict in super().compare(items, should_stop):
                cooks = "recipe" in Task.objects.get(pk=verdict.task_id).prompt.last_turn
                yield judge_kinds.Verdict(verdict.task_id, None if cooks else verdict.p_first)

    judge_kinds._kinds["shy"] = judge_kinds.JudgeKind("shy", Shy)
    strong = Judge.objects.create(
        project=project, name="shy", version=1, kind="shy", config={"scale": 10.0}
    )
    cheap = current_judge(project=project)
    run = run_tested(cheap)
    DomainTest.objects.update(judge=strong, passed=True, winning_rate=1, advantage=1, missing="")
    assert not cheap.domain_tests.exists()
    from routing.services.fitting import run_fit
    from routing.services.policies import start_fit

    queued = start_fit(
        project=project,
        actor=None,
        kind="random",
        judges=[cheap.pk, strong.pk],
        settings={"share": 0.5, "domains": "stratum"},
    )
    run_fit(run=jobs.claim(type(queued), queued.pk, owner="test"))
    queued.refresh_from_db()
    promote_policy(policy=queued.policy, actor=None)
    decide(project)
    cooking = Decision.objects.filter(
        task__prompt__conversation__0__content__icontains="recipe", wanted="people"
    )
    assert cooking.count() == 5
    why = f"{cheap} was not tested in tasks without a stratum"
    assert [why] in [in_english(one.reasons) for one in cooking]
    assert run.judge == cheap


def test_a_rule_by_threshold_keeps_to_it_too(project) -> None:
    judge = current_judge(project=project)
    run_tested(judge)
    policy = save_policy(project=project, actor=None, threshold=0.5, domains="subject")
    run = start_routing(project=project, actor=None)
    run_routing(run=jobs.claim(RoutingRun, run.pk, owner="test"))
    made = Decision.objects.filter(policy=policy).select_related("task__prompt")
    routes = {("court" in one.task.prompt.last_turn, one.route) for one in made}
    assert (True, "people") in routes
    assert not {(True, "ai"), (True, "both")} & routes
    assert not {(False, "people")} & routes
    law = next(one for one in made if "court" in one.task.prompt.last_turn)
    assert law.reasons == [["failed subject", str(judge), 0, "law"]]
    open_law = Seat.objects.filter(task=law.task, state="open")
    assert open_law.exists()


def test_a_new_reward_model_is_untested_and_the_option_stays(project, length_judge) -> None:
    save_policy(project=project, actor=None, threshold=0.5, domains="all")
    length_judge["scale"] = 20.0
    run = start_routing(project=project, actor=None)
    run_routing(run=jobs.claim(RoutingRun, run.pk, owner="test"))
    made = Decision.objects.all()
    assert set(made.values_list("route", flat=True)) == {"people"}
    assert made[0].reasons == [["untested", "reward_model v2"]]


def test_judges_of_policies_that_need_it_are_tested_by_themselves(project) -> None:
    judge = current_judge(project=project)
    save_policy(project=project, actor=None, threshold=0.9)
    assert start_due_tests() == []
    policy = fit(project, kind="random", domains="subject").policy
    assert start_due_tests() == []
    put_in_shadow(policy=policy, actor=None)
    assert [run.judge for run in start_due_tests()] == [judge]
    assert start_due_tests() == []


@pytest.mark.parametrize("epsilon", [-0.1, 1.5, "much", None, True])
def test_a_wrong_epsilon_is_told(project, epsilon) -> None:
    with pytest.raises(InvalidValue) as told:
        start_test(judge=current_judge(project=project), actor=None, epsilon=epsilon)
    assert told.value.field == "epsilon"
    with pytest.raises(InvalidValue) as told:
        save_policy(project=project, actor=None, threshold=0.9, domains="planet")
    assert told.value.field == "domains"


def test_the_judge_s_page(client, project) -> None:
    judge = current_judge(project=project)
    client.force_login(project.created_by)
    url = reverse("judge", args=[judge.pk])
    assert "May it take a person’s place?" in client.get(url).content.decode()
    asked = client.post(reverse("start_judge_test", args=[judge.pk]), {"epsilon": "0.2"})
    assert asked.status_code == 302
    run = JudgeTestRun.objects.get()
    assert run.epsilon == 0.2
    run_test(run=jobs.claim(JudgeTestRun, run.pk, owner="test"))
    page = client.get(url).content.decode()
    assert "Passed" in page
    assert "Failed" in page
    assert "imported p0" in page
    german = client.get(url, headers={"accept-language": "de"}).content.decode()
    assert "importiert: p0" in german
    assert '<th scope="row">Recht</th>' in german
    refused = client.post(
        reverse("start_judge_test", args=[judge.pk]), {"epsilon": "x"}, follow=True
    )
    assert "must be" in refused.content.decode()


def test_over_rest(project) -> None:
    judge = current_judge(project=project)
    api = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    url = f"/api/v1/projects/{project.pk}/judges/{judge.pk}/test/"
    assert api.get(url).json() == {"run": None, "domains": []}
    asked = api.post(url, {"epsilon": 0.1}, format="json")
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    run_test(run=jobs.claim(JudgeTestRun, asked.json()["id"], owner="test"))
    told = api.get(url).json()
    assert (told["run"]["state"], len(told["domains"])) == ("done", 5)
    assert api.post(url, {"epsilon": 2}, format="json").status_code == 400
    policies = f"/api/v1/projects/{project.pk}/routing/policies/"
    saved = api.post(policies, {"threshold": 0.9, "domains": "subject"}, format="json")
    assert (saved.status_code, saved.json()["domains"]) == (201, "subject")
    assert api.post(policies, {"threshold": 0.9, "domains": "x"}, format="json").status_code == 400


def test_a_worker_gets_it_by_its_task(project) -> None:
    """As Celery calls it: by the name and the id that the message carries."""
    run = start_test(judge=current_judge(project=project), actor=None)
    current_app.tasks[run.task_name](run.pk)
    run.refresh_from_db()
    assert (run.state, run.judge.domain_tests.count()) == (JobState.DONE, 5)
    assert current_app.tasks["routing.tasks.test_due_judges"]() == 0


def test_the_fit_measures_and_the_simulator_replays_what_the_policy_would_do(project) -> None:
    judge = current_judge(project=project)
    free = fit(project, kind="random", share=0.1).policy.metrics
    untested = fit(project, kind="random", share=0.1, domains="subject").policy.metrics
    for point in untested["curve"]:  # nobody but people may label any
        assert (point["people"], point["error"]) == (1.0, pytest.approx(untested["all_people"]))
        assert point["waits"] == pytest.approx(1 - point["share"], abs=0.05)
    run_tested(judge)
    tested = fit(project, kind="random", share=0.1, domains="subject").policy.metrics
    alone, kept = free["curve"][0], tested["curve"][0]
    assert (alone["people"], alone["waits"]) == (0, 0)
    assert kept["people"] == kept["waits"] == pytest.approx(0.5, abs=0.1)  # the lawyers' half
    assert kept["error"] < alone["error"] - 0.2

    run = start_simulation(
        project=project,
        actor=None,
        judges=[judge.pk],
        settings={"folds": 2, "repeats": 1, "domains": "subject"},
    )
    run_simulation(run=jobs.claim(PolicySimulation, run.pk, owner="test"))
    run.refresh_from_db()
    first = run.result["curves"]["random"]["points"][0]
    assert first["people"] == pytest.approx(0.5)
    assert first["error"]["value"] < run.result["all_ai"][0]["value"] - 0.2


def test_who_takes_more_of_people_is_not_better_at_equal_cost(make_project, length_judge) -> None:
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(60, 60, people=2, right=1.0))
    in_force = promote_policy(policy=fit(project, kind="random", share=0.1).policy, actor=None)
    dearer = fit(project, kind="random", share=0.1, domains="all").policy
    found = dearer.metrics["against"]
    assert (found["policy"], found["people_new"]) == (in_force.pk, 1.0)
    assert found["difference"][2] < 0
    with pytest.raises(InvalidValue, match=r"more of people than .* say why"):
        promote_policy(policy=dearer, actor=None)
