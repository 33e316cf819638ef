"""Two minds told from noise, on planted items and on ones computed by hand."""

import numpy as np
import pytest

from annotate.quality.dawid_skene import DawidSkene, confusions, dawid_skene
from annotate.quality.divided import tell_divided
from tests.annotate.quality.test_one_coin import area


def crowd(seed, votes, *, divided, classes=3, items=320, raters=30):
    """Items with two truths, each for half of the votes, where `divided`; raters differ."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, classes, items)
    second = (first + rng.integers(1, classes, items) * divided) % classes
    right = rng.choice([0.92, 0.75, 0.34], raters, p=[0.6, 0.3, 0.1])
    item = np.repeat(np.arange(items), votes)
    rater = np.concatenate([rng.permutation(raters)[:votes] for _ in range(items)])
    goes_by = np.where(rng.random(len(item)) < 0.5, first[item], second[item])
    wrong = (goes_by + rng.integers(1, classes, len(item))) % classes
    label = np.where(rng.random(len(item)) < right[rater], goes_by, wrong)
    model = dawid_skene(item, rater, label, items=items, raters=raters, classes=classes)
    return model, first, right


def test_the_odds_of_one_item_by_hand():
    """Two votes, one each way, raters right in nine of ten: one class gives 2/2 * .9 * .1 = .09.

    Of two, P(first label) is w * .9 + (1 - w) * .1 = .1 + .8 w, of the second .9 - .8 w.
    """
    table = np.array([[0.9, 0.1], [0.1, 0.9]])
    model = DawidSkene(
        np.full((1, 2), 0.5), np.tile(table, (2, 1, 1)), np.full(2, 0.5), np.array([0, 0]),
        np.array([0, 1]), np.array([0, 1]),
    )  # fmt: skip
    shares = [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6]
    weights = [5 / 35, 8 / 35, 9 / 35, 8 / 35, 5 / 35]
    two = sum(p * (0.1 + 0.8 * w) * (0.9 - 0.8 * w) for w, p in zip(shares, weights, strict=True))
    found = tell_divided(model, iterations=1)
    assert found.log_odds_N == pytest.approx([np.log(two / 0.09)])
    odds = 1 / 9 * two / 0.09
    assert found.chance_N == pytest.approx([odds / (1 + odds)])


@pytest.mark.parametrize("seed", range(4))
def test_planted_divided_items_are_found_among_noisy_raters(seed):
    divided = np.arange(320) % 8 == 0
    model, _, right = crowd(seed, 15, divided=divided)
    found = tell_divided(model)
    assert area(found.chance_N, divided) > 0.95
    marked = found.chance_N > 0.5
    assert marked[divided].mean() > 0.6
    assert divided[marked].mean() > 0.8
    assert found.share == pytest.approx(1 / 8, abs=0.04)
    before = np.abs(model.errors_R() - (1 - right)).mean()
    assert np.abs(found.model.errors_R() - (1 - right)).mean() < before


@pytest.mark.parametrize("votes", [3, 8, 15])
def test_where_nobody_is_of_two_minds_no_item_is_marked(votes):
    model, truth, _ = crowd(9, votes, divided=np.zeros(320, dtype=bool))
    found = tell_divided(model)
    assert (found.chance_N > 0.5).mean() < 0.01
    assert found.share < 0.03
    assert (found.model.labels_N() == truth).mean() > (model.labels_N() == truth).mean() - 0.01


def test_gold_is_never_divided_and_keeps_its_posterior():
    divided = np.arange(320) % 8 == 0
    model, _, _ = crowd(1, 15, divided=divided)
    free = tell_divided(model)
    assert free.chance_N[8] > 0.5
    told = tell_divided(model, gold=[8])
    assert told.chance_N[8] == told.log_odds_N[8] == 0
    assert told.model.posterior_NK[8] == pytest.approx(model.posterior_NK[8])


def test_without_votes_or_with_a_single_class_nothing_is_divided():
    one_class = dawid_skene([0], [0], [0], items=2, raters=1, classes=1)
    no_votes = dawid_skene([], [], [], items=2, raters=1, classes=2)
    for model in (one_class, no_votes):
        found = tell_divided(model)
        assert list(found.chance_N) == [0, 0]
        assert found.model is model
    some = tell_divided(dawid_skene([0, 0], [0, 1], [0, 1], items=2, raters=2, classes=2))
    assert some.chance_N[1] == 0
    assert some.chance_N[0] > 0


@pytest.mark.parametrize("most", [4, 9])
def test_one_step_is_that_of_its_equations_vote_by_vote(most):
    """Items with four votes each, or with two to nine, and one without;
    the chance of each vote to go by a class, summed by loops over votes, pairs and shares.
    """
    rng = np.random.default_rng(most)
    items, raters, classes = 9, 12, 3
    counts = [4] * 8 + [0] if most == 4 else [*range(2, 10), 0]
    item = np.repeat(np.arange(items), counts)
    rater = np.concatenate([rng.permutation(raters)[:count] for count in counts])
    label = rng.integers(0, classes, len(item))
    model = dawid_skene(item, rater, label, items=items, raters=raters, classes=classes)
    said = [model.confusion_RKL[r, :, one] for r, one in zip(rater, label, strict=True)]
    weights = dict(zip([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6], [5, 8, 9, 8, 5], strict=True))
    prior = model.prior_K
    pairs = {(a, b): prior[a] * prior[b] for a in range(classes) for b in range(a)}
    told = np.zeros((len(item), classes))
    for one in range(items):
        mine = np.flatnonzero(item == one)
        by_class = prior * np.prod([said[v] for v in mine], axis=0)
        two = {
            (a, b, w): of_pair / sum(pairs.values()) * weight / 35
            * np.prod([w * said[v][a] + (1 - w) * said[v][b] for v in mine])
            for (a, b), of_pair in pairs.items()
            for w, weight in weights.items()
        }  # fmt: skip
        odds = sum(two.values()) / by_class.sum() / 9
        chance = odds / (1 + odds)
        for v in mine:
            told[v] = (1 - chance) * by_class / by_class.sum()
            for (a, b, w), found in two.items():
                share = chance * found / sum(two.values())
                first = w * said[v][a] / (w * said[v][a] + (1 - w) * said[v][b])
                told[v, a] += share * first
                told[v, b] += share * (1 - first)
    counted = np.zeros((raters, classes, classes))
    np.add.at(counted, (rater, slice(None), label), told)
    expected = told.T @ (1 / np.array(counts)[item])
    stepped = tell_divided(model, iterations=1)
    few = np.zeros(raters, dtype=bool)
    assert stepped.model.confusion_RKL == pytest.approx(confusions(counted, 1.0, 10.0, few))
    assert stepped.model.prior_K == pytest.approx(expected / expected.sum(), abs=1e-9)
