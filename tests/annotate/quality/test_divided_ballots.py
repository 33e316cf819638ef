"""Two orders told from one that people follow loosely, on planted items."""

import numpy as np
import pytest

from annotate.quality.ballots import Ballot, annotator_plackett_luce
from annotate.quality.divided_ballots import two_orders
from tests.annotate.quality.test_one_coin import area


def planted(seed, *, items=60, size=4, votes=14, raters=30):
    """A third of the items has two orders, a third one clear order, a third hardly any."""
    rng = np.random.default_rng(seed)
    ballots, kinds = [], []
    for item in range(items):
        kind = ("divided", "clear", "loose")[item % 3]
        strength = np.arange(size) * (0.2 if kind == "loose" else 1.8)
        for turn, rater in enumerate(rng.permutation(raters)[:votes]):
            theta = strength[::-1] if kind == "divided" and turn % 2 else strength
            order = np.argsort(-(theta + rng.gumbel(size=size)))
            if rater < 3:
                order = rng.permutation(size)
            ballots.append(Ballot(int(rater), tuple((item * size + order).tolist())))
        kinds.append(kind)
    model = annotator_plackett_luce(ballots, options=items * size, raters=raters)
    found = [two_orders(model, np.arange(i * votes, (i + 1) * votes)) for i in range(items)]
    return np.array(kinds), found


@pytest.mark.parametrize("seed", range(2))
def test_planted_items_of_two_orders_are_found(seed):
    kinds, found = planted(seed)
    chance = np.array([one.divided() for one in found])
    assert area(chance, kinds == "divided") > 0.95
    marked = chance > 0.5
    assert marked[kinds == "divided"].mean() > 0.7
    assert marked[kinds != "divided"].mean() < 0.06
    sure = [one for one, kind in zip(found, kinds, strict=True)
            if kind == "divided" and one.divided() > 0.9]  # fmt: skip
    assert len(sure) > 5
    reversed_ones = [one.orders[0] == one.orders[1][::-1] for one in sure]
    assert np.mean(reversed_ones) > 0.5
    assert np.mean([abs(one.share - 0.5) for one in sure]) < 0.15


def test_two_options_or_three_ballots_say_nothing_of_minds():
    pairs = [Ballot(0, (0, 1)), Ballot(1, (1, 0))] * 6
    model = annotator_plackett_luce(pairs, options=2, raters=2)
    assert two_orders(model, np.arange(12)).log_odds == 0
    few = [Ballot(0, (0, 1, 2)), Ballot(1, (2, 1, 0)), Ballot(0, (0, 1, 2))]
    model = annotator_plackett_luce(few, options=3, raters=2)
    found = two_orders(model, np.arange(3))
    assert (found.log_odds, found.share) == (0, 1)
    assert found.divided(prior=0.25) == pytest.approx(0.25)
    assert found.orders[0] == (0, 1, 2)
