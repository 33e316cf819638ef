"""Scores and samples over REST: what is taken, who may ask, and how answers come."""

import json
import threading
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client

from annotate.models import JobState
from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from training import hosts
from training.api import serving as serving_api
from training.models import ServingJob
from training.services import serving_work

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = [{"id": "q1", "prompt": "Q?", "responses": ["a", "bbb"]}]


def lengths(order, rows, beat):
    """The score of a response is its length; samples are the prompt's last words."""
    if order["do"] == "score":
        return [{"scores": [float(len(text)) for text in row["responses"]]} for row in rows]
    return [
        {"samples": [{"text": row["prompt"][-1]["content"], "tokens": 2}] * order["n"]}
        for row in rows
    ]


@pytest.fixture
def length_host(monkeypatch):
    monkeypatch.setattr(hosts, "host", lambda name: SimpleNamespace(ask=lengths))


@pytest.fixture
def worker(length_host):
    """A thread that works through what is queued, as a worker does."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.01):
            for pk in ServingJob.objects.filter(state=JobState.QUEUED).values_list("pk", flat=True):
                job = jobs.claim(ServingJob, pk, owner="worker")
                if job is not None:
                    serving_work.serve(job=job)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture
def project(make_project):
    return make_project()


@pytest.fixture
def model(project, make_version):
    return make_version(project, "reward_model")


@pytest.fixture
def policy(project, make_version):
    return make_version(project, "policy")


@pytest.fixture
def client_of():
    """client_of(user, "read") -> a client with a token of these scopes."""

    def make(user, *scopes: str) -> Client:
        _, secret = issue_token(user=user, scopes=list(scopes) or ["read"])
        return Client(headers={"Authorization": f"Token {secret}"})

    return make


@pytest.fixture
def owner(project, client_of):
    return client_of(project.created_by)


def post(client: Client, address: str, body: object, **headers: str):
    return client.post(f"/api/v1/{address}", json.dumps(body), "application/json", headers=headers)


def scores(model) -> str:
    return f"training/models/{model.pk}/scores/"


def errors_of(answer) -> list[dict]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.json().get("errors", [])


def run_all() -> None:
    for job in ServingJob.objects.filter(state=JobState.QUEUED):
        serving_work.serve(job=jobs.claim(ServingJob, job.pk, owner="me"))


def test_a_small_request_is_answered_at_once(owner, model, policy, project, worker):
    for address in (scores(model), f"projects/{project.pk}/reward-model/scores/"):
        answer = post(owner, address, {"rows": [*ROWS, {"prompt": "Q?"}]}, Prefer="wait=20")
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert (body["state"], body["rows"], body["errors"]) == ("done", 2, 1)
        assert body["version"] == "Reward model v1"
        first, second = body["answers"]
        assert first == {"row": 0, "id": "q1", "scores": [1.0, 3.0]}
        assert second["error"]["field"] == "rows.1.responses"
    body = {"rows": [{"prompt": "hello"}], "n": 2, "max_new_tokens": 8}
    for address in (
        f"training/models/{policy.pk}/samples/",
        f"projects/{project.pk}/policy/samples/",
    ):
        answer = post(owner, address, body, Prefer="wait=20")
        assert answer.status_code == 200, answer.content
        assert answer.json()["answers"] == [
            {"row": 0, "samples": [{"text": "hello", "tokens": 2}] * 2}
        ]


def test_otherwise_there_is_a_job_to_poll_and_fetch(owner, model, length_host):
    answer = post(owner, scores(model), {"rows": ROWS * 40}, Prefer="respond-async")
    assert answer.status_code == 202
    job = answer.json()
    assert answer["Location"] == f"/api/v1/serving/{job['id']}/"
    assert answer["Retry-After"] == "1"
    early = owner.get(job["results"])
    assert early.status_code == 409
    assert "queued: 0 of 40 rows" in early.json()["detail"]
    assert early["Retry-After"] == "1"
    run_all()
    told = owner.get(answer["Location"]).json()
    assert (told["state"], told["answered"], told["percent"]) == ("done", 40, 100)
    results = owner.get(told["results"])
    assert results["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in b"".join(results.streaming_content).splitlines()]
    assert [line["row"] for line in lines] == list(range(40))
    assert lines[0] == {"row": 0, "id": "q1", "scores": [1.0, 3.0]}
    ServingJob.objects.get().pieces.all().delete()
    assert owner.get(told["results"]).status_code == 410


def test_a_large_request_is_not_waited_for(owner, model, settings):
    settings.SERVING = {**settings.SERVING, "small": 1, "wait": 60}
    assert post(owner, scores(model), {"rows": ROWS}).status_code == 202


def test_no_more_callers_wait_than_threads_can_be_spared(owner, model, monkeypatch):
    lines = threading.BoundedSemaphore(1)
    lines.acquire()
    monkeypatch.setattr(serving_api, "_lines", lines)
    assert post(owner, scores(model), {"rows": ROWS}, Prefer="wait=30").status_code == 202


def test_who_waits_in_vain_gets_the_job(owner, model):
    answer = post(owner, scores(model), {"rows": ROWS}, Prefer="wait=1")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_the_same_key_gives_the_same_job_and_its_answers(owner, model, length_host):
    body = {"rows": ROWS, "idempotency_key": "mine"}
    first = post(owner, scores(model), body, Prefer="respond-async").json()
    run_all()
    again = post(owner, scores(model), body, Prefer="respond-async")
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert again.json()["answers"][0]["scores"] == [1.0, 3.0]
    other = post(owner, scores(model), {**body, "rows": ROWS * 2})
    assert other.status_code == 409
    assert "came before" in other.json()["detail"]


def test_a_job_is_cancelled(owner, model):
    job = post(owner, scores(model), {"rows": ROWS}, Prefer="respond-async").json()
    gone = owner.post(f"/api/v1/serving/{job['id']}/cancel/")
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    assert b"".join(owner.get(job["results"]).streaming_content) == b""


def test_what_the_model_cannot_do_is_a_problem(owner, model, worker, monkeypatch):
    def refuse(order, rows, beat):
        raise serving_work.CannotAnswer("the model takes 128 tokens in all")

    monkeypatch.setattr(hosts, "host", lambda name: SimpleNamespace(ask=refuse))
    answer = post(owner, scores(model), {"rows": ROWS}, Prefer="wait=20")
    assert answer.status_code == 422
    assert answer.json()["detail"] == "the model takes 128 tokens in all"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "rows"),
        ({"rows": {}}, "rows"),
        ({"rows": []}, "rows"),
        ({"rows": ROWS, "colour": 1}, "colour"),
        ({"rows": ROWS, "temperature": 1}, "temperature"),
        ({"rows": ROWS, "idempotency_key": 5}, "idempotency_key"),
        ({"rows": ROWS, "idempotency_key": "x" * 101}, "idempotency_key"),
        ({"rows": [{"prompt": {}, "response": "a"}]}, "rows.0.prompt"),
        ({"rows": [{"prompt": "Q?", "response": None}]}, "rows.0.response"),
        ({"rows": [None]}, "rows.0"),
    ],
)
def test_rubbish_is_refused_by_field(owner, model, body, field):
    answer = post(owner, scores(model), body)
    assert answer.status_code == 400, answer.content
    assert [error["field"] for error in errors_of(answer)] == [field]
    assert not ServingJob.objects.exists()


def test_rubbish_that_is_no_json_is_refused(owner, model, settings):
    address = f"/api/v1/{scores(model)}"
    for body in (b"\xff", b"{", b'{"rows": NaN}', b"[" * 9999):
        answer = owner.post(address, body, "application/json")
        assert answer.status_code == 400, body
        assert not errors_of(answer)
    unkept = owner.post(address, b'{"rows": ["\\u0000"]}', "application/json")
    assert (unkept.status_code, errors_of(unkept)[0]["field"]) == (400, "rows.0")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(owner, scores(model), {"rows": ROWS * 9}).status_code == 413
    assert post(owner, scores(model), {"rows": ROWS}, Prefer="wait=31").status_code == 400


def test_bad_rows_alone_are_named_with_value_and_remedy(owner, model):
    answer = post(owner, scores(model), {"rows": [{"prompt": "Q?", "response": 17}]})
    assert answer.status_code == 400
    assert errors_of(answer) == [
        {
            "row": 0,
            "field": "rows.0.response",
            "value": "17",
            "message": "must be text, not a number",
        }
    ]


def test_more_than_the_rate_says_when_to_come_again(owner, model, settings):
    settings.SERVING = {**settings.SERVING, "requests_a_minute": 1, "wait": 0}
    assert post(owner, scores(model), {"rows": ROWS}).status_code == 202
    answer = post(owner, scores(model), {"rows": ROWS})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "at most 1 are taken" in answer.json()["detail"]
    assert not errors_of(answer)


def test_each_token_has_a_rate_of_its_own(owner, model, project, client_of, settings):
    settings.SERVING = {**settings.SERVING, "requests_a_minute": 1, "wait": 0}
    assert post(owner, scores(model), {"rows": ROWS}).status_code == 202
    other = client_of(project.created_by)
    assert post(other, scores(model), {"rows": ROWS}).status_code == 202


def test_who_may_do_what(project, model, policy, owner, make_user, add_member, client_of):
    users = {name: make_user(name) for name in ("stranger", "annotator", "reviewer", "manager")}
    for name in ("annotator", "reviewer", "manager"):
        add_member(project, users[name], name)
    clients = {name: client_of(user) for name, user in users.items()}
    for address in (
        scores(model),
        f"training/models/{policy.pk}/samples/",
        f"projects/{project.pk}/reward-model/scores/",
        f"projects/{project.pk}/policy/samples/",
    ):
        found = {name: post(one, address, {}).status_code for name, one in clients.items()}
        assert found == {"stranger": 404, "annotator": 403, "reviewer": 400, "manager": 400}
        assert post(Client(), address, {}).status_code == 401
        assert post(client_of(users["reviewer"], "annotate"), address, {}).status_code == 403
    job = post(owner, scores(model), {"rows": ROWS}, Prefer="respond-async").json()
    statuses = {}
    for name, one in clients.items():
        statuses[name] = [
            one.get(f"/api/v1/projects/{project.pk}/serving/").status_code,
            one.get(f"/api/v1/serving/{job['id']}/").status_code,
            one.get(job["results"]).status_code,
            one.post(f"/api/v1/serving/{job['id']}/cancel/").status_code,
        ]
    assert statuses == {
        "stranger": [404] * 4,
        "annotator": [403] * 4,
        "reviewer": [200, 200, 403, 403],  # of another's job
        "manager": [200, 200, 409, 200],
    }


def test_without_a_version_in_service_the_remedy_is_told(owner, project, model):
    model.state = "retired"
    model.save()
    answer = post(owner, f"projects/{project.pk}/reward-model/scores/", {"rows": ROWS})
    assert answer.status_code == 409
    assert "Train one and promote it" in answer.json()["detail"]
    assert post(owner, scores(model), {"rows": ROWS}, Prefer="respond-async").status_code == 202


def test_a_list_costs_the_same_for_one_job_and_for_many(
    owner, project, model, django_assert_max_num_queries
):
    for _ in range(6):
        post(owner, scores(model), {"rows": ROWS}, Prefer="respond-async")
    with django_assert_max_num_queries(6):
        page = owner.get(f"/api/v1/projects/{project.pk}/serving/").json()
    assert len(page["results"]) == 6
