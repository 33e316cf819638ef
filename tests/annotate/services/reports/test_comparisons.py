"""A comparison plan: tasks by what is open, strengths from votes, exact whatever comes late."""

import io
import json
from collections import Counter

import numpy as np
import pytest
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import (
    AuditEvent,
    ComparisonPlan,
    Judgement,
    PlannedTask,
    Response,
    Seat,
    Task,
)
from annotate.ranking.ballots import Ballot
from annotate.ranking.matchmaking import after_ballot, choose_group, grow_group
from annotate.ranking.online import OnlineRating
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.reports.comparison_plans import set_plan
from annotate.services.reports.comparisons import advance, advance_plans
from annotate.services.work.judgements import revise_judgement, submit_judgement

pytestmark = pytest.mark.django_db

MODELS = ["e", "c", "a", "d", "b"]  # the best is "a"


def take_in(project, prompts: int, models=MODELS, *, first: int = 0) -> None:
    rows = [
        {
            "id": f"p{n}",
            "prompt": f"Question {n}",
            "responses": [{"text": f"{name} on {n}", "model": name} for name in models],
        }
        for n in range(first, first + prompts)
    ]
    import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO("\n".join(map(json.dumps, rows)).encode()),
        format="responses",
        options=ImportOptions(group="none"),
    )


@pytest.fixture
def project(make_project):
    project = make_project(kind="ranking", kind_settings={}, overlap=1)
    take_in(project, 40)
    return project


@pytest.fixture
def ann(project, make_user, add_member):
    user = make_user("ann")
    add_member(project, user)
    return user


def plan(project, **fields) -> ComparisonPlan:
    return set_plan(
        project=project, actor=project.created_by, fields={"is_on": True, "size": 3, **fields}
    )


def step(project, seed: int = 0) -> int:
    return advance(project_id=project.pk, rng=np.random.default_rng(seed))


def judge(project, user) -> Judgement | None:
    """The full order, by the models' names."""
    lease = lease_seat(project=project, user=user)
    if lease is None:
        return None
    name = dict(Response.objects.values_list("pk", "generator"))
    ids = sorted((one["id"] for one in lease.responses), key=name.__getitem__)
    value = {"verdict": "full", "tiers": [[pk] for pk in ids]}
    return submit_judgement(seat_id=lease.seat_id, user=user, value=value).judgement


def test_an_import_without_tasks_leaves_them_to_the_plan(project):
    assert not Task.objects.exists()
    assert Response.objects.count() == 200
    plan(project, ahead=7)
    assert step(project) == 7
    assert step(project) == 0
    tasks = list(Task.objects.prefetch_related("responses"))
    assert {task.responses.count() for task in tasks} == {3}
    assert len({task.prompt_id for task in tasks}) == 7
    for task in tasks:
        names = sorted(one.generator for one in task.responses.all())
        assert names == sorted(task.planned.models)
    met = Counter(name for task in tasks for name in task.planned.models)
    assert min(met[name] for name in MODELS) >= 3  # what is open already counts


def test_the_order_comes_out_and_a_new_model_meets_the_others_at_once(project, ann):
    plan(project, ahead=3, per_prompt=2)
    for seed in range(12):
        step(project, seed)
        while judge(project, ann):
            pass
    step(project)
    stands = ComparisonPlan.objects.get()
    assert [row["model"] for row in stands.standings] == sorted(MODELS)
    assert stands.votes == 36
    assert stands.standings[0]["low"] > stands.standings[-1]["high"]
    assert stands.standings[0]["rank"] == 1 < stands.standings[-1]["rank"]
    take_in(project, 40, [*MODELS, "0"])
    Seat.objects.filter(state="open").update(state="void")
    step(project)
    assert all("0" in one.models for one in PlannedTask.objects.filter(task__seats__state="open"))
    for seed in range(3):
        while judge(project, ann):
            pass
        step(project, seed)
    assert ComparisonPlan.objects.get().standings[0]["model"] == "0"


def test_the_strengths_are_those_of_the_votes_in_their_order_pass_by_pass(project, ann):
    plan(project, ahead=4)
    rating = OnlineRating(len(MODELS))
    for seed in range(3):
        step(project, seed)
        numbers = {name: at for at, name in enumerate(ComparisonPlan.objects.get().models)}
        while said := judge(project, ann):
            name = dict(Response.objects.values_list("pk", "generator"))
            tiers = [tuple(numbers[name[pk]] for pk in tier) for tier in said.value["tiers"]]
            rating.update(Ballot(tuple(tiers)))
    step(project)
    found = {row["model"]: row["strength"] for row in ComparisonPlan.objects.get().standings}
    wanted = rating.mean_N - rating.mean_N.mean()
    assert found == pytest.approx({name: wanted[at] for name, at in numbers.items()})


def test_a_vote_that_is_taken_back_is_reckoned_anew(project, ann):
    plan(project, ahead=2)
    step(project)
    said = judge(project, ann)
    step(project)
    before = ComparisonPlan.objects.get()
    tiers = said.value["tiers"][::-1]
    revise_judgement(judgement_id=said.pk, user=ann, value={"verdict": "full", "tiers": tiers})
    step(project)
    after = ComparisonPlan.objects.get()
    assert after.votes == before.votes == 1
    best = {row["model"]: row["strength"] for row in before.standings}
    for row in after.standings:
        assert row["strength"] == pytest.approx(-best[row["model"]], abs=1e-6)


def test_models_that_few_prompts_have_still_meet(make_project):
    project = make_project(kind="pairwise", overlap=2)
    take_in(project, 10, ["x", "y"])
    take_in(project, 2, ["x", "z"], first=10)
    plan(project, size=2, ahead=8)
    assert step(project) == 8
    met = Counter(frozenset(one.models) for one in PlannedTask.objects.all())
    assert met[frozenset("xz")] == 2
    assert Seat.objects.count() == 16
    assert step(project) == 0


def test_a_plan_that_runs_out_of_prompts_says_so(make_project, client):
    project = make_project(kind="pairwise")
    take_in(project, 2, ["x", "y"])
    plan(project, size=2, ahead=5)
    assert step(project) == 2
    client.force_login(project.created_by)
    page = client.get(reverse("comparisons", args=[project.pk])).content.decode()
    assert "No prompt is left that 2 models have answered" in page
    take_in(project, 3, ["x", "y"], first=2)
    assert advance_plans() == 3
    assert ComparisonPlan.objects.get().told is None


def test_what_does_not_fit_the_questions_is_refused(make_project):
    project = make_project(kind="pairwise")
    for fields in ({"size": 3}, {"size": 11}, {"ahead": 0}, {"is_on": 1}, {"colour": 1}):
        with pytest.raises(InvalidValue):
            plan(project, **fields)
    with pytest.raises(InvalidValue):
        plan(make_project(kind="spans", kind_settings={}))
    assert not ComparisonPlan.objects.exists()


def test_settings_and_standings_on_the_page_and_over_rest_for_managers_alone(
    project, ann, client, add_member, make_user
):
    url = f"/api/v1/projects/{project.pk}/comparison-plan/"
    page = reverse("comparisons", args=[project.pk])
    client.force_login(project.created_by)
    assert client.get(url).json()["is_on"] is False
    form = {"is_on": "on", "size": "4", "ahead": "2", "per_prompt": "1"}
    assert client.post(page, {**form, "size": "11"}).status_code == 422
    assert client.post(page, form).status_code == 302
    assert AuditEvent.objects.filter(action="comparisons.plan_set").count() == 1
    step(project)
    judge(project, ann)
    step(project)
    told = client.get(url).json()
    assert (told["votes"], told["open_tasks"], len(told["standings"])) == (1, 2, 5)
    shown = client.get(page).content.decode()
    assert "From 1 vote" in shown
    assert client.patch(url, {"size": 3}, "application/json").json()["size"] == 3
    assert client.patch(url, {"size": "3"}, "application/json").status_code == 400
    reviewer = make_user("rev")
    add_member(project, reviewer, role="reviewer")
    for user in (ann, reviewer):
        client.force_login(user)
        assert client.get(url).status_code == client.get(page).status_code == 403


def test_what_open_tasks_will_tell_is_taken_off_as_the_pairs_of_a_ballot_would():
    """For two models it is the cut that `pair_gains` expects; for more, less than of all pairs."""
    rating = OnlineRating(5, betas=[0.5], lapses=[0.0])
    rng = np.random.default_rng(0)
    for _ in range(6):
        rating.update(Ballot.ranking(*rng.permutation(5)[:3].tolist()))
    mean, covariance = rating.mean_N, rating.covariance_NN
    two = after_ballot(mean, covariance, 0.5, [1, 3])
    lean = covariance[:, 1] - covariance[:, 3]
    assert np.linalg.matrix_rank(covariance - two) == 1
    assert np.allclose(np.cross(lean[:3], (covariance - two)[:3, 0]), 0, atol=1e-9)
    three = after_ballot(mean, covariance, 0.5, [1, 3, 4])
    assert np.linalg.eigvalsh(three).min() > 0
    assert np.trace(three) < np.trace(two) < np.trace(covariance)
    chosen = choose_group(mean, covariance, 0.5, 3, rng=rng, jitter=0)
    again, total = grow_group(np.ones((3, 3)), 3)
    assert len(chosen) == 3
    assert (sorted(again), total) == ([0, 1, 2], 3.0)


def test_the_state_is_kept_whole():
    rating = OnlineRating(4)
    for order in ([0, 1, 2], [3, 0, 1], [2, 3, 0]):
        rating.update(Ballot.ranking(*order))
    again = OnlineRating.of_arrays(rating.as_arrays())
    for one in (rating, again):
        one.update(Ballot.ranking(1, 3, 2))
        one.add_model()
    assert np.array_equal(rating.mean_N, again.mean_N)
    assert np.array_equal(rating.covariance_NN, again.covariance_NN)
    assert rating.filters == again.filters
