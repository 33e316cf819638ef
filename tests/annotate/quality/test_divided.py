"""Two minds told from noise, on planted items and on ones computed by hand."""

import numpy as np
import pytest

from annotate.quality.dawid_skene import DawidSkene, dawid_skene
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
