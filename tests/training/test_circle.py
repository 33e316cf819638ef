"""With real models: train, promote, judge, sample. Children do the work, nothing is faked."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from annotate.models import JobState, Project, Response, Task
from annotate.services import jobs
from routing import judges
from training import folders
from training.evaluation.preference import pairwise_accuracy
from training.models import ModelVersion, SamplingRun, TrainingRun
from training.services import running
from training.services.preparation import root_model
from training.services.registry import gate_verdict, promote
from training.services.runs import queue_run
from training.services.sampling import queue_sampling
from training.services.scored_rows import scored_counts, scored_rows

pytestmark = pytest.mark.django_db

TINY = {
    "max_steps": 3,
    "vocab_size": 300,
    "hidden_size": 32,
    "layers": 1,
    "heads": 2,
    "context": 64,
    "max_length": 32,
    "prompt_tokens": 8,
}
POLICY = {
    "max_steps": 2,
    "batch_size": 2,
    "max_length": 32,
    "prompt_tokens": 8,
    "sample_prompts": 2,
    "sample_tokens": 4,
    "tiny": TINY,
}


def train(project: Project, recipe: str, config: dict) -> TrainingRun:
    queued = queue_run(project=project, actor=None, recipe=recipe, config=config)
    run = jobs.claim(TrainingRun, queued.pk, owner="me")
    running.train(run=run)
    run.refresh_from_db()
    return run


def test_a_reward_model_trains_and_judges(judged_project, var_dir):
    project = judged_project(16)
    run = train(project, "reward_model", {"method": "frozen", "max_length": 32, "prompt_tokens": 8})
    assert run.state == JobState.DONE, run.message
    version = promote(version=run.model_version, actor=None)
    test = version.metrics["test"]
    assert test["rows"] + test["ties"] == version.evaluations.get().rows
    assert 0 < test["rows"] < 16
    assert {"accuracy", "log_loss"} <= set(test)
    scored = list(scored_rows(version))
    assert version.metrics["scored"] == {"pair": len(scored)}
    assert len(scored) == test["rows"] + test["ties"]
    gaps = [row.gap for row in scored if not row.tie]
    assert pairwise_accuracy(gaps).as_dict() == test["accuracy"]
    assert run.device
    assert 0 < run.device_seconds < (run.finished_at - run.created_at).total_seconds()
    assert set(run.environment) == {"base_model", "code", "packages", "snapshot_sha256"}
    assert (var_dir / "caches" / f"embeddings-{project.pk}.layers.safetensors").exists()

    kind = judges.get("reward_model")
    config = kind.newest(project.pk)
    assert config["model_version"] == version.pk
    tasks = Task.objects.filter(project=project).order_by("pk")[:5]
    items = [comparison(task) for task in tasks]
    swapped = [comparison(task, swap=True) for task in tasks]
    verdicts = list(kind.make(config).compare([*items, *swapped], lambda: False))
    assert [verdict.task_id for verdict in verdicts] == [task.pk for task in tasks] * 2
    for one, other in zip(verdicts[:5], verdicts[5:], strict=True):
        assert one.p_first == pytest.approx(1 - other.p_first, abs=1e-4)
        assert one.seconds > 0


def test_web_and_worker_never_import_torch():
    code = (
        "import sys, django; django.setup();"
        "import config.urls, training.tasks, training.judge, training.run, training.api;"
        "print(sorted({'torch', 'transformers', 'sklearn', 'datasets', 'trl'} & set(sys.modules)))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=settings.BASE_DIR,
    )
    assert done.stdout.strip() == "[]"


def comparison(task: Task, *, swap: bool = False) -> judges.Question:
    responses = [place.response for place in task.places.order_by("position")]
    first, second = reversed(responses) if swap else responses
    return judges.Question(
        task_id=task.pk,
        system="",
        conversation=task.prompt.conversation,
        response_ids=(first.pk, second.pk),
        response_texts=(first.text, second.text),
    )


def test_a_policy_trains_goes_on_and_answers(judged_project, var_dir, settings):
    project = judged_project(12)
    run = train(project, "dpo", POLICY)
    assert run.state == JobState.DONE, run.message
    (base,) = (var_dir / "models" / "base").iterdir()
    first = promote(version=run.model_version, actor=None)
    assert "reward_accuracy" in first.metrics["test"]

    queued = queue_sampling(version=first, actor=None, config={"prompts": 4, "max_new_tokens": 8})
    sampling = jobs.claim(SamplingRun, queued.pk, owner="me")
    running.sample(run=sampling)
    sampling.refresh_from_db()
    assert sampling.state == JobState.DONE, sampling.message
    made = sampling.metrics
    assert made["responses"] + made["empty"] == 4
    assert Response.objects.filter(generator="policy").count() == made["responses"]
    assert Task.objects.filter(metadata__sampling_run=sampling.pk).count() == made["tasks"]

    again = train(project, "dpo", {**POLICY, "start_from": "in_service"})
    assert again.state == JobState.DONE, again.message
    second = again.model_version
    assert second.parent == first
    assert second.number == 2
    # Both count from the model that the first began with, so the gate can compare them.
    assert root_model(second) == str(base)
    kept = scored_counts(first)
    assert kept == scored_counts(second) == {"pair": first.metrics["test"]["rows"]}
    settings.PROMOTION_GATE = {**settings.PROMOTION_GATE, "rows": 1}
    verdict = gate_verdict(second)
    assert (verdict.rows, verdict.against) == (kept["pair"], first.pk)
    assert {check.name for check in verdict.checks} == {"paired", "accuracy"}
    # The policy's own words are no part of the base, so it need not be made again.
    assert [path.name for path in (var_dir / "models" / "base").iterdir()] == [base.name]


def test_a_run_without_labels_fails_and_says_what_to_do(make_project, make_pair_tasks, var_dir):
    project = make_project()
    make_pair_tasks(project, 2)
    run = train(project, "reward_model", {})
    assert run.state == JobState.FAILED
    assert "no preference to learn from" in run.message
    assert not ModelVersion.objects.exists()
    assert not (folders.run_folder(run.pk) / "data").exists()
