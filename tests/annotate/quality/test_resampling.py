"""Figures from arrays are those of agreement.py and kappa.py, and their intervals those there."""

import json
from collections import defaultdict

import numpy as np
import pytest

from annotate.quality.agreement import count_units, krippendorff_alpha, percent_agreement
from annotate.quality.alpha_interval import alpha_interval
from annotate.quality.intervals import wilson
from annotate.quality.kappa import cohen_kappa
from annotate.quality.resampling import agreement_figures, pair_figures

RNG = np.random.default_rng(3)
ITEM = np.repeat(np.arange(90), 3)
TRUTH = RNG.integers(0, 4, 90)
LABEL = np.where(RNG.random(270) < 0.7, TRUTH[ITEM], RNG.integers(0, 4, 270))
KEPT = RNG.random(270) < 0.8  # some items have one label, or none
PLACES = np.array([-1.0, 0.0, 2.5, 7.0])


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_of_arrays(level) -> None:
    found = agreement_figures(ITEM[KEPT], LABEL[KEPT], ITEM[KEPT] // 2, PLACES, level)
    by_item = defaultdict(list)
    for item, label in zip(ITEM[KEPT].tolist(), LABEL[KEPT].tolist(), strict=True):
        by_item[item].append(PLACES[label])
    double = [labels for labels in by_item.values() if len(labels) > 1]
    units = count_units(double)
    assert (found.items, found.labels) == (len(double), sum(map(len, double)))
    assert found.alpha == pytest.approx(krippendorff_alpha(units, level))
    assert found.percent == pytest.approx(percent_agreement(units))
    by_prompt = defaultdict(list)
    for item, labels in by_item.items():
        by_prompt[item // 2].append(labels)
    wanted = alpha_interval(map(count_units, by_prompt.values()), level)
    assert found.alpha_interval == pytest.approx(wanted, abs=0.03)
    assert found.percent_interval[0] < found.percent < found.percent_interval[1]


@pytest.mark.parametrize(
    ("level", "options"),
    [("nominal", {}), ("ordinal", {"weights": "quadratic", "order": [0, 1, 2, 3]})],
)
def test_of_two_people(level, options) -> None:
    first, second = LABEL[0::3], LABEL[1::3]
    found = pair_figures(first, second, np.arange(90), PLACES, level)
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    assert found.kappa == pytest.approx(cohen_kappa(pairs, **options))
    assert found.percent == pytest.approx(np.mean(first == second))
    assert found.kappa_interval[0] < found.kappa < found.kappa_interval[1]


def test_of_numbers_kappa_weighs_by_them() -> None:
    """Against the weighted definition, pair by pair."""
    first, second = LABEL[0::3], LABEL[1::3]
    found = pair_figures(first, second, np.arange(90), PLACES, "interval")
    x, y = PLACES[first], PLACES[second]
    apart, by_chance = ((x - y) ** 2).mean(), ((x[:, None] - y[None, :]) ** 2).mean()
    assert found.kappa == pytest.approx(1 - apart / by_chance)


def test_undefined_figures_are_none() -> None:
    one = np.zeros(4, dtype=int)
    alike = agreement_figures(np.array([0, 0, 1, 1]), one, one, PLACES, "nominal")
    assert (alike.percent, alike.alpha, alike.alpha_interval) == (1.0, None, None)
    apart = agreement_figures(
        np.array([0, 0, 1, 1]), one, np.array([0, 0, 1, 1]), PLACES, "nominal"
    )
    assert apart.percent_interval == wilson(2, 2)  # two that are alike prove little
    assert agreement_figures(np.arange(4), one, one, PLACES, "nominal").items == 0
    assert agreement_figures(one[:0], one[:0], one[:0], PLACES, "nominal").alpha is None
    assert pair_figures(one, one, np.arange(4), PLACES, "nominal").kappa is None


def test_alpha_of_llmfao_is_the_documented_one(data_dir) -> None:
    votes = defaultdict(list)
    with (data_dir / "llmfao" / "votes_human.jsonl").open() as lines:
        for vote in map(json.loads, lines):
            votes[vote["pair_id"]].append(vote["winner"])
    labels = sorted({one for said in votes.values() for one in said})
    item = np.repeat(np.arange(len(votes)), [len(said) for said in votes.values()])
    label = np.array([labels.index(one) for said in votes.values() for one in said])
    places = np.arange(len(labels), dtype=float)
    found = agreement_figures(item, label, item, places, "nominal", draws=200)
    assert found.alpha == pytest.approx(0.2906, abs=5e-5)
    assert found.alpha_interval[0] < 0.2906 < found.alpha_interval[1]
