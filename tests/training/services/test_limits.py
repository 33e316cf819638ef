"""The budget of device hours, quiet hours, and what they hold back."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.services import jobs
from annotate.services.workers import why_waiting
from training.models import (
    EvaluationRun,
    EvaluationSet,
    Matchmaking,
    ModelVersion,
    SamplingRun,
    Schedule,
    TrainingRun,
)
from training.services import running
from training.services.limits import limits_of, quiet_hold, save_limits, used_hours
from training.services.outlook import outlook
from training.services.runs import queue_run
from training.services.schedules import queue_due_runs, save_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project):
    return make_project()


def ran(project, hours: float, ended: datetime | None) -> TrainingRun:
    return TrainingRun.objects.create(
        project=project,
        recipe="reward_model",
        state="done" if ended else "queued",
        device_seconds=hours * 3600,
        finished_at=ended,
    )


def test_hours_of_the_period_and_of_what_is_under_way_count(project, make_project):
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    ran(project, 5, datetime(2026, 5, 31, 23, 59, tzinfo=UTC))
    ran(project, 2, datetime(2026, 6, 1, tzinfo=UTC))
    ran(project, 0.5, None)
    ran(make_project(), 100, now)
    for period, hours in (("month", 2.5), ("week", 0.5), ("ever", 7.5)):
        limits = save_limits(project=project, actor=None, period=period)
        assert used_hours(limits, now) == pytest.approx(hours)


def test_sampling_counts_too(project, django_assert_num_queries):
    run = ran(project, 1, timezone.now())
    version = ModelVersion.objects.create(
        project=project, kind="policy", number=1, run=run, path="x", sha256=""
    )
    sampled = SamplingRun.objects.create(
        project=project, model_version=version, device_seconds=1800
    )
    Matchmaking.objects.create(project=project, sampling_run=sampled, config={}, device_seconds=900)
    limits = limits_of(project)
    with django_assert_num_queries(4):
        assert used_hours(limits, timezone.now()) == pytest.approx(1.75)


def test_evaluations_count_too(project):
    run = ran(project, 1, timezone.now())
    fields = {"project": project, "kind": "policy", "number": 1, "run": run, "path": "x"}
    version = ModelVersion.objects.create(**fields)
    found = EvaluationSet.objects.create(project=project, name="x", kind="pairs", rows=1, prompts=1)
    EvaluationRun.objects.create(
        project=project, model_version=version, evaluation_set=found, device_seconds=900
    )
    assert used_hours(limits_of(project), timezone.now()) == pytest.approx(1.25)


def test_a_spent_budget_refuses_runs_and_says_until_when(project):
    save_limits(project=project, actor=None, device_hours=2, period="month")
    wanted = {"project": project, "actor": None, "recipe": "reward_model", "config": {}}
    assert queue_run(**wanted).pk
    ran(project, 2, timezone.now())
    with pytest.raises(InvalidValue, match="2 device hours are used up until") as caught:
        queue_run(**wanted)
    assert caught.value.field == "device_hours"
    save_limits(project=project, actor=None, period="ever")
    with pytest.raises(InvalidValue, match="are used up; raise its limits"):
        queue_run(**wanted)
    save_limits(project=project, actor=None, device_hours=3)
    assert queue_run(**wanted).pk


def test_runs_that_were_queued_before_the_budget_was_spent_do_not_begin(project):
    save_limits(project=project, actor=None, device_hours=2)
    wanted = {"project": project, "actor": None, "recipe": "reward_model", "config": {}}
    waiting, begun = queue_run(**wanted), queue_run(**wanted)
    TrainingRun.objects.filter(pk=begun.pk).update(device_seconds=7300)
    running.train(run=jobs.claim(TrainingRun, waiting.pk, owner="me"))
    waiting.refresh_from_db()
    assert waiting.state == "failed"
    assert "device hours are used up" in waiting.message
    running.train(run=jobs.claim(TrainingRun, begun.pk, owner="me"))
    begun.refresh_from_db()
    assert "device hours" not in begun.message  # it had begun: it goes on, here to find no data


def test_schedules_wait_for_the_budget_and_the_quiet_hours(project):
    schedule = save_schedule(
        project=project, actor=None, recipe="reward_model", config={}, every_hours=1
    )
    Schedule.objects.update(created_at=timezone.now() - timedelta(hours=2))
    schedule.refresh_from_db()
    now = timezone.now()
    around = {"quiet_from": (now - timedelta(minutes=90)).time().replace(microsecond=0)}
    around["quiet_until"] = (now + timedelta(minutes=90)).time().replace(microsecond=0)
    save_limits(project=project, actor=None, **around)
    seen = outlook(schedule, now)
    assert (seen.due, seen.starts, seen.hold.by) == (True, False, "quiet_hours")
    assert timedelta(0) < seen.hold.until - now <= timedelta(minutes=91)
    assert queue_due_runs() == []
    by_hand = queue_run(project=project, actor=None, recipe="reward_model", config={})
    assert by_hand.pk  # quiet hours are for schedules
    save_limits(project=project, actor=None, quiet_from=None, quiet_until=None, device_hours=0)
    seen = outlook(schedule, now)
    assert (seen.due, seen.starts, seen.hold.by) == (True, False, "budget")
    assert queue_due_runs() == []
    save_limits(project=project, actor=None, device_hours=None)
    assert [run.schedule for run in queue_due_runs()] == [schedule]


def test_quiet_hours_are_those_of_the_time_zone(project):
    limits = save_limits(
        project=project,
        actor=None,
        quiet_from=time(22),
        quiet_until=time(6),
        time_zone="Asia/Tokyo",
    )
    tokyo_night, tokyo_noon = (
        datetime(2026, 6, 1, 15, tzinfo=UTC),
        datetime(2026, 6, 1, 3, tzinfo=UTC),
    )
    assert quiet_hold(limits, tokyo_night).until == datetime(2026, 6, 1, 21, tzinfo=UTC)
    assert quiet_hold(limits, tokyo_noon) is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"device_hours": -1}, "device_hours"),
        ({"device_hours": float("nan")}, "device_hours"),
        ({"device_hours": float("inf")}, "device_hours"),
        ({"period": "year"}, "period"),
        ({"quiet_from": time(1)}, "quiet_until"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
    ],
)
def test_rubbish_is_refused_by_name(project, values, field):
    with pytest.raises(InvalidValue) as caught:
        save_limits(project=project, actor=None, **values)
    assert caught.value.field == field
    assert limits_of(project).pk is None


def test_a_queued_run_says_that_the_hours_are_used_up(project, client):
    run = queue_run(project=project, actor=None, recipe="reward_model", config={})
    assert why_waiting(run) is None
    ran(project, 2, timezone.now())
    save_limits(project=project, actor=None, device_hours=1, period="week")
    assert "1 device hours are used up until" in why_waiting(run).message
    save_limits(project=project, actor=None, device_hours=1, period="ever")
    client.force_login(project.created_by)
    said = "device hours are used up: a worker that takes it refuses it"
    assert said in client.get(reverse("training_run", args=[run.pk])).content.decode()
    assert said in client.get(f"/api/v1/training/runs/{run.pk}/").json()["waits_because"]
    save_limits(project=project, actor=None, device_hours=None)
    assert why_waiting(run) is None
