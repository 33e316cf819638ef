"""Judges over REST."""

import pytest
from rest_framework.test import APIClient

from annotate.services.people.tokens import issue_token
from routing.models import JudgeRun
from tests.routing.length_judge import lengthen

pytestmark = pytest.mark.django_db
MONEY = {"input_price": "1", "output_price": 10, "spending_limit": "2.5"}


@pytest.fixture
def project(make_project, make_pair_tasks):
    project = make_project()
    for task in make_pair_tasks(project, 2):
        lengthen(task)
    return project


@pytest.fixture
def client_for():
    def make(user, scopes=("read", "manage")) -> APIClient:
        client = APIClient()
        _, secret = issue_token(user=user, scopes=list(scopes))
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        return client

    return make


@pytest.fixture
def api(project, client_for):
    """api("get", "5/calls/", …) -> the answer to the project's owner."""
    client = client_for(project.created_by)

    def send(method: str, path: str = "", body=None):
        url = f"/api/v1/projects/{project.pk}/judges/{path}"
        return getattr(client, method)(url, body, format="json")

    return send


def body(server, **more) -> dict:
    return {
        "name": "Big",
        "kind": "openai",
        "config": {"base_url": server.base_url, "model": "planted", **more},
        "limits": MONEY,
    }


def test_a_judge_from_its_set_up_to_its_spending(project, api, judge_server, work) -> None:
    made = api("post", "", body(judge_server))
    assert made.status_code == 201, made.data
    assert (made.data["name"], made.data["version"]) == ("Big", 1)
    assert made.data["limits"]["spending_limit"] == "2.500000"
    judge = project.judges.get()
    assert api("post", "", body(judge_server)).data["id"] == judge.pk
    assert (
        api(
            "post",
            "",
            body(judge_server, principles="Be kind."),
        ).data["version"]
        == 2
    )

    queued = api("post", f"{judge.pk}/runs/", {"purpose": "dry_run"})
    assert (queued.status_code, queued.data["state"]) == (202, "queued")
    assert api("post", f"runs/{queued.data['id']}/cancel/").data["state"] == "cancelled"
    work(judge)
    [labels, cancelled] = api("get", f"{judge.pk}/runs/").data
    assert (labels["labelled"], cancelled["labelled"]) == (2, 0)
    listed = api("get").data
    assert [(one["version"], one["calls"]["answered"]) for one in listed] == [(2, 0), (1, 4)]
    assert listed[1]["cost"] == listed[1]["limits"]["spent"] == "0.000440"
    calls = api("get", f"{judge.pk}/calls/?state=answered").data["results"]
    assert len(calls) == 4
    assert {call["cost"] for call in calls} == {"0.000110"}
    assert api("get", f"{judge.pk}/calls/?state=failed").data["results"] == []
    [first, *_] = project.tasks.all()
    assert len(api("get", f"{judge.pk}/calls/?task={first.pk}").data["results"]) == 2


def test_limits_change_for_all_versions(project, api, judge_server) -> None:
    judge = api("post", "", body(judge_server)).data["id"]
    other = api("post", "", body(judge_server, principles="x")).data["id"]
    changed = api("patch", f"{judge}/limits/", {"spending_limit": 9, "requests_per_minute": 60})
    assert changed.status_code == 200, changed.data
    [newest, _] = api("get").data
    assert newest["id"] == other
    assert newest["limits"]["spending_limit"] == "9.000000"
    assert newest["limits"]["requests_per_minute"] == 60
    assert newest["limits"]["input_price"] == "1.000000"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "oracle"}, "kind"),
        ({"kind": "reward_model"}, "kind"),
        ({"name": "reward_model"}, "name"),
        ({"config": []}, "config"),
        ({"limits": {}}, "limits.input_price"),
        ({"limits": {"input_price": 1, "output_price": 1}}, "limits.spending_limit"),
        ({"limits": {**MONEY, "spending_limit": "much"}}, "limits.spending_limit"),
        ({"limits": {**MONEY, "spending_limit": -1}}, "limits.spending_limit"),
        ({"limits": {**MONEY, "spending_limit": True}}, "limits.spending_limit"),
        ({"limits": {**MONEY, "spending_limit": "NaN"}}, "limits.spending_limit"),
        ({"limits": {**MONEY, "concurrency": 1000}}, "limits.concurrency"),
        ({"limits": {**MONEY, "attempts": None}}, "limits.attempts"),
        ({"limits": {**MONEY, "bribe": 1}}, "limits.bribe"),
        ({"limits": {**MONEY, "actor": 1}}, "limits.actor"),
    ],
)
def test_what_is_wrong_is_told_by_field(project, api, judge_server, change, field) -> None:
    answer = api("post", "", {**body(judge_server), **change})
    assert (answer.status_code, answer.data["errors"][0]["field"]) == (400, field)
    assert not project.judges.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"purpose": "magic"}, "purpose"),
        ({"most_tasks": 0}, "most_tasks"),
        ({"retry_failed": 1}, "retry_failed"),
    ],
)
def test_a_wrong_run_is_told_by_field(api, judge_server, given, field) -> None:
    judge = api("post", "", body(judge_server)).data["id"]
    answer = api("post", f"{judge}/runs/", given)
    assert (answer.status_code, answer.data["errors"][0]["field"]) == (400, field)
    assert not JudgeRun.objects.exists()


def test_strangers_annotators_and_readers_are_refused(
    project, api, judge_server, client_for, make_user, add_member, make_project
) -> None:
    judge = api("post", "", body(judge_server)).data["id"]
    base = f"/api/v1/projects/{project.pk}/judges/"
    annotator = make_user("anna")
    add_member(project, annotator)
    assert client_for(make_user("stranger")).get(base).status_code == 404
    assert client_for(annotator).get(base).status_code == 403
    reader = client_for(project.created_by, ["read"])
    assert reader.get(base).status_code == 200
    assert reader.post(f"{base}{judge}/runs/").status_code == 403
    other = make_project(owner=project.created_by)
    url = f"/api/v1/projects/{other.pk}/judges/{judge}/calls/"
    assert client_for(project.created_by).get(url).status_code == 404


def test_the_list_costs_the_same_for_one_and_for_many(
    project, api, make_judge, django_assert_max_num_queries
) -> None:
    for number in range(12):
        make_judge(project, "planted", name=f"J{number % 3}", principles=str(number))
    with django_assert_max_num_queries(8):
        assert len(api("get").data) == 12
