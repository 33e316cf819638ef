"""The interval of alpha: that it holds what it says, and what clusters do to it."""

import gzip
import json
from collections import Counter, defaultdict

import numpy as np
import pytest

from annotate.quality.agreement import count_units, krippendorff_alpha
from annotate.quality.alpha_interval import alpha_interval


def units_of(rng, size):
    """Three people who see one of four labels, each mistaken in three of ten."""
    truth = rng.integers(0, 4, size)
    seen = np.where(rng.random((size, 3)) < 0.7, truth[:, None], rng.integers(0, 4, (size, 3)))
    return [tuple(row) for row in seen.tolist()]


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_it_holds_the_alpha_of_all_units_as_often_as_it_says(level):
    truth = krippendorff_alpha(count_units(units_of(np.random.default_rng(0), 100_000)), level)
    held = 0
    for seed in range(40):
        units = units_of(np.random.default_rng(seed + 1), 80)
        low, high = alpha_interval((count_units([one]) for one in units), level, draws=200)
        assert low < krippendorff_alpha(count_units(units), level) < high
        held += low <= truth <= high
    assert 34 <= held < 40


def test_units_that_hang_together_make_it_wider():
    units = units_of(np.random.default_rng(1), 60)
    alone = alpha_interval([count_units([one]) for one in units for _ in range(9)])
    together = alpha_interval([Counter({tuple(sorted(one)): 9}) for one in units])
    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])


def test_of_real_votes(data_dir):
    """LLMFAO's documented alpha lies inside, whether pairs or prompts are drawn."""
    votes = defaultdict(list)
    with (data_dir / "llmfao" / "votes_human.jsonl").open() as lines:
        for vote in map(json.loads, lines):
            votes[vote["pair_id"]].append(vote["winner"])

    with gzip.open(data_dir / "llmfao" / "pairs.jsonl.gz", "rt") as lines:
        prompts = {row["pair_id"]: row["prompt_id"] for row in map(json.loads, lines)}
    by_prompt = defaultdict(list)
    for pair, labels in votes.items():
        by_prompt[prompts[pair]].append(labels)
    assert len(by_prompt) == 13
    narrow = alpha_interval(count_units([labels]) for labels in votes.values())
    wide = alpha_interval(count_units(labels) for labels in by_prompt.values())
    assert wide[0] < narrow[0] < 0.2906 < narrow[1] < wide[1]
    assert 0.02 < narrow[1] - narrow[0] < 0.05


def test_undefined_and_repeatable():
    one = Counter({(1, 2): 1})
    assert alpha_interval([]) is None
    assert alpha_interval([one]) is None
    assert alpha_interval([Counter({(1, 1): 1}), Counter({(1, 1): 2})]) is None
    assert alpha_interval([one, Counter({(1,): 1})]) is None
    units = [count_units([unit]) for unit in units_of(np.random.default_rng(2), 30)]
    assert alpha_interval(units, seed=3) == alpha_interval(units, seed=3)
    assert alpha_interval(units, seed=3) != alpha_interval(units, seed=4)
    narrow = alpha_interval(units, confidence=0.5)
    wide = alpha_interval(units)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    with pytest.raises(ValueError, match="confidence: 95"):
        alpha_interval(units, confidence=95)
