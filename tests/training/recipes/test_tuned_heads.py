"""Encoders fine-tuned with the head of every objective, on small random models."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from benchmarks import planted
from tests.training.recipes.conftest import StopAfter, ignore, never, of_kind
from training.recipes import output
from training.recipes.config import OBJECTIVE_DATA, RewardModelConfig
from training.recipes.head_model import load_features, load_scorer
from training.recipes.head_trainer import EncoderWithHead, HeadCollator
from training.recipes.heads.objectives.registry import OBJECTIVES
from training.recipes.heads.tuning import tuning_of
from training.recipes.memory import halving_batches
from training.recipes.reward_model import train_reward_model
from training.recipes.score import FinetunedEnsemble

WAYS = {
    "plackett_luce": ("rankings", {}),
    "span": ("errors", {}),
    "steps": ("solutions", {}),
    "multi_objective": ("criteria", {}),
    "general_preference": ("circle", {}),
    "ideal_points": ("people", {"people_as": "ideal_points"}),
    "latent": ("people", {"people_as": "latent"}),
    "groups": ("people", {"people_as": "groups"}),
}


def config_of(way, base, **other):
    return RewardModelConfig(
        **{
            "objective": way if way in OBJECTIVES else "personal",
            "base_model": str(base),
            "max_length": 64,
            "prompt_tokens": 12,
            "batch_size": 40,
            "max_steps": 8,
            "learning_rate": 3e-4,
            "warmup_ratio": 0.0,
            "logging_steps": 1,
            "l2": 30.0,
            "calibration_fraction": 0.0,
            "threads": 1,
            "precision": "fp32",
            **WAYS.get(way, ("", {}))[1],
            **other,
        }
    )


@pytest.fixture(scope="module")
def data_of(tmp_path_factory):
    """data_of("span") -> a small data set with the rule that this way can learn."""
    root = tmp_path_factory.mktemp("small")
    for name in {name for name, _ in WAYS.values()}:
        getattr(planted, name)(root / name, train=36, test=18)

    def folder(way):
        data = root / WAYS[way][0]
        return data / "pairs" if OBJECTIVE_DATA.get(way) == "preferences" else data

    return folder


@pytest.fixture(scope="module")
def base(world, tmp_path_factory):
    """The encoder that knows their words, without dropout, so that a step is down hill."""
    folder = tmp_path_factory.mktemp("base") / "encoder"
    shutil.copytree(world.encoder, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def tune(base, data_of, tmp_path):
    """tune("span", lora=True) -> the finished run of an encoder fine-tuned by that objective."""

    def run(way, name="run", report=ignore, stop=never, *, model=base, **other):
        config = config_of(way, model, **other)
        return train_reward_model(config, data_of(way), tmp_path / name, report, stop)

    return run


def fitted(way, base, data_of):
    """The head fitted to the encoder as it is, with what learning on takes."""
    config = config_of(way, base)
    objective = OBJECTIVES[config.objective](config)
    items = objective.read(data_of(way)).train
    features = load_features(config)
    return objective.fit(items, features, config.l2), objective, items, features


def together(head, objective, items, features):
    """The model that is trained, its dropout off, and all rows as one batch."""
    tuning = tuning_of(head, objective, objective.config.l2)
    rows = list(tuning.examples(items, features))
    model = EncoderWithHead(features.encoder.eval(), tuning, rows=len(rows))
    return model, HeadCollator(tuning, features.tokenizer.pad_token_id)(rows)


@pytest.mark.parametrize("way", set(WAYS) - {"latent"})  # is fitted through an encoder of people
def test_a_head_fitted_to_the_end_is_at_a_minimum_of_what_it_is_tuned_by(way, base, data_of):
    """Frozen and fine-tuned are one objective: with the encoder as it was, no gradient is left."""
    model, batch = together(*fitted(way, base, data_of))
    found = gradients(model, batch)
    with torch.no_grad():
        for value in model.values.values():
            value += 0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(0))
    away = gradients(model, batch)
    for name in set(found) - {"shares"}:  # of the groups: the published head does not hold them
        assert found[name] < 0.02 * away[name] + 1e-5, name


def gradients(model, batch):
    torch.manual_seed(0)
    model.zero_grad()
    model(**batch).backward()
    return {name: float(value.grad.norm()) for name, value in model.values.items()}


@pytest.mark.parametrize(
    ("way", "lora"),
    [
        *((way, False) for way in WAYS),
        *((way, True) for way in ("plackett_luce", "span", "groups")),
    ],
)
def test_the_loss_falls_and_the_published_model_scores_as_evaluated(way, lora, tune, base, data_of):
    result = tune(way, lora=lora, lora_rank=4, learning_rate=5e-4 if lora else 1e-4)
    assert (result.status, result.global_step) == ("done", 8)
    assert len(result.metrics["history"]) == 8
    scorer = load_scorer(result.model_dir)
    head, objective, items, features = fitted(way, base, data_of)
    begun = loss_of(head, objective, items, features)
    tuned = head.with_tensors(scorer.head.tensors)
    assert loss_of(tuned, objective, items, scorer.features) < begun
    before = AutoModel.from_pretrained(base).state_dict()
    after = AutoModel.from_pretrained(result.model_dir).state_dict()
    moved = [name for name, value in before.items() if not torch.equal(value, after[name])]
    assert len(moved) > 4
    assert all("layer" in name for name in moved) if lora else "embeddings" in "".join(moved)
    AutoTokenizer.from_pretrained(result.model_dir)
    published = {path.name for path in result.model_dir.iterdir()}
    assert {"model.safetensors", "head.safetensors", "reward.json", "tokenizer.json"} <= published
    assert not any(b"person-" in (result.model_dir / name).read_bytes() for name in published)
    test = result.metrics["test"]
    assert test["rows"] > 0
    if way in ("plackett_luce", "multi_objective", "general_preference"):
        data = data_of(way)
        assert_scored_as_evaluated(scorer, result, data if data.name == "pairs" else data / "pairs")
    (scores,) = scorer.score_sets([([{"role": "user", "content": "So?"}], ["a train", "soup"])])
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("way", ["plackett_luce", "latent", "multi_objective", "span"])
def test_looks_at_held_out_rows_change_nothing(way, tune):
    """The latent taste is drawn anew for each row, by the same random numbers."""
    runs = [tune(way, name, evaluate_every=n) for name, n in (("with", 4), ("without", 0))]
    seen = {
        one["step"]: one["eval_loss"] for one in runs[0].metrics["history"] if "eval_loss" in one
    }
    assert list(seen) == [4, 8]
    assert np.isfinite(list(seen.values())).all()
    assert not any("eval_loss" in one for one in runs[1].metrics["history"])
    for name in ("model.safetensors", "head.safetensors"):
        ours, theirs = (load_file(run.model_dir / name) for run in runs)
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def loss_of(*parts):
    torch.manual_seed(0)
    model, batch = together(*parts)
    with torch.no_grad():
        return float(model(**batch))


def assert_scored_as_evaluated(scorer, result, pairs):
    path = result.model_dir.parent / "test_scores.jsonl"
    evaluated = {
        (row["id"], round(row["chosen"] - row["rejected"], 3))
        for row in map(json.loads, path.read_text().splitlines())
    }
    rows = [json.loads(line) for line in (pairs / "test.jsonl").open()][:8]
    sets = [(row["prompt"], [row["chosen"], row["rejected"]]) for row in rows]
    for row, (chosen, rejected) in zip(rows, scorer.score_sets(sets), strict=True):
        if not row.get("tie"):
            gap = chosen - rejected
            near = {(row["id"], round(gap + shift, 3)) for shift in (-1e-3, 0, 1e-3)}
            assert near & evaluated


@pytest.mark.parametrize("way", ["plackett_luce", "span"])
def test_a_language_model_learns_by_them_too(way, tune, decoder):
    result = tune(way, model=decoder, max_steps=3, lora=way == "span")
    assert result.status == "done"
    assert result.metrics["test"]["rows"] > 0
    (scores,) = load_scorer(result.model_dir).score_sets(
        [([{"role": "user", "content": "how to cook rice"}], ["good answer", "no"])]
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("way", "lora"), [("groups", True), ("steps", False)])
def test_stop_and_resume_equals_a_straight_run(way, lora, tune, tmp_path):
    straight = tune(way, "straight", lora=lora)
    stop = StopAfter(3)
    stopped = tune(way, "resumed", stop.report, stop, lora=lora)
    assert (stopped.status, stopped.max_steps) == ("stopped", 8)
    events = []
    resumed = tune(way, "resumed", events.append, lora=lora)
    assert [event["event"] for event in events if event["event"] != "progress"][:2] == [
        "data",
        "resume",  # the first fit is read again, and no text for it
    ]
    for name in ("model.safetensors", "head.safetensors"):
        ours, theirs = (load_file(one.model_dir / name) for one in (straight, resumed))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_list_too_large_for_the_memory_is_read_in_smaller_batches(
    base, data_of, tmp_path, little_memory
):
    """Also when the first fit reads the texts: twice as many at a time, without gradients."""
    events = []
    little_memory(rows=24)  # four lists of six
    little_memory(rows=12, without_gradients=True)
    config = config_of("plackett_luce", base, max_steps=3, batch_size=12)
    train = halving_batches(train_reward_model)
    data = data_of("plackett_luce")
    assert train(config, data, tmp_path / "run", events.append, never).status == "done"
    assert [event["batch_size"] for event in of_kind(events, "smaller_batch")] == [6, 3]


def test_a_cancelled_run_ends_before_it_reads_all(tune, tmp_path):
    result = tune("multi_objective", "run", stop=lambda: True)
    assert result.status == "stopped"
    assert not (tmp_path / "run" / "model").exists()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Everybody wants poems."""
    folder = tmp_path_factory.mktemp("poems")
    planted.people(folder, train=60, test=30)
    rows = [json.loads(line) for line in (folder / "pairs/train.jsonl").open()]
    tests = [json.loads(line) for line in (folder / "pairs/test.jsonl").open()]
    for name, found in (("train", rows), ("test", tests)):
        for row in found:
            both = sorted([row["chosen"], row["rejected"]])
            row["chosen"], row["rejected"] = both
        text = "".join(json.dumps(row) + "\n" for row in found)
        (folder / "pairs" / f"{name}.jsonl").write_text(text)
    return folder / "pairs"


def ensemble(base, **other):
    return replace(
        config_of("ensemble", base, members=3, max_steps=6, learning_rate=3e-3, **other),
        objective="ensemble",
    )


def test_members_are_kept_and_say_how_far_they_are_apart(base, pairs, tmp_path):
    config = ensemble(base, uncertainty_penalty=2.0)
    events = []
    result = train_reward_model(config, pairs, tmp_path / "run", events.append, never)
    assert (result.status, result.global_step) == ("done", 18)
    steps = [event["step"] for event in of_kind(events, "progress")]
    assert steps == list(range(1, 19))
    test = result.metrics["test"]
    assert test["accuracy_of_mean"]["value"] >= 0.9
    assert test["mean_deviation_of_gap"] > 0
    scorer = load_scorer(result.model_dir)
    assert isinstance(scorer, FinetunedEnsemble)
    turns = [{"role": "user", "content": "Say something."}]
    texts = ["A poem about a train", "A table of numbers about a train"]
    members = scorer.member_scores(scorer.frame([(turns, text) for text in texts]), 8)
    cautious = (members.mean(0) - 2 * members.std(0, ddof=1)) / scorer.card.temperature
    (scores,) = scorer.score_sets([(turns, texts)])
    assert scores == pytest.approx(cautious.tolist(), abs=1e-5)
    alone = AutoModelForSequenceClassification.from_pretrained(result.model_dir / "members" / "0")
    assert alone.config.num_labels == 1


def test_the_average_of_weights_is_one_network_between_its_members(base, pairs, tmp_path):
    """A stopped run goes on with the member that it was at."""
    config = ensemble(base, ensemble_as="average", lora=True, lora_rank=2)
    stop = StopAfter(8)
    folder = tmp_path / "run"
    stopped = train_reward_model(config, pairs, folder, stop.report, stop)
    assert (stopped.status, stopped.max_steps) == ("stopped", 18)
    assert output.finished_run(folder / "members" / "0")
    assert not output.finished_run(folder / "members" / "1")
    events = []
    result = train_reward_model(config, pairs, folder, events.append, never)
    assert result.status == "done"
    assert min(event["member"] for event in of_kind(events, "progress")) == 1
    members = [
        load_file(folder / "members" / str(number) / "model" / "model.safetensors")
        for number in range(3)
    ]
    average = load_file(result.model_dir / "model.safetensors")
    head = "classifier.weight"
    assert not torch.equal(members[0][head], members[1][head])
    for name, value in average.items():
        assert torch.allclose(value, torch.stack([m[name] for m in members]).mean(0), atol=1e-6)
    assert result.metrics["test"]["accuracy"]["value"] >= 0.9
    scorer = load_scorer(result.model_dir)
    turns = [{"role": "user", "content": "Say something."}]
    ((poem, table),) = scorer.score_sets([(turns, ["A poem", "A table of numbers"])])
    assert poem > table
