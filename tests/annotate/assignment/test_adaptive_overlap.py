"""The replay of benchmarks.adaptive_overlap, on votes whose figures can be worked out."""

import math

import numpy as np
import pytest

from benchmarks.adaptive_overlap import Source, cheapest_fixed, measure, replay, right


def test_the_cheapest_mix_of_fixed_overlaps():
    labels, agreement = [1, 2, 3], [0.7, 0.7, 0.9]
    assert cheapest_fixed(labels, agreement, 0.7) == 1
    # Half of the items with one label, half with three; two labels are worth no more than one.
    assert cheapest_fixed(labels, agreement, 0.8) == pytest.approx(2)
    assert cheapest_fixed(labels, agreement, 0.9) == 3
    assert math.isnan(cheapest_fixed(labels, agreement, 0.95))


def test_a_replay_stops_once_decided_and_never_passes_the_cap():
    items = [[(0, one) for one in said] for said in ([0, 0, 1], [0, 1, 0], [0, 1, 2], [1, 1, 1])]
    asked = replay(items, 1, None, None)
    assert list(map(len, asked)) == [2, 3, 3, 2]
    assert list(right(asked, [0, 0, None, 1])) == [1, 1, 0, 1]
    assert right([[(0, 0), (0, 1)]], [1]) == pytest.approx([0.5])


def test_three_votes_that_agree_in_p_save_what_the_two_first_agree_in():
    """Two agree in p: one label of three is saved there, at the very same answers."""
    rng = np.random.default_rng(0)
    votes = [[(0, int(one)) for one in rng.random(3) < 0.8] for _ in range(600)]
    row = measure(Source("planted", 2, 1, votes, list(range(600))), seeds=10)[3]
    assert row[1] == "decided"
    equal = np.mean([
        (one[i] == one[j]) for one in votes for i, j in ((0, 1), (0, 2), (1, 2))
    ])  # fmt: skip
    assert float(row[2]) == pytest.approx(3 - equal, abs=0.03)
    assert row[3].startswith("1.000")
    assert row[4] == "3.00"
    assert float(row[5].split(" %")[0]) == pytest.approx(100 * equal / 3, abs=1.5)
