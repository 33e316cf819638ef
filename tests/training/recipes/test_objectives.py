"""Every objective learns a planted rule that plain pairs cannot hold, is published and scores.

The encoder is a random one: its embeddings tell words apart, and nothing more is asked of it.
"""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import planted
from tests.training.data.judgements import write_judgements
from tests.training.recipes.conftest import ignore, never
from training.data.pairs import hold_out_prompts
from training.duties.score import score_batch
from training.evaluation.calibration import expected_calibration_error, preference_log_loss
from training.evaluation.preference import pairwise_accuracy
from training.evaluation.scored_pairs import pair_key
from training.recipes.config import OBJECTIVE_DATA, RewardModelConfig
from training.recipes.errors import ConfigError, DatasetError, ModelError
from training.recipes.head_model import load_scorer
from training.recipes.heads.objectives.registry import OBJECTIVES
from training.recipes.reward_model import train_reward_model
from training.recipes.score import load_reward_model

PROMPT = [{"role": "user", "content": "Say something about the garden."}]


@pytest.fixture
def train(world, tmp_path):
    """train("circle", objective=…) -> the finished run."""

    def run(name, **other):
        config = RewardModelConfig(
            **{
                "base_model": str(world.encoder),
                "method": "frozen",
                "max_length": 128,
                "prompt_tokens": 16,
                "threads": 1,
                "embedding_cache": str(world.cache),
                **other,
            }
        )
        data = world(name)
        if OBJECTIVE_DATA[config.objective] == "preferences":
            data = data / "pairs"
        output = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        return train_reward_model(config, data, output, ignore, never)

    return run


def accuracy(result):
    return result.metrics["test"]["accuracy"]["value"]


def sets_of(*texts):
    return [(PROMPT, list(texts))]


def test_every_objective_but_pairs_has_a_head():
    assert set(OBJECTIVE_DATA) == {"bradley_terry", *OBJECTIVES}


def test_a_circle_is_learned_by_general_preference_alone(train):
    assert accuracy(train("circle", objective="bradley_terry")) < 0.67
    result = train("circle", objective="general_preference")
    assert accuracy(result) >= 0.95
    scorer = load_scorer(result.model_dir)
    texts = [f"{name}, the garden at home" for name in ("rock", "scissors", "paper")]
    for winner, loser in zip(texts, texts[1:] + texts[:1], strict=True):
        ((high, low),) = scorer.score_sets(sets_of(winner, loser))
        ((again_low, again_high),) = scorer.score_sets(sets_of(loser, winner))
        assert high - low > 1
        assert high == pytest.approx(again_high)
        assert low == pytest.approx(again_low)
    ((a, b, c),) = scorer.score_sets(sets_of(*texts))
    assert max(a, b, c) - min(a, b, c) < 0.5 * (high - low)


@pytest.mark.parametrize("people_as", ["ideal_points", "latent", "groups"])
def test_people_who_want_opposites_are_told_apart(train, people_as):
    result = train("people", objective="personal", people_as=people_as, l2=10.0)
    assert accuracy(result) >= 0.95
    test = result.metrics["test"]
    assert test["people"] == 10
    assert test["rows_of_known_people"] == test["rows"]
    assert 0.3 < test["accuracy_without_person"]["value"] < 0.7
    assert accuracy(train("people", objective="bradley_terry")) < 0.67
    ((a, b),) = load_scorer(result.model_dir).score_sets(
        sets_of("A poem about the garden at home", "A table of numbers about the garden at home")
    )
    assert np.isfinite([a, b]).all()


@pytest.mark.parametrize("people_as", ["ideal_points", "latent", "groups"])
def test_a_published_head_names_nobody(world, tmp_path, people_as):
    rows = [json.loads(line) for line in (world("people") / "train.jsonl").open()][:40]
    for number, row in enumerate(rows):
        row["annotator"] = ("pseudonym-one", "pseudonym-two", None)[number % 3]
    data = write_judgements(tmp_path / "data", rows[:30], rows[30:])
    config = RewardModelConfig(
        objective="personal",
        people_as=people_as,
        method="frozen",
        base_model=str(world.encoder),
        max_length=64,
        prompt_tokens=16,
        l2=10.0,
    )
    result = train_reward_model(config, data, tmp_path / "run", ignore, never)
    published = list(result.model_dir.iterdir())
    assert len(published) == 2
    assert not any(b"pseudonym" in path.read_bytes() for path in published)
    ((a, b),) = load_scorer(result.model_dir).score_sets(sets_of("A poem", "A table"))
    assert np.isfinite([a, b]).all()
    assert result.metrics["test"]["people"] == 2  # rows without an annotator are nobody's
    assert result.metrics["data"]["train_rows"] == 20
    assert result.metrics["data"]["dropped"]["without_annotator"] == 10


def test_what_counts_depends_on_the_prompt(train):
    """Few rows tell the overall rating: pairs of it are too few, what all rows rate is not."""
    several = train("criteria", objective="multi_objective")
    pairs = train("criteria", objective="bradley_terry")
    assert accuracy(several) > 0.9 > 0.85 > accuracy(pairs)
    assert several.metrics["test"]["log_loss"] < 0.7 * pairs.metrics["test"]["log_loss"]
    by_criterion = several.metrics["test"]["by_criterion"]
    assert set(by_criterion) == {*planted.QUALITIES, "overall"}
    for name in planted.QUALITIES:
        found = by_criterion[name]
        assert found["squared_error"] < 0.25 * found["squared_error_of_mean"]
    funny, exact = "some soup. " + "Ha, a joke! " * 5, "some soup. " + "Measure: 3.14 mm. " * 5
    scorer = load_scorer(several.model_dir)
    for prompt, better in (("Tell me a bedtime story.", 0), ("Write a technical manual.", 1)):
        turns = [{"role": "user", "content": prompt}]
        (scores,) = scorer.score_sets([(turns, [funny, exact])])
        assert scores[better] > scores[1 - better] + 1


@pytest.mark.parametrize(
    ("name", "objective", "good", "bad"),
    [
        (
            "errors",
            "span",
            "I saw some soup at home. I saw the garden after the rain.",
            "I saw some soup at home. Fish live on clouds after the rain.",
        ),
        (
            "solutions",
            "steps",
            "From the last line it follows that some soup at home.",
            "Guess that some soup at home, who knows why.",
        ),
    ],
)
def test_wrong_segments_are_found_where_they_stand(train, name, objective, good, bad):
    result = train(name, objective=objective)
    test = result.metrics["test"]
    assert test["rows"] == sum(found["rows"] for found in test["by_category"].values()) > 150
    assert test["f1"] >= 0.95 > test["f1_of_always_wrong"]
    assert test["accuracy"]["low"] > test["majority_accuracy"]["high"]
    ((high, low),) = load_scorer(result.model_dir).score_sets(sets_of(good, bad))
    assert high > low
    if objective == "span":
        assert (high, low) == pytest.approx((1.0, 0.0))  # 0.5 x (2 - 0) and 0.5 x (1 - 1)


def test_lists_of_ends_are_learned_as_wholes(train):
    result = train("rankings", objective="plackett_luce")
    test = result.metrics["test"]
    assert (test["lists"], test["mean_list_length"]) == (40, 6.0)
    assert test["kendall_tau"] > 0.5
    assert test["list_loss"] < math.log(6 * 5) - 0.5  # of guessing both ends
    assert accuracy(result) > 0.75


def test_an_ensemble_is_as_cautious_as_it_is_told(train):
    result = train("rankings", objective="ensemble", members=4, uncertainty_penalty=2.0, l2=10.0)
    assert accuracy(result) > 0.7
    assert result.metrics["test"]["accuracy_of_mean"]["value"] > 0.7
    scorer = load_scorer(result.model_dir)
    texts = ["some soup at home. Lovely. Lovely.", "a bicycle after the rain."]
    rewards = scorer.head.member_rewards([(PROMPT, text) for text in texts], scorer.features)
    assert rewards.shape == (4, 2)
    cautious = (rewards.mean(0) - 2 * rewards.std(0)) / scorer.card.temperature
    (scores,) = scorer.score_sets(sets_of(*texts))
    assert scores == pytest.approx(cautious.tolist())
    assert scores[0] > scores[1]


def test_scores_of_the_published_model_are_the_evaluated_ones(train, world):
    result = train("rankings", objective="plackett_luce")
    lines = (result.model_dir.parent / "test_scores.jsonl").read_text().splitlines()
    pairs = [json.loads(line) for line in (world("rankings") / "pairs/test.jsonl").open()]
    evaluated = {
        (row["id"], round(row["chosen"], 4), round(row["rejected"], 4))
        for row in map(json.loads, lines)
    }
    items = [
        {"id": row["id"], "prompt": row["prompt"], "responses": [row["chosen"], row["rejected"]]}
        for row in pairs[:20]
    ]
    for row in score_batch(load_scorer(result.model_dir), items):
        assert (row["id"], *(round(score, 4) for score in row["scores"])) in evaluated


@pytest.mark.parametrize("people_as", ["latent", "groups"])
def test_the_gate_sees_of_people_what_serving_says(train, world, people_as):
    result = train("people", objective="personal", people_as=people_as, l2=10.0)
    test = result.metrics["test"]
    rows = [json.loads(line) for line in (result.model_dir.parent / "test_scores.jsonl").open()]
    gaps = np.array([row["chosen"] - row["rejected"] for row in rows])
    assert pairwise_accuracy(gaps).as_dict() == test["accuracy_without_person"]
    assert test["accuracy"]["value"] > test["accuracy_without_person"]["value"] + 0.2
    assert preference_log_loss(gaps) == pytest.approx(test["log_loss_without_person"])
    assert expected_calibration_error(gaps) == pytest.approx(test["ece_without_person"])
    scorer = load_scorer(result.model_dir)
    assert scorer.card.temperature == test["temperature_without_person"] != test["temperature"]
    pairs = [json.loads(line) for line in (world("people") / "pairs/test.jsonl").open()]
    served = {row["key"]: row for row in rows}
    for pair in pairs[:10]:
        key = pair_key(pair["id"], pair["prompt"], pair["chosen"], pair["rejected"])
        ((a, b),) = scorer.score_sets([(pair["prompt"], [pair["chosen"], pair["rejected"]])])
        assert a - b == pytest.approx(served[key]["chosen"] - served[key]["rejected"], abs=1e-3)


def test_the_same_run_again_does_no_work_and_gives_the_same_model(train, world, tmp_path):
    first = train("circle", objective="general_preference", l2=1.0)
    second = train("circle", objective="general_preference", l2=1.0)
    assert (first.model_dir / "head.safetensors").read_bytes() == (
        second.model_dir / "head.safetensors"
    ).read_bytes()
    stopped = train_reward_model(
        RewardModelConfig(
            objective="ensemble",
            method="frozen",
            base_model=str(world.encoder),
            max_length=128,
            threads=1,
        ),
        world("circle") / "pairs",
        tmp_path / "stopped",
        ignore,
        lambda: True,
    )
    assert stopped.status == "stopped"


def test_what_cannot_be_learned_is_refused(train, world):
    with pytest.raises(DatasetError, match="All training rows come from one annotator"):
        train("circle", objective="personal")
    with pytest.raises(DatasetError, match="multi_objective learns from ratings"):
        train("circle", objective="multi_objective")
    for objective in ("span", "steps"):
        with pytest.raises(DatasetError, match=f"{objective} learns from"):
            train("circle", objective=objective)
    with pytest.raises(ConfigError, match=r"RewardModelConfig\.ensemble_as .*must be members"):
        RewardModelConfig(objective="ensemble", method="frozen", ensemble_as="average")
    result = train("rankings", objective="plackett_luce")
    with pytest.raises(ModelError, match="load_scorer"):
        load_reward_model(result.model_dir)


@pytest.mark.parametrize(
    "wish",
    [
        {"objective": "ensemble"},
        {"objective": "general_preference"},
        {"objective": "plackett_luce"},
        {"objective": "personal", "people_as": "ideal_points"},
        {"objective": "personal", "people_as": "groups"},
    ],
)
@pytest.mark.parametrize("left", ["ties", "nothing"])
def test_a_test_split_that_decides_nothing_has_no_accuracy(world, tmp_path, wish, left):
    rows = [json.loads(line) for line in (world("people") / "train.jsonl").open()]
    people = [json.loads(line) for line in (world("people") / "origins.jsonl").open()]
    for row, origin in zip(rows, people, strict=False):
        row["annotator"] = origin["annotator"]
    ties = [{**row, "value": {"verdict": "tie"}} for row in rows[30:40]]
    planted.write_rows(tmp_path / "data", rows[:30], ties if left == "ties" else [])
    data = tmp_path / "data"
    if OBJECTIVE_DATA[wish["objective"]] == "preferences":
        data = data / "pairs"
    config = RewardModelConfig(
        **wish,
        method="frozen",
        base_model=str(world.encoder),
        max_length=64,
        l2=10.0,
        prompt_tokens=16,
    )
    result = train_reward_model(config, data, tmp_path / "run", ignore, never)
    assert result.status == "done"
    assert result.metrics["test"]["rows"] == 0
    assert "accuracy" not in result.metrics["test"]


def test_held_out_segments_without_a_label_choose_nothing(world, tmp_path):
    """None of the steps kept back is judged, so the prior has its usual strength."""
    rows = [json.loads(line) for line in (world("solutions") / "train.jsonl").open()]
    kept_back = {row.id for row in hold_out_prompts(read_rows(rows), fraction=0.2, seed=0)[1]}
    assert len(kept_back) >= 10
    for row in rows:
        if row["id"] in kept_back:
            row["value"]["labels"]["1"] = [None] * 5
    planted.write_rows(tmp_path / "data", rows, [])
    config = RewardModelConfig(
        objective="steps",
        method="frozen",
        base_model=str(world.encoder),
        max_length=64,
        prompt_tokens=16,
    )
    result = train_reward_model(config, tmp_path / "data", tmp_path / "run", ignore, never)
    assert result.status == "done"
    assert (result.metrics["l2"], result.metrics["held_out_loss_by_l2"]) == (10.0, {})


def read_rows(rows):
    return [SimpleNamespace(id=row["id"], prompt_id=row["prompt_id"]) for row in rows]
