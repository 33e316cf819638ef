"""Places in a serving worker: one of each kind, and what finds none waits in the queue."""

import threading

import pytest

from annotate.models import JobState
from tests.waiting import PATIENCE
from training import tasks
from training.models import (
    EvaluationRun,
    EvaluationSet,
    Matchmaking,
    ModelVersion,
    SamplingRun,
    TrainingRun,
)
from training.places import EVALUATION, MATCHING, place
from training.services import running


def test_one_at_a_time_of_each_kind_whichever_thread_asks():
    found: list[bool] = []

    def ask() -> None:
        for kind in (EVALUATION, MATCHING):
            with place(kind) as free:
                found.append(free)

    with place(EVALUATION) as mine:
        assert mine
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(PATIENCE)
    assert found == [False, True]
    with pytest.raises(RuntimeError), place(EVALUATION):
        raise RuntimeError("it is given back all the same")
    ask()
    assert found == [False, True, True, True]


@pytest.fixture
def waiting(make_project) -> dict[str, EvaluationRun | Matchmaking]:
    project = make_project()
    run = TrainingRun.objects.create(project=project, recipe="dpo")
    policy = ModelVersion.objects.create(
        project=project, kind="policy", number=1, run=run, path="x"
    )
    rows = EvaluationSet.objects.create(
        project=project, name="x", kind="pairs", file_name="", sha256="0", rows=1, prompts=1
    )
    evaluation = EvaluationRun.objects.create(
        project=project, evaluation_set=rows, model_version=policy
    )
    sampling = SamplingRun.objects.create(project=project, model_version=policy)
    matching = Matchmaking.objects.create(project=project, sampling_run=sampling, config={})
    return {EVALUATION: evaluation, MATCHING: matching}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [EVALUATION, MATCHING])
def test_without_a_place_a_run_stays_in_the_queue(waiting, kind, monkeypatch):
    task = {EVALUATION: tasks.run_evaluation, MATCHING: tasks.run_matchmaking}[kind]
    begun: list[str] = []
    monkeypatch.setattr(running, "evaluate", lambda run: begun.append(EVALUATION))
    monkeypatch.setattr(running, "match", lambda run: begun.append(MATCHING))
    run = waiting[kind]
    with place(kind):
        task(run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt, begun) == (JobState.QUEUED, 0, [])
    task(run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt, begun) == (JobState.RUNNING, 1, [kind])


def test_they_wait_behind_no_training_run():
    assert (EvaluationRun.queue, Matchmaking.queue) == ("serving", "serving")
