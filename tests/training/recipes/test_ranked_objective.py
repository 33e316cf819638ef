"""Ranked lists: how many places count, and lists the loss cannot take."""

import json
import math

import numpy as np
import pytest

from benchmarks import planted
from benchmarks.reward_models import lines_of
from tests.training.data.judgements import judgement, write_judgements
from tests.training.recipes.conftest import ignore, never
from training.recipes.config import RewardModelConfig
from training.recipes.errors import DatasetError
from training.recipes.head_model import load_scorer
from training.recipes.result import RecipeResult
from training.recipes.reward_model import train_reward_model


def test_only_the_places_that_count_are_learned_and_the_layers_read_again(world, tmp_path):
    """The held-out loss is that of the first place alone; scores are the same once published."""
    planted.long_rankings(tmp_path / "data", care=1, train=30, test=30)
    config = RewardModelConfig(
        objective="plackett_luce",
        method="frozen",
        base_model=str(world.encoder),
        max_length=64,
        prompt_tokens=16,
        ranking_depth=1,
    )
    result = train_reward_model(config, tmp_path / "data", tmp_path / "run", ignore, never)
    test = result.metrics["test"]
    assert [one["place"] for one in test["gain_by_place"]] == [1]  # of pairs there is no other
    assert test["gain_by_place"][0]["gain"] == pytest.approx(math.log(2) - test["list_loss"])
    scorer = load_scorer(result.model_dir)
    assert (scorer.head.options["depth"], scorer.head.options["layers"]) == (1, True)
    lines = (tmp_path / "run" / "test_scores.jsonl").read_text(encoding="utf-8").splitlines()
    kept = {row["id"]: row["chosen"] - row["rejected"] for row in map(json.loads, lines)}
    lines = (tmp_path / "data" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines[:5]):
        texts = {response["id"]: response["text"] for response in row["responses"]}
        ordered = [texts[pk] for (pk,) in row["value"]["tiers"]]
        ((first, second),) = scorer.score_sets([(row["prompt"], ordered)])
        assert first - second == pytest.approx(kept[row["id"]], abs=1e-4)


@pytest.mark.parametrize("tie_rule", ["half", "drop"])
def test_a_list_of_more_equals_than_the_loss_can_sum_is_left_out(world, tmp_path, tie_rule):
    def ranking(number, tiers):
        texts = {pk: f"garden {'good ' * (20 - pk)}" for tier in tiers for pk in tier}
        return judgement(number, "ranking", {"verdict": "full", "tiers": tiers}, texts)

    short = [ranking(number, [[1], [2, 3]]) for number in range(1, 7)]
    dozen = list(range(2, 14))
    above, below = [dozen, [1]], [[1], dozen]
    data = write_judgements(
        tmp_path / "data",
        [*short, ranking(7, above), ranking(8, below)],
        [ranking(9, [[1], [2]]), ranking(10, above), ranking(11, below)],
    )
    config = RewardModelConfig(
        objective="plackett_luce",
        method="frozen",
        base_model=str(world.encoder),
        max_length=64,
        prompt_tokens=16,
        tie_rule=tie_rule,
    )
    found = train_reward_model(config, data, tmp_path / "run", ignore, never).metrics
    # The last tier of a list whose ties say nothing needs no sum, however long it is.
    left_out = 2 if tie_rule == "half" else 1
    assert found["data"]["dropped"]["too_many_equals"] == left_out
    assert found["data"]["dropped"]["too_many_equals_in_test"] == left_out
    assert found["data"]["train_rows"] == 8 - left_out
    assert found["test"]["lists"] == 3 - left_out
    assert np.isfinite(found["test"]["list_loss"])


def test_nothing_but_lists_of_a_dozen_equals_is_told(tmp_path):
    dozen = list(range(2, 14))
    texts = {pk: f"response {pk}" for pk in [1, *dozen]}
    row = judgement(1, "ranking", {"verdict": "full", "tiers": [dozen, [1]]}, texts)
    data = write_judgements(tmp_path / "data", [row])
    config = RewardModelConfig(objective="plackett_luce", method="frozen")
    with pytest.raises(DatasetError, match=r"Each of the 1 lists .* more than 10 responses"):
        train_reward_model(config, data, tmp_path / "run", ignore, never)


def test_the_benchmark_prints_lists_that_decide_nothing():
    share = {"value": 0.5, "low": 0.2, "high": 0.8}
    figures = {"rows": 4, "accuracy": share, "length_only_accuracy": share, "log_loss": 0.7}
    result = RecipeResult("done", 1, 1, None, {"test": {**figures, "kendall_tau": None}})
    (line,) = lines_of("ties", {"objective": "plackett_luce"}, result)
    assert line[-1] == ""
    result.metrics["test"]["kendall_tau"] = 0.25
    (line,) = lines_of("lists", {"objective": "plackett_luce"}, result)
    assert line[-1] == "tau 0.250"
