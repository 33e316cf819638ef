import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policies.draws import scaled_to, systematic_sample, uniform_draws


def test_draws_are_even_and_fixed_by_seed_purpose_and_id() -> None:
    ids = np.arange(100_000)
    draws = uniform_draws(7, ids)
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert ((counts - 5000) ** 2 / 5000).sum() < 45  # chi square of 19: .9993
    assert (uniform_draws(7, ids[::-1])[::-1] == draws).all()
    for other in (uniform_draws(8, ids), uniform_draws(7, ids, purpose=1)):
        assert abs(np.corrcoef(draws, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.02


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 10**6))
def test_a_systematic_sample_has_the_size_of_its_propensities(p: list[float], seed: int) -> None:
    propensity = np.array(p)
    ids = np.arange(len(p))
    drawn = systematic_sample(
        propensity, uniform_draws(seed, ids), float(uniform_draws(seed, ids[:1], 2)[0])
    )
    assert abs(drawn.sum() - propensity.sum()) < 1 + 1e-6
    assert drawn[propensity >= 1].all()
    assert not drawn[propensity == 0].any()


def test_each_row_is_drawn_with_its_propensity() -> None:
    propensity = np.array([0.05, 0.5, 0.9, 0.25, 1.0, 0.3])
    ids, hits = np.arange(6), np.zeros(6)
    for seed in range(4000):
        start = float(uniform_draws(seed, ids[:1], 2)[0])
        drawn = systematic_sample(propensity, uniform_draws(seed, ids), start)
        assert drawn.sum() == 3
        hits += drawn
    assert hits / 4000 == pytest.approx(propensity, abs=0.025)


def test_scaled_propensities_sum_to_the_total_within_their_bounds() -> None:
    weight = np.sqrt(np.random.default_rng(0).random(500))
    for total in (25.0, 100.0, 250.0, 480.0):
        found = scaled_to(weight, total, 0.05)
        assert found.sum() == pytest.approx(total)
        assert found.min() >= 0.05 - 1e-12
        assert found.max() <= 1
    assert scaled_to(weight, 10.0, 0.05) == pytest.approx(np.full(500, 0.02))
    assert (scaled_to(weight, 600.0, 0.05) == 1).all()
    assert len(scaled_to(np.zeros(0), 5.0, 0.05)) == 0
