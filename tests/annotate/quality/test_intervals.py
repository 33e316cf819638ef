from math import sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.quality.intervals import Z95, mean_interval, share_interval, t95, wilson


def test_wilson_equals_newcombe_worked_example() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263.
    low, high = wilson(81, 263)
    assert low == pytest.approx(0.2553, abs=5e-5)
    assert high == pytest.approx(0.3662, abs=5e-5)


def test_wilson_at_the_edges_stays_a_proportion() -> None:
    # Same table: 0 of 20 and 1 of 29.
    assert wilson(0, 20) == (0.0, pytest.approx(0.1611, abs=5e-5))
    assert wilson(1, 29) == (pytest.approx(0.0061, abs=5e-5), pytest.approx(0.1718, abs=5e-5))
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_estimate_and_mirrors(hits_count: tuple[int, int]) -> None:
    hits, count = hits_count
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count <= high <= 1
    mirrored = wilson(count - hits, count)
    assert mirrored[0] == pytest.approx(1 - high, abs=1e-12)
    assert mirrored[1] == pytest.approx(1 - low, abs=1e-12)


def test_wilson_refuses_more_hits_than_trials() -> None:
    with pytest.raises(ValueError, match="hits"):
        wilson(3, 2)


def test_mean_of_clusters_of_one_is_the_mean_of_a_sample():
    """Half-width 1.96 s / sqrt(n), with s from n - 1."""
    values = [0.0, 0.5, 1.0, 1.0, 0.25, 0.75]
    low, high = mean_interval([(value, 1) for value in values])
    mean, half = fmean(values), Z95 * stdev(values) / sqrt(len(values))
    assert (low, high) == pytest.approx((mean - half, mean + half))


def test_values_that_hang_together_make_the_interval_wider():
    low, high = mean_interval([(3.0, 3), (0.0, 3)] * 10)
    narrow = mean_interval([(1.0, 1), (0.0, 1)] * 30)
    assert high - low > 1.6 * (narrow[1] - narrow[0])
    assert (low + high) / 2 == pytest.approx(0.5)


def test_mean_interval_at_the_ends():
    assert mean_interval([]) is None
    assert mean_interval([(2.0, 3)]) is None
    assert mean_interval([(2.0, 2), (1.0, 1)]) == (1.0, 1.0)
    assert mean_interval([(0.0, 1), (1.0, 1)]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (10, 2.22814), (29, 2.04523), (120, 1.97993)],
)
def test_student_s_points_as_tables_have_them(degrees, expected):
    assert t95(degrees) == pytest.approx(expected, abs=5e-5)


def test_student_s_points_fall_to_the_normal_one():
    points = [t95(degrees) for degrees in range(1, 400)]
    assert points == sorted(points, reverse=True)
    assert t95(10**7) == pytest.approx(Z95, abs=1e-6)
    with pytest.raises(ValueError, match="at least 1"):
        t95(0)


def test_shares_without_spread_have_an_interval() -> None:
    assert share_interval([(1.0, 1)] * 9) == wilson(9, 9)
    assert share_interval([(0.0, 2)] * 9) == wilson(0, 9)
    assert share_interval([(1.0, 1), (0.0, 1), (1.0, 1)]) == mean_interval([(1, 1), (0, 1), (1, 1)])
    assert share_interval([(1.0, 1)]) is None
