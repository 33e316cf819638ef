"""Evaluation runs with real models and children: pairs by subset, best of n, killed and resumed."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from safetensors.numpy import save_file

from annotate.demo.preference import hidden_utility
from annotate.inputs import InvalidValue
from annotate.models import JobState, Prompt
from annotate.services import jobs
from annotate.services.outgoing.snapshots import create_snapshot
from tests.training.recipes.conftest import ignore, make_rows, never
from training import folders
from training.data.framing import frame_for_policy
from training.duties import best_of_n as duty
from training.duties import evaluate_pairs
from training.evaluation.best_of_n import best_of_n
from training.models import EvaluationRun, EvaluationSet, ModelVersion, TrainingRun
from training.recipes import tiny_lm
from training.recipes.config import TinyLmConfig
from training.recipes.head_model import load_scorer
from training.recipes.models import load_causal_lm, load_tokenizer, weights_fingerprint
from training.recipes.policy_figures import response_logps
from training.recipes.score import HEAD, RewardCard
from training.services import evaluating, running
from training.services.evaluation_sets import add_evaluation_set, frozen_rows, trained_prompts
from training.services.evaluations import queue_evaluation
from training.services.limits import limits_of, used_hours
from training.services.set_comparison import newest_runs, paired_tests

pytestmark = pytest.mark.django_db


@pytest.fixture
def add(var_dir):
    """add(project, rows, **fields) -> an evaluation set."""

    def make(project, rows: list[dict], **fields) -> EvaluationSet:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        wish = {"name": f"set {EvaluationSet.objects.count()}", "kind": "pairs", **fields}
        return add_evaluation_set(
            project=project,
            actor=None,
            stream=io.BytesIO(text.encode()),
            file_name="rows.jsonl",
            **wish,
        )

    return make


@pytest.fixture
def make_version(var_dir):
    """make_version(project, kind, number) -> a version with an empty folder."""

    def make(project, kind: str, number: int = 1, **run) -> ModelVersion:
        recipe = "dpo" if kind == "policy" else "reward_model"
        made = TrainingRun.objects.create(project=project, recipe=recipe, state="done", **run)
        path = f"{project.pk}/{kind}-{number}"
        folders.model_folder(path).mkdir(parents=True)
        return ModelVersion.objects.create(
            project=project, kind=kind, number=number, run=made, path=path
        )

    return make


def work(run: EvaluationRun) -> EvaluationRun:
    running.evaluate(run=jobs.claim(EvaluationRun, run.pk, owner="me"))
    run.refresh_from_db()
    return run


@pytest.fixture
def judging(judged_project, make_version) -> ModelVersion:
    """A reward model that works: random coefficients on the embeddings of MiniLM."""
    version = make_version(judged_project(4), "reward_model")
    folder = folders.model_folder(version.path)
    head = np.random.default_rng(0).normal(size=384)
    save_file({"coefficients": head, "offset": np.zeros(1)}, folder / HEAD)
    RewardCard(
        method="frozen",
        base_model="minilm",
        max_length=32,
        prompt_tokens=8,
        temperature=2.0,
        base_fingerprint=weights_fingerprint("minilm"),
    ).write(folder)
    return version


@pytest.fixture
def writing(judging, make_version) -> ModelVersion:
    """A policy that works and the model that it began with, both random."""
    config = {"beta": 0.5, "max_length": 48, "prompt_tokens": 16, "batch_size": 4}
    version = make_version(
        judging.project, "policy", config=config, environment={"base_model": "base/one"}
    )
    tiny = TinyLmConfig(
        vocab_size=300,
        hidden_size=16,
        layers=1,
        heads=2,
        context=64,
        max_length=48,
        prompt_tokens=16,
    )
    words = " ".join(row["chosen"] for row in make_rows(20))
    tokenizer = tiny_lm.make_tokenizer(tiny, [([{"role": "user", "content": words}], words)])
    for seed, path in enumerate((version.path, "base/one")):
        tiny_lm.make_model(replace(tiny, seed=seed), tokenizer).save_pretrained(
            folders.model_folder(path)
        )
        tokenizer.save_pretrained(folders.model_folder(path))
    return version


@pytest.fixture
def rows() -> list[dict]:
    """40 pairs of as many prompts in two subsets, and one more of the first prompt."""
    found = [
        {"prompt": row["prompt"], "chosen": row["chosen"], "rejected": row["rejected"]}
        | {"subset": ("easy", "hard")[number % 2]}
        for number, row in enumerate(make_rows(40))
    ]
    return [*found, {**found[0], "subset": "hard"}]


def test_a_reward_model_is_evaluated_by_what_it_judges(judging, add, rows):
    found = add(judging.project, rows)
    run = work(queue_evaluation(evaluation_set=found, version=judging, actor=None))
    assert run.state == JobState.DONE, run.message
    metrics = run.metrics
    assert (metrics["rows"], run.progress) == (41, 41)
    assert {name: part["accuracy"]["rows"] for name, part in metrics["by_subset"].items()} == {
        "easy": 20,
        "hard": 21,
    }
    gaps = evaluating.gaps_of(run)
    assert metrics["accuracy"]["value"] == pytest.approx(np.mean((gaps > 0) + 0.5 * (gaps == 0)))
    assert metrics["trained_on"] == {"prompts": 0, "rows": 0}
    assert used_hours(limits_of(judging.project), run.finished_at) * 3600 == pytest.approx(
        run.device_seconds
    )
    assert not (folders.evaluation_folder(run.pk) / "scores.jsonl").exists(), "kept as an array"
    scored = [json.loads(line) for line in frozen_rows(found).open()]
    scorer = load_scorer(folders.model_folder(judging.path))
    again = scorer.score_sets([(r["prompt"], [r["chosen"], r["rejected"]]) for r in scored])
    assert gaps == pytest.approx([a - b for a, b in again], abs=1e-3)


def test_a_policy_is_evaluated_by_its_implicit_reward(writing, judging, add, rows):
    found = add(writing.project, rows)
    queued = queue_evaluation(evaluation_set=found, version=writing, actor=None)
    run = jobs.claim(EvaluationRun, queued.pk, owner="me")
    job = evaluating.prepare_evaluation(run, lambda: None)
    folder = folders.evaluation_folder(run.pk)
    result = evaluate_pairs.perform(job, folder, ignore, never)
    evaluating.complete_evaluation(run=run, result=result)
    assert run.state == JobState.DONE
    assert "ece" not in run.metrics, "an implicit reward is no stated probability"
    tokenizer = load_tokenizer(str(folders.model_folder(writing.path)))
    options = {"max_length": 48, "prompt_tokens": 16}
    scored = [json.loads(line) for line in frozen_rows(found).open()]
    rewards = []
    for row in (scored[0], scored[7]):
        framed = [
            frame_for_policy(tokenizer, row["prompt"], row[side], **options)
            for side in ("chosen", "rejected")
        ]
        mine, start = (
            response_logps(
                load_causal_lm(str(folders.model_folder(path))),
                framed,
                pad_id=tokenizer.pad_token_id,
                batch_size=1,
                should_stop=never,
            )
            for path in (writing.path, "base/one")
        )
        rewards.append(0.5 * ((mine - start)[0] - (mine - start)[1]))
    gaps = evaluating.gaps_of(run)
    assert gaps[[0, 7]] == pytest.approx(rewards, abs=1e-4)
    assert len(np.unique(gaps)) > 20

    other = EvaluationRun.objects.create(
        project=found.project, evaluation_set=found, model_version=judging, state=JobState.DONE
    )
    folders.evaluation_folder(other.pk).mkdir()
    theirs = np.random.default_rng(1).normal(size=(41, 2))
    np.savez(folders.evaluation_folder(other.pk) / "scores.npz", pairs=theirs)
    newest = newest_runs(found)
    assert [one.model_version for one in newest] == [writing, judging]
    (test,) = paired_tests(found, newest)
    right, others = gaps > 0, theirs[:, 0] > theirs[:, 1]
    assert (test["only_a"], test["only_b"]) == ((right & ~others).sum(), (others & ~right).sum())
    assert test["difference"]["value"] == pytest.approx(right.mean() - others.mean())


def test_the_best_of_n_is_sampled_and_scored(writing, judging, add):
    prompts = add(writing.project, [{"prompt": f"Say {word}."} for word in "abc"], kind="prompts")
    config = {"gold": "hidden", "samples": 4, "max_new_tokens": 8, "prompts": 2}
    run = work(
        queue_evaluation(
            evaluation_set=prompts,
            version=writing,
            actor=None,
            config={**config, "proxy": judging.pk},
        )
    )
    assert run.state == JobState.DONE, run.message
    figures = run.metrics
    assert (figures["prompts"], figures["samples"], figures["n"]) == (2, 4, [1, 2, 3, 4])
    assert (run.progress, run.total) == (6, 6)
    with np.load(folders.evaluation_folder(run.pk) / "scores.npz") as stored:
        assert stored["proxy"].shape == stored["gold"].shape == (2, 4)
        expected = best_of_n(stored["proxy"], stored["gold"]).mean(0)
        assert len(np.unique(stored["proxy"])) > 2, "samples of one prompt differ"
    assert figures["gold"] == pytest.approx(expected)


def test_gold_is_the_hidden_preference_of_what_was_sampled(tmp_path):
    (tmp_path / "answers").mkdir()
    prompt = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why rain?"}]
    row = {"id": "1", "prompt": prompt, "texts": ["Clouds cool.", "", "I cannot say."]}
    (tmp_path / "answers" / "00000000.jsonl").write_text(json.dumps(row) + "\n")
    told = []
    duty._score_all("", tmp_path, "gold", lambda: False, told.append)
    (scores,) = evaluating._lines(tmp_path / "gold")
    assert scores.tolist() == [hidden_utility("Why rain?", text) for text in row["texts"]]
    assert told == [1]


def test_scoring_goes_on_behind_the_last_whole_line(tmp_path, monkeypatch):
    rows = [{"prompt": [], "chosen": "x" * n, "rejected": ""} for n in range(80)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    seen = []

    def score(batch):
        seen.extend(len(row["chosen"]) for row in batch)
        return [[float(len(row["chosen"])), 0.0] for row in batch]

    monkeypatch.setattr(evaluate_pairs, "_reward_scores", lambda job: score)
    job = {"model": "reward_model", "rows": str(tmp_path / "rows.jsonl")}
    stops = iter([False, True])
    said = []
    stopped = evaluate_pairs.perform(job, tmp_path, said.append, lambda: next(stops))
    assert stopped == {"status": "stopped"}
    path = tmp_path / "scores.jsonl"
    assert len(path.read_text().splitlines()) == evaluate_pairs.BATCH == len(seen)
    with path.open("a") as file:
        file.write("[12.0, 0")  # a kill in the middle of a line
    done = evaluate_pairs.perform(job, tmp_path, said.append, lambda: False)
    assert done == {"status": "done", "rows": 80}
    assert seen == list(range(80)), "nothing is scored twice"
    assert [json.loads(line)[0] for line in path.open()] == list(range(80))
    assert [event["rows"] for event in said] == [32, 64, 80]


def test_prompts_of_the_training_snapshots_are_counted(judged_project, add, make_version):
    project = judged_project(12, test_percent=50)
    snapshot = create_snapshot(project=project, actor=None)
    first = make_version(project, "reward_model", snapshot=snapshot)
    second = make_version(project, "reward_model", 2)
    second.parent = first
    second.save()
    known = list(Prompt.objects.filter(project=project))
    rows = [
        {"prompt": prompt.conversation, "chosen": [{"role": "assistant", "content": "a"}]}
        | {"rejected": [{"role": "assistant", "content": "b"}]}
        for prompt in known
    ]
    rows.append({"prompt": "unknown", "chosen": "a", "rejected": "b"})
    found = add(project, rows)
    trained = [prompt for prompt in known if prompt.split_bucket >= 50]
    assert 0 < len(trained) < 12
    if found.overlap["prompts"]:  # the fixtures' hashes may be made up
        assert found.overlap["trainable"] == len(trained)
    run = EvaluationRun(project=project, evaluation_set=found, model_version=second)
    hashes = [prompt.content_hash for prompt in known]
    assert trained_prompts(run, [*hashes, "0" * 64]) == {one.content_hash for one in trained}


def test_what_cannot_be_evaluated_is_refused_by_field(judged_project, add, make_version):
    project, elsewhere = judged_project(4), judged_project(4)
    reward, policy = make_version(project, "reward_model"), make_version(project, "policy")
    second = make_version(project, "reward_model", 2)
    pairs = add(project, [{"prompt": "p", "chosen": "a", "rejected": "b"}])
    prompts = add(project, [{"prompt": "p"}], kind="prompts")

    def refused(evaluation_set, version, **config) -> str:
        with pytest.raises(InvalidValue) as error:
            queue_evaluation(
                evaluation_set=evaluation_set, version=version, actor=None, config=config
            )
        return error.value.field

    good = {"proxy": reward.pk, "gold": second.pk}
    stranger = make_version(elsewhere, "reward_model")
    assert refused(pairs, stranger) == "model_version"
    assert refused(pairs, reward, samples=3) == "config"
    assert refused(prompts, reward, **good) == "model_version"
    assert refused(prompts, policy, gold="hidden") == "config.proxy"
    assert refused(prompts, policy, proxy=reward.pk) == "config.gold"
    for pk in (policy.pk, stranger.pk, "1", True, 10**30):
        assert refused(prompts, policy, **{**good, "gold": pk}) == "config.gold"
    assert refused(prompts, policy, proxy=reward.pk, gold=reward.pk) == "config.gold"
    for name, value in (("samples", 1), ("samples", 257), ("temperature", 0), ("seed", "x")):
        assert refused(prompts, policy, **good, **{name: value}) == f"config.{name}"
    assert refused(prompts, policy, **good, nonsense=1) == "config.nonsense"
    queued = queue_evaluation(evaluation_set=prompts, version=policy, actor=None, config=good)
    assert queued.config["samples"] == 16
    assert queued.total == 3
    assert refused(prompts, policy, **good) == "model_version", "one under way"
    folders.model_folder(second.path).rmdir()
    assert refused(pairs, second) == "model_version"


def test_a_changed_set_or_a_lost_beginning_fails_the_run(judged_project, add, make_version):
    project = judged_project(4)
    reward, policy = make_version(project, "reward_model"), make_version(project, "policy")
    found = add(project, [{"prompt": "p", "chosen": "a", "rejected": "b"}])
    run = work(queue_evaluation(evaluation_set=found, version=policy, actor=None))
    assert run.state == JobState.FAILED
    assert "began is gone" in run.message
    frozen_rows(found).write_text("{}\n")
    run = work(queue_evaluation(evaluation_set=found, version=reward, actor=None))
    assert run.state == JobState.FAILED
    assert "were changed" in run.message


def test_the_command_queues(judged_project, add, make_version, capsys):
    project = judged_project(4)
    reward = make_version(project, "reward_model")
    found = add(project, [{"prompt": "p", "chosen": "a", "rejected": "b"}])
    call_command("evaluate", str(found.pk), str(reward.pk))
    assert "waits for a serving worker" in capsys.readouterr().out
    assert EvaluationRun.objects.get().state == JobState.QUEUED
    with pytest.raises(CommandError, match="there is no version 0"):
        call_command("evaluate", str(found.pk), "0")
    with pytest.raises(CommandError, match="config must be empty"):
        call_command("evaluate", str(found.pk), str(reward.pk), "--config", '{"samples": 2}')
