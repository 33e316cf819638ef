"""Preferences among samples."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.online import anchored_pair, best_and_worst, rejection_sample

scores = st.lists(st.floats(-10, 10), max_size=8)


def test_best_and_worst_by_hand():
    assert best_and_worst([0.3, 2.0, -1.0, 2.0]) == (1, 2)
    assert best_and_worst([1.0, 1.0]) is None
    assert best_and_worst([]) is None


def test_anchored_pairs_by_hand():
    assert anchored_pair([0.3, 2.0], [0.5, -1.0, 0.0]) == (1, 1)
    assert anchored_pair([-2.0], [-1.0]) is None
    assert anchored_pair([], [1.0]) is None


@given(scores, st.floats(0.1, 5), st.integers(0, 2**20))
def test_accepted_samples_are_different_ones(found, beta, seed):
    for count in range(len(found) + 1):
        places = rejection_sample(found, beta=beta, count=count, rng=Random(seed))
        assert len(set(places)) == count
        assert set(places) <= set(range(len(found)))


def test_the_temperature_goes_from_the_first_to_the_best():
    found = [1.0, 3.0, 2.0, 0.0]
    rng = Random(0)
    assert rejection_sample(found, beta=1e9, count=3, rng=rng) == [0, 1, 2]
    assert rejection_sample(found, beta=1e-3, count=3, rng=rng) == [1, 2, 0]


def test_accepted_samples_follow_the_tilted_policy():
    """Samples of three sorts, drawn evenly: of those accepted exp(score / beta) each."""
    rng, seen = Random(1), Counter()
    values, beta = [0.0, 1.0, 2.0], 1.5
    for _ in range(3000):
        drawn = [rng.choice(values) for _ in range(60)]
        (place,) = rejection_sample(drawn, beta=beta, count=1, rng=rng)
        seen[drawn[place]] += 1
    total = sum(math.exp(value / beta) for value in values)
    for value in values:
        share = math.exp(value / beta) / total
        deviation = math.sqrt(share * (1 - share) / 3000)
        assert seen[value] / 3000 == pytest.approx(share, abs=4 * deviation)


@pytest.mark.parametrize(
    ("seed", "accepted"), [(0, [2, 5, 3, 0]), (1, [0, 5, 2, 3]), (2, [2, 3, 5, 0])]
)
def test_the_papers_own_program_accepts_the_same(seed, accepted):
    """RSO's algorithm 1, run once on these scores and draws."""
    scores = [0.2, -1.0, 0.9, 0.4, -0.3, 1.1]
    assert rejection_sample(scores, beta=0.5, count=4, rng=Random(seed)) == accepted


def test_wrong_values_are_named():
    with pytest.raises(ValueError, match="count is 3; there are 2"):
        rejection_sample([1.0, 2.0], beta=1, count=3, rng=Random())
    with pytest.raises(ValueError, match="beta is 0"):
        rejection_sample([1.0], beta=0, count=1, rng=Random())
