"""When schedules queue runs."""

from datetime import timedelta

import pytest
from django.db import DataError
from django.utils import timezone

from annotate.failures import failure_of
from annotate.models import AuditEvent
from tests.training.judged import label_first
from training.models import Schedule, TrainingRun
from training.services import schedules
from training.services.runs import cancel_run
from training.services.schedules import (
    change_schedule,
    delete_schedule,
    queue_due_runs,
    save_schedule,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def save(make_project):
    """save(**values) -> a schedule of a project of its own."""

    def make(project=None, **values) -> Schedule:
        project = project or make_project()
        wanted = {"recipe": "reward_model", "config": {}, **values}
        return save_schedule(project=project, actor=project.created_by, **wanted)

    return make


def age(schedule: Schedule, hours: float) -> None:
    long_ago = timezone.now() - timedelta(hours=hours)
    Schedule.objects.filter(pk=schedule.pk).update(created_at=long_ago)


def test_hours_count_from_its_making_and_then_from_the_last_run(save):
    schedule = save(every_hours=2)
    assert queue_due_runs() == []
    age(schedule, 1.9)
    assert queue_due_runs() == []
    age(schedule, 2.1)
    (run,) = queue_due_runs()
    assert (run.schedule, run.recipe, run.created_by) == (
        schedule,
        "reward_model",
        schedule.created_by,
    )
    assert queue_due_runs() == []  # under way
    cancel_run(run=run, actor=None)
    assert queue_due_runs() == []  # its hours begin anew
    last = timezone.now() - timedelta(hours=2.1)
    Schedule.objects.filter(pk=schedule.pk).update(last_queued_at=last)
    assert len(queue_due_runs()) == 1


def test_a_run_keeps_all_that_was_due_and_only_that(save, make_project, make_pair_tasks):
    project = make_project()
    schedule = save(project, every_hours=2, every_judgements=2, drift_above=0.2)
    label_first(project, make_pair_tasks(project, 2))
    age(schedule, 2.1)
    (run,) = queue_due_runs()
    run.refresh_from_db()
    assert run.trigger == "hours"
    assert [reason["trigger"] for reason in run.reasons] == ["hours", "judgements"]


def test_new_judgements_count_from_its_making(save, make_project, make_pair_tasks):
    project = make_project()
    label_first(project, make_pair_tasks(project, 5))
    schedule = save(project, every_judgements=3)
    assert queue_due_runs() == []
    label_first(project, make_pair_tasks(project, 2))
    assert queue_due_runs() == []
    label_first(make_project(), make_pair_tasks(make_project(), 5))
    assert queue_due_runs() == []
    label_first(project, make_pair_tasks(project, 1))
    (run,) = queue_due_runs()
    assert run.schedule == schedule
    run.refresh_from_db()
    assert run.trigger == "judgements"
    (reason,) = run.reasons
    assert (reason["trigger"], reason["has"], reason["wants"]) == ("judgements", 3, 3)
    queued = AuditEvent.objects.get(action="training.run_queued", object_id=run.pk)
    assert (queued.detail["trigger"], queued.detail["reasons"]) == ("judgements", run.reasons)
    cancel_run(run=run, actor=None)
    label_first(project, make_pair_tasks(project, 2))
    assert queue_due_runs() == []
    label_first(project, make_pair_tasks(project, 1))
    assert len(queue_due_runs()) == 1


def test_disabled_and_archived_ones_rest(save):
    disabled, archived = save(every_hours=1, enabled=False), save(every_hours=1)
    for schedule in (disabled, archived):
        age(schedule, 5)
    project = archived.project
    project.archived_at = timezone.now()
    project.save()
    assert queue_due_runs() == []


def test_one_that_has_become_invalid_does_not_stop_the_others(save):
    broken, sound = save(every_hours=1), save(every_hours=1)
    Schedule.objects.filter(pk=broken.pk).update(config={"no_such_field": 1})
    for schedule in (broken, sound):
        age(schedule, 5)
    assert [run.schedule for run in queue_due_runs()] == [sound]
    assert queue_due_runs() == []
    event = AuditEvent.objects.get(action="training.schedule_failed")
    assert (event.object_id, "no_such_field" in event.detail["error"]) == (broken.pk, True)
    # It stands on the page until a run is queued, or somebody changes the schedule.
    broken.refresh_from_db()
    assert "no_such_field" in failure_of(broken.failure).why
    age(broken, 0)
    assert queue_due_runs() == []
    broken.refresh_from_db()
    assert broken.failure is not None
    broken = change_schedule(schedule=broken, actor=None, config={})
    assert broken.failure is None


def test_what_the_database_refuses_of_one_keeps_no_other_back(save, monkeypatch, caplog):
    broken, sound = save(every_hours=1), save(every_hours=1)
    look = schedules._queue_if_due

    def refused(pk: int) -> TrainingRun | None:
        if pk == broken.pk:
            raise DataError("a value is out of range")
        return look(pk)

    monkeypatch.setattr(schedules, "_queue_if_due", refused)
    age(sound, 5)
    assert [run.schedule for run in queue_due_runs()] == [sound]
    assert f"Schedule {broken.pk} could not be looked at" in caplog.text


def test_one_that_cannot_be_looked_at_keeps_no_other_back(save, caplog):
    broken, sound = save(cron="0 3 * * *"), save(every_hours=1)
    Schedule.objects.filter(pk=broken.pk).update(cron="nonsense")
    age(sound, 5)
    assert [run.schedule for run in queue_due_runs()] == [sound]
    assert f"Schedule {broken.pk} could not be looked at" in caplog.text
    broken.refresh_from_db()
    since = broken.failure["since"]
    queue_due_runs()
    broken.refresh_from_db()
    assert (broken.failure["since"], broken.failure["at"] > since) == (since, True)
    Schedule.objects.filter(pk=broken.pk).update(cron="0 3 * * *")
    queue_due_runs()
    broken.refresh_from_db()
    assert broken.failure is None


def test_changes_made_at_once_keep_each_other(save):
    schedule = save(every_hours=1)
    stale = Schedule.objects.get(pk=schedule.pk)
    change_schedule(schedule=schedule, actor=None, enabled=False)
    change_schedule(schedule=stale, actor=None, cron="0 3 * * *")
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.cron, schedule.every_hours) == (False, "0 3 * * *", 1.0)


def test_deleting_one_keeps_its_runs(save):
    schedule = save(every_hours=1)
    age(schedule, 5)
    (run,) = queue_due_runs()
    delete_schedule(schedule=schedule, actor=None)
    run.refresh_from_db()
    assert run.schedule is None
    assert TrainingRun.objects.count() == 1
