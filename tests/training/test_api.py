"""Training over REST."""

import pytest
from rest_framework.test import APIClient

from annotate.models import AuditEvent, JobState
from annotate.services.people.tokens import issue_token
from training.models import ModelVersion, RunMetric, SamplingRun, Schedule, TrainingRun
from training.services.limits import save_limits

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_for():
    def make(user, scopes=("read", "annotate", "manage")) -> APIClient:
        client = APIClient()
        _, secret = issue_token(user=user, scopes=list(scopes))
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        return client

    return make


@pytest.fixture
def project(make_project):
    return make_project()


@pytest.fixture
def owner(project, client_for):
    return client_for(project.created_by)


def test_a_run_is_queued_listed_and_cancelled(project, owner, django_assert_num_queries):
    address = f"/api/v1/projects/{project.pk}/training/runs/"
    made = owner.post(address, {"recipe": "reward_model", "config": {"seed": 3}}, format="json")
    assert made.status_code == 201
    assert made.data["state"] == "queued"
    run = TrainingRun.objects.get()
    assert (run.seed, run.config["base_model"], run.created_by) == (3, "minilm", project.created_by)
    assert (made.data["trigger"], made.data["reasons"]) == ("api", [])
    RunMetric.objects.create(run=run, step=2, values={"loss": 0.5})
    RunMetric.objects.create(run=run, step=1, values={"loss": 0.7})

    listed = owner.get(address).json()
    assert [row["id"] for row in listed["results"]] == [run.pk]
    detail = owner.get(f"/api/v1/training/runs/{run.pk}/").json()
    assert detail["points"] == [
        {"step": 1, "values": {"loss": 0.7}},
        {"step": 2, "values": {"loss": 0.5}},
    ]
    assert detail["model_version"] is None

    gone = owner.post(f"/api/v1/training/runs/{run.pk}/cancel/")
    assert gone.json()["state"] == "cancelled"
    again = owner.post(f"/api/v1/training/runs/{run.pk}/cancel/")
    assert again.status_code == 200
    events = AuditEvent.objects.filter(action__startswith="training.").order_by("pk")
    assert list(events.values_list("action", flat=True)) == [
        "training.run_queued",
        "training.run_cancelled",
    ]


def test_runs_are_listed_by_what_asked_for_them(project, owner):
    address = f"/api/v1/projects/{project.pk}/training/runs/"
    drifted = TrainingRun.objects.create(project=project, recipe="dpo", trigger="drift")
    old = TrainingRun.objects.create(project=project, recipe="dpo")
    for trigger, run in (("drift", drifted), ("not_recorded", old)):
        (row,) = owner.get(address, {"trigger": trigger}).json()["results"]
        assert (row["id"], row["trigger"]) == (run.pk, trigger)
    assert owner.get(address, {"trigger": "loop"}).json()["results"] == []
    refused = owner.get(address, {"trigger": "whim"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "trigger"


def test_a_list_costs_the_same_for_one_run_and_for_many(
    project, owner, django_assert_max_num_queries
):
    address = f"/api/v1/projects/{project.pk}/training/runs/"
    for _ in range(12):
        TrainingRun.objects.create(project=project, recipe="dpo")
    with django_assert_max_num_queries(6):
        assert len(owner.get(address).json()["results"]) == 12


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"recipe": "reward_model", "config": {"epochs": -1}}, "config.epochs"),
        ({"recipe": "dpo", "config": {"x": 1}}, "config.x"),
        ({"recipe": "alchemy"}, "recipe"),
        ({"recipe": "dpo", "config": "fast"}, "config"),
        ({}, "recipe"),
    ],
)
def test_a_bad_wish_is_a_problem_with_its_field(project, owner, body, field):
    answer = owner.post(f"/api/v1/projects/{project.pk}/training/runs/", body, format="json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("post", "projects/{}/training/runs/", {"recipe": "dpo", "confg": {"loss": "ipo"}}),
        ("post", "projects/{}/schedules/", {"recipe": "dpo", "every_hours": 2, "every_day": 1}),
        ("post", "projects/{}/training/samplings/", {"model": 3}),
        ("post", "projects/{}/training/loops/", {"policy_config": {}, "labels": 3}),
        ("post", "projects/{}/training/models/roll-back/", {"kind": "policy", "to": 3}),
        ("post", "projects/{}/evaluations/", {"set": 3}),
        ("patch", "projects/{}/training/limits/", {"device_hrs": 3}),
    ],
)
def test_a_field_that_there_is_none_of_is_refused(project, owner, method, address, body):
    """Ignored, a slip of the pen would train with the defaults."""
    answer = getattr(owner, method)(f"/api/v1/{address.format(project.pk)}", body, format="json")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], "unknown field; there are" in error["message"]) == (
        list(body)[-1],
        True,
    )
    assert not TrainingRun.objects.exists()


def test_who_may_do_what(project, owner, make_user, add_member, client_for):
    run = TrainingRun.objects.create(project=project, recipe="dpo")
    schedule = Schedule.objects.create(project=project, recipe="dpo", every_hours=1)
    version = ModelVersion.objects.create(
        project=project, kind="policy", number=1, run=run, path="x"
    )
    reads = [
        f"/api/v1/projects/{project.pk}/training/runs/",
        f"/api/v1/training/runs/{run.pk}/",
        f"/api/v1/projects/{project.pk}/training/models/",
        f"/api/v1/training/models/{version.pk}/gate/",
        f"/api/v1/training/models/{version.pk}/card/",
        f"/api/v1/projects/{project.pk}/training/samplings/",
        f"/api/v1/projects/{project.pk}/schedules/",
        f"/api/v1/projects/{project.pk}/training/limits/",
        f"/api/v1/schedules/{schedule.pk}/",
    ]
    writes = [
        f"/api/v1/projects/{project.pk}/training/runs/",
        f"/api/v1/training/runs/{run.pk}/cancel/",
        f"/api/v1/training/models/{version.pk}/promote/",
        f"/api/v1/projects/{project.pk}/training/models/roll-back/",
        f"/api/v1/projects/{project.pk}/training/samplings/",
        f"/api/v1/projects/{project.pk}/schedules/",
    ]
    people = {name: make_user(name) for name in ("stranger", "annotator", "reviewer")}
    add_member(project, people["annotator"], "annotator")
    add_member(project, people["reviewer"], "reviewer")
    clients = {name: client_for(user) for name, user in people.items()}
    for address in reads:
        found = {name: client.get(address).status_code for name, client in clients.items()}
        assert found == {"stranger": 404, "annotator": 403, "reviewer": 200}, address
    for address in writes:
        found = {
            name: client.post(address, {}, format="json").status_code
            for name, client in clients.items()
        }
        assert found == {"stranger": 404, "annotator": 403, "reviewer": 403}, address
    reader = client_for(project.created_by, ["read"])
    assert reader.post(writes[1]).status_code == 403
    assert APIClient().get(reads[0]).status_code == 401
    assert client_for(people["reviewer"]).delete(reads[-1]).status_code == 403
    run.refresh_from_db()
    assert run.state == JobState.QUEUED


def test_past_a_gate_without_common_rows_only_with_a_reason(project, owner, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    versions = []
    for number in (1, 2):
        run = TrainingRun.objects.create(project=project, recipe="dpo")
        path = f"{project.pk}/policy-run{run.pk}"
        (tmp_path / "models" / path).mkdir(parents=True)
        fields = {"project": project, "kind": "policy", "number": number, "run": run}
        versions.append(ModelVersion.objects.create(**fields, path=path))
    first, second = versions
    assert owner.get(f"/api/v1/training/models/{first.pk}/gate/").json() == {
        "state": "nothing_to_beat",
        "passed": True,
        "rows": 0,
        "unit": "pair",
        "against": None,
        "checks": [],
    }
    address = f"/api/v1/training/models/{first.pk}/promote/"
    assert owner.post(address).json()["state"] == "in_service"
    verdict = owner.get(f"/api/v1/training/models/{second.pk}/gate/").json()
    assert (verdict["state"], verdict["against"]) == ("no_scores", first.pk)
    address = f"/api/v1/training/models/{second.pk}/promote/"
    refused = owner.post(address)
    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    assert error["field"] == "anyway"
    assert "kept no score" in error["message"]
    made = owner.post(address, {"anyway": "Tried by hand."}, format="json")
    assert made.json()["state"] == "in_service"
    event = AuditEvent.objects.get(action="training.model_promoted", object_id=second.pk)
    assert event.detail["anyway"] == "Tried by hand."


def test_schedules_are_made_changed_and_removed(project, owner):
    address = f"/api/v1/projects/{project.pk}/schedules/"
    made = owner.post(address, {"recipe": "dpo", "every_judgements": 50}, format="json")
    assert made.status_code == 201, made.content
    one = f"/api/v1/schedules/{made.json()['id']}/"
    changed = owner.patch(one, {"every_hours": 12, "config": {"beta": 0.2}}, format="json")
    assert changed.status_code == 200
    body = owner.get(one).json()
    assert (body["every_hours"], body["every_judgements"]) == (12.0, 50)
    assert body["config"]["beta"] == 0.2
    bad = owner.patch(one, {"every_hours": None, "every_judgements": None}, format="json")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "every_hours")
    for wrong in ({"every_hours": 0}, {"every_hours": -3}, {"every_judgements": 0}):
        assert owner.patch(one, wrong, format="json").status_code == 400
    assert owner.delete(one).status_code == 204
    assert not Schedule.objects.exists()


def test_each_schedule_costs_the_list_two_queries(project, owner, django_assert_max_num_queries):
    """Its fresh judgements and its run; limits and what is used of them are read once."""
    save_limits(project=project, actor=None, device_hours=5.0)
    address = f"/api/v1/projects/{project.pk}/schedules/"
    for _ in range(10):
        body = {"recipe": "reward_model", "every_judgements": 40}
        assert owner.post(address, body, format="json").status_code == 201
    with django_assert_max_num_queries(31):
        listed = owner.get(address).json()
    assert [row["outlook"]["reasons"][0]["wants"] for row in listed] == [40] * 10


def test_a_schedule_tells_what_it_waits_for(project, owner):
    address = f"/api/v1/projects/{project.pk}/schedules/"
    wanted = {"recipe": "reward_model", "cron": "0 3 * * *", "every_judgements": 5}
    wanted |= {"drift_above": 0.25, "on_routing": True}
    made = owner.post(address, wanted, format="json").json()
    outlook = made["outlook"]
    assert (outlook["due"], outlook["starts"], outlook["running"], outlook["hold"]) == (
        *(False, False, None, None),
    )
    assert outlook["next_at"].endswith("T03:00:00Z")
    told = {reason["trigger"]: reason for reason in outlook["reasons"]}
    assert set(told) == {"cron", "judgements", "drift", "routing"}
    assert (told["judgements"]["has"], told["judgements"]["wants"]) == (0, 5)
    owner.patch(
        f"/api/v1/projects/{project.pk}/training/limits/", {"device_hours": 0}, format="json"
    )
    [listed] = owner.get(address).json()
    assert listed["outlook"]["hold"]["by"] == "budget"
    wrong = owner.post(address, {"recipe": "dpo", "cron": "never"}, format="json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "cron")


def test_limits_are_read_and_changed(project, owner):
    address = f"/api/v1/projects/{project.pk}/training/limits/"
    assert owner.get(address).json() == {
        "device_hours": None,
        "period": "month",
        "quiet_from": None,
        "quiet_until": None,
        "time_zone": "UTC",
        "used_hours": 0.0,
    }
    wanted = {"device_hours": 1.5, "quiet_from": "22:00", "quiet_until": "06:30"}
    wanted |= {"time_zone": "Europe/Berlin", "period": "week"}
    saved = owner.patch(address, wanted, format="json")
    assert saved.status_code == 200, saved.content
    TrainingRun.objects.create(project=project, recipe="dpo", device_seconds=5400)
    body = owner.get(address).json()
    assert (body["used_hours"], body["quiet_from"], body["period"]) == (1.5, "22:00:00", "week")
    run = {"recipe": "reward_model"}
    refused = owner.post(f"/api/v1/projects/{project.pk}/training/runs/", run, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "device_hours")
    for wrong in ({"time_zone": "x/y"}, {"quiet_from": None}, {"quiet_from": "25:00"}):
        answer = owner.patch(address, wrong, format="json")
        assert answer.status_code == 400, wrong
    assert AuditEvent.objects.filter(action="training.limits_saved").count() == 1


def test_sampling_takes_only_policies_of_the_project(project, owner, make_project, make_pair_tasks):
    make_pair_tasks(project, 3)
    address = f"/api/v1/projects/{project.pk}/training/samplings/"

    def version(of, kind: str) -> ModelVersion:
        run = TrainingRun.objects.create(project=of, recipe="dpo")
        return ModelVersion.objects.create(project=of, kind=kind, number=1, run=run, path="x")

    mine, foreign = version(project, "policy"), version(make_project(), "policy")
    judge = version(project, "reward_model")
    for wrong in (foreign, judge):
        answer = owner.post(address, {"model_version": wrong.pk}, format="json")
        assert answer.status_code == 400
    wish = {"model_version": mine.pk, "config": {"prompts": 2, "temperature": 0}}
    made = owner.post(address, wish, format="json")
    assert made.status_code == 201, made.content
    run = SamplingRun.objects.get()
    assert (run.total, len(run.config["prompt_ids"]), run.config["temperature"]) == (2, 2, 0.0)
    for config in ({"temperature": -1}, {"x": 1}, {"prompt_ids": [0]}, {"against": "nobody"}):
        wish = {"model_version": mine.pk, "config": config}
        answer = owner.post(address, wish, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == f"config.{next(iter(config))}"
