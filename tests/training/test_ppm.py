"""A policy of kind ppm, fitted in a project on embeddings of a real encoder, and at work."""

import pytest

from annotate.models import JobState
from annotate.services import jobs
from routing.models import Decision, PolicyFit, RoutingRun
from routing.services.fitting import run_fit
from routing.services.passes import run_routing, start_routing
from routing.services.policies import current_judge, promote_policy, start_fit
from tests.routing.planted import take_in

pytestmark = [pytest.mark.django_db, pytest.mark.long]


def topical_rows(count: int, *, votes: int, start: int = 0) -> list[dict]:
    """People like short verses and long sums; what is compared tells the one from the other."""
    found = []
    for number in range(start, start + count):
        poem = number % 2 == 0
        short, long = (
            (f"Red roses, {number}.", f"Red roses, {number}, " + "and violets in the dew " * 8)
            if poem
            else (f"It is {number}.", f"It is {number}: " + "one is added to the number " * 8)
        )
        labels = [{"preferred": 0 if poem else 1, "annotator": f"p{n}"} for n in range(votes)]
        prompt = "Write a poem about number {}." if poem else "What is the sum of {} and one?"
        found.append(
            {
                "id": f"topic{number}",
                "prompt": prompt.format(number),
                "responses": [short, long],
                **({"labels": labels} if votes else {}),
            }
        )
    return found


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, topical_rows(260, votes=2))
    take_in(project, topical_rows(40, votes=0, start=1000))
    return project


def fit(project, **settings) -> PolicyFit:
    judge = current_judge(project=project)
    run = start_fit(
        project=project, actor=project.created_by, kind="ppm", judges=[judge.pk], settings=settings
    )
    run_fit(run=jobs.claim(PolicyFit, run.pk, owner="test"))
    run.refresh_from_db()
    return run


def test_it_learns_where_people_are_worth_it_and_sends_that_to_them(project) -> None:
    run = fit(project, share=0.5, mixes=60, encoder="minilm")
    assert run.state == JobState.DONE, run.message
    policy = run.policy
    assert (policy.kind, policy.spec.encoder.name) == ("ppm", "minilm")
    told = policy.metrics["ppm"]
    assert told["mixes"] == 60
    assert set(told["rho"]) == {"linear", "quadratic"}
    assert told["rho"][told["kept"]] > 0.6
    assert -1 <= told["rho_budget"] <= 1
    # The judge is wrong on poems, so labels of people for these make the better reward model.
    some = next(point for point in told["reward_model"] if point["share"] == 0.5)
    assert some["policy"] > some["chance"]
    half = next(point for point in policy.metrics["curve"] if point["share"] == 0.5)
    assert half["error"] < half["chance"]

    promote_policy(policy=policy, actor=None)
    start_routing(project=project, actor=None)
    run = jobs.claim(RoutingRun, RoutingRun.objects.latest("pk").pk, owner="test")
    run_routing(run=run)
    run.refresh_from_db()
    assert run.state == JobState.DONE, run.message
    made = list(Decision.objects.select_related("task__prompt"))
    assert len(made) == 40
    people = [one for one in made if one.wanted == "people"]
    poems = ["poem" in one.task.prompt.conversation[0]["content"] for one in people]
    assert len(people) >= 12
    assert sum(poems) / len(poems) > 0.8
    assert all(one.reasons for one in people)


def test_without_an_encoder_it_says_what_is_missing(project) -> None:
    run = fit(project, encoder="")
    assert run.state == JobState.FAILED
    assert "have no encoder" in run.message
    assert "minilm" in run.message
