"""Runs as rows: progress, points, giving back."""

import pytest
from django.utils import translation

from annotate.kinds import InvalidValue
from annotate.models import JobState
from annotate.services import jobs
from annotate.wording import Told
from training.models import RunMetric, Schedule, TrainingRun
from training.pages.failures import environment_words
from training.recipes.errors import BatchTooLargeError
from training.services.runs import cancel_run, give_back, queue_run, record_progress

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(make_project) -> TrainingRun:
    queued = queue_run(project=make_project(), actor=None, recipe="dpo", config={})
    return jobs.claim(TrainingRun, queued.pk, owner="me")


def progress(step: int, **more) -> dict:
    figures = {"loss": 1 / step, "samples_per_second": 2.0, "eta_seconds": 9, "peak_memory_mb": 5.0}
    return {"event": "progress", "step": step, "max_steps": 10, **figures, **more}


def test_progress_goes_into_the_row_and_its_points(run):
    events = [
        {"event": "machine", "device": "cpu", "packages": {"torch": "2"}, "pid": 7},
        {"event": "phase", "phase": "training", "message": "Training."},
        progress(1, stage="base"),
        progress(2, metrics={"reward_margin": 0.5, "nothing": None, "far": float("inf")}),
        progress(4, metrics={}),
        {"event": "something new"},
    ]
    assert record_progress(run=run, events=events, device_seconds=1.5) is False
    run.refresh_from_db()
    assert (run.progress, run.total, run.percent, run.phase) == (4, 10, 40, "training")
    assert (run.loss, run.eta_seconds, run.child_pid, run.device) == (0.25, 9, 7, "cpu")
    assert run.environment["packages"] == {"torch": "2"}
    points = RunMetric.objects.order_by("step").values_list("step", "values")
    assert list(points) == [(2, {"loss": 0.5, "reward_margin": 0.5}), (4, {"loss": 0.25})]


def test_smaller_batches_are_kept_in_the_row(run):
    machine = {"event": "machine", "device": "cpu", "packages": {"torch": "2"}, "pid": 7}
    smaller = {"event": "smaller_batch", "batch_size": 4, "gradient_accumulation": 2}
    record_progress(run=run, events=[machine, {**smaller, "reason": "Full."}], device_seconds=1.5)
    run.refresh_from_db()
    assert run.message == "Out of memory: going on with smaller batches."
    record_progress(run=run, events=[progress(2)], device_seconds=1.5)
    run.refresh_from_db()
    assert run.message == "Training."
    assert run.environment == {
        "packages": {"torch": "2"},
        "out_of_memory": (note := "Full. It went on with 4 rows at a time, 2 times a step."),
        "told": run.environment["told"],
    }
    assert Told.from_dict(run.environment["told"]["out_of_memory"]).message == note


def test_a_look_without_numbers_is_noted_beside_other_notes(run):
    smaller = {"event": "smaller_batch", "batch_size": 4, "gradient_accumulation": 2}
    failed = {"event": "look_failed", "step": 20, "figures": ["loss", "kl_drawn"]}
    events = [{**smaller, "reason": "Full."}, failed, progress(4)]
    record_progress(run=run, events=events, device_seconds=1.5)
    run.refresh_from_db()
    assert set(run.environment["told"]) == {"out_of_memory", "held_out_rows"}
    assert run.environment["held_out_rows"] == (
        "At step 20 these figures of held-out rows were no numbers: loss, kl_drawn. Training "
        "went on."
    )
    with translation.override("de"):
        german = environment_words(run)["held_out_rows"]
    assert german.startswith("In Schritt 20 waren diese Werte")


def test_the_note_of_a_smaller_batch_tells_of_a_loss_that_depends_on_it(run):
    smaller = {"event": "smaller_batch", "batch_size": 4, "gradient_accumulation": 2}
    why = BatchTooLargeError(
        "Out of memory before the first step with {rows} rows at a time: {said}",
        rows=8,
        said="Full.",
    )
    told = {"reason": why.message, "told": why.as_dict()}
    event = {**smaller, **told, "before": 8, "loss_differs": True}
    record_progress(run=run, events=[event], device_seconds=1.0)
    run.refresh_from_db()
    assert "Its loss depends on the rows" in run.environment["out_of_memory"]
    assert environment_words(run) == {"out_of_memory": run.environment["out_of_memory"]}
    with translation.override("de"):
        german = environment_words(run)["out_of_memory"]
    assert german.startswith("Kein Speicher mehr vor dem ersten Schritt mit 8 Zeilen auf einmal:")
    assert "Es ging mit 4 Zeilen auf einmal weiter" in german


def test_a_step_reported_again_replaces_its_point(run):
    record_progress(run=run, events=[progress(2), progress(4)], device_seconds=1.5)
    record_progress(run=run, events=[progress(4, loss=9.0)], device_seconds=1.5)
    assert RunMetric.objects.get(step=4).values["loss"] == 9.0
    assert RunMetric.objects.count() == 2


def test_pre_training_and_embedding_show_how_far_they_are(run):
    record_progress(run=run, events=[{**progress(3), "stage": "base"}], device_seconds=1.0)
    run.refresh_from_db()
    assert (run.phase, run.progress, run.total, run.eta_seconds) == ("preparing", 3, 10, 9)
    assert not run.points.exists()  # the curve is the policy's
    event = {"event": "embedding", "batch": 2, "batches": 8, "eta_seconds": 30}
    record_progress(run=run, events=[event], device_seconds=2.0)
    run.refresh_from_db()
    assert (run.progress, run.total, run.eta_seconds) == (2, 8, 30)


def test_a_cancel_is_seen_with_the_next_progress(run):
    cancel_run(run=run, actor=None)
    assert run.state == JobState.RUNNING
    assert record_progress(run=run, events=[], device_seconds=1.5) is True


def test_who_lost_the_lease_writes_nothing(run):
    TrainingRun.objects.filter(pk=run.pk).update(owner="somebody else")
    with pytest.raises(jobs.LeaseLost):
        record_progress(run=run, events=[progress(2)], device_seconds=1.5)
    assert not RunMetric.objects.exists()
    with pytest.raises(jobs.LeaseLost):
        give_back(run=run, message="", excused=False)


def test_deaths_are_counted_shutdowns_are_not(run):
    for attempt in range(1, jobs.MAX_ATTEMPTS):
        assert run.attempt == attempt
        give_back(run=run, message="died", excused=False)
        run.refresh_from_db()
        assert (run.state, run.lease_until, run.phase) == (JobState.QUEUED, None, "waiting")
        run = jobs.claim(TrainingRun, run.pk, owner="me")
        give_back(run=run, message="", excused=True)
        run = jobs.claim(TrainingRun, run.pk, owner="me")
    give_back(run=run, message="End of its log: out of memory", excused=False)
    run.refresh_from_db()
    assert (run.state, run.phase) == (JobState.FAILED, "over")
    assert "out of memory" in run.message


def test_one_run_of_a_schedule_at_a_time(make_project):
    project = make_project()
    schedule = Schedule.objects.create(project=project, recipe="dpo", every_hours=1)

    def queue() -> TrainingRun:
        return queue_run(project=project, actor=None, recipe="dpo", config={}, schedule=schedule)

    first = queue()
    with pytest.raises(InvalidValue, match="under way"):
        queue()
    cancel_run(run=first, actor=None)
    queue()
