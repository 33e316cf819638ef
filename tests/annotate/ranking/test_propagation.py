import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from annotate.ranking.ballots import Ballot
from annotate.ranking.propagation import propagate


def some_normal(seed: int, size: int):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(size, size))
    return rng.normal(size=size), factor @ factor.T / size + 0.3 * np.eye(size)


def moments(mean, covariance, found):
    """x̂ and Ĉ of the first filter, from what moves them."""
    pull, hold = found.pull_FK[0], found.hold_FKK[0]
    return mean + covariance @ pull, covariance - covariance @ hold @ covariance


def test_one_constraint_is_the_textbooks_truncated_normal() -> None:
    mean, covariance = np.array([0.3, 0.9]), np.array([[1.5, 0.4], [0.4, 0.8]])
    found = propagate(mean[None], covariance[None], [(0, 1)])
    c = np.sqrt(1.5 + 0.8 - 2 * 0.4)
    t = (0.3 - 0.9) / c
    v = norm.pdf(t) / norm.cdf(t)
    lean = np.array([1.5 - 0.4, 0.4 - 0.8])
    got_mean, got_covariance = moments(mean, covariance, found)
    assert found.log_z_F[0] == pytest.approx(norm.logcdf(t))
    assert got_mean == pytest.approx(mean + lean / c * v)
    wanted = covariance - np.outer(lean, lean) / c**2 * v * (v + t)
    assert got_covariance == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(4))
def test_probability_of_an_order_is_close_to_genzs(seed: int) -> None:
    mean, covariance = some_normal(seed, 4)
    found = propagate(mean[None], covariance[None], [(0, 1), (1, 2), (2, 3)])
    cuts = np.array([[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1]], dtype=float)
    wanted = multivariate_normal.cdf(
        cuts @ mean, cov=cuts @ covariance @ cuts.T, rng=np.random.default_rng(0)
    )
    assert np.exp(found.log_z_F[0]) == pytest.approx(wanted, rel=0.05, abs=2e-4)


@pytest.mark.parametrize(
    "ballot",
    [Ballot.ranking(0, 1, 2, 3), Ballot.best(0, [1, 2, 3]), Ballot.best_worst(0, [1, 2], 3)],
)
def test_moments_are_close_to_those_of_draws(ballot: Ballot) -> None:
    mean, covariance = some_normal(7, 4)
    draws = np.random.default_rng(1).multivariate_normal(mean, covariance, 400_000)
    constraints = ballot.constraints()
    held = np.all([draws[:, i] > draws[:, j] for i, j in constraints], axis=0)
    assert held.sum() > 5000
    got_mean, got_covariance = moments(
        mean, covariance, propagate(mean[None], covariance[None], constraints)
    )
    assert got_mean == pytest.approx(draws[held].mean(0), abs=0.03)
    assert got_covariance == pytest.approx(np.cov(draws[held].T), abs=0.04)
    moved = np.abs(draws[held].mean(0) - mean).max()
    assert moved > 0.3, "the constraints should say something"


def test_filters_side_by_side_do_not_meet() -> None:
    both = [some_normal(seed, 3) for seed in (1, 2)]
    chain = [(0, 1), (1, 2)]
    together = propagate(np.array([m for m, _ in both]), np.array([c for _, c in both]), chain)
    for at, (mean, covariance) in enumerate(both):
        alone = propagate(mean[None], covariance[None], chain)
        assert together.log_z_F[at] == pytest.approx(alone.log_z_F[0], abs=1e-4)
        assert together.pull_FK[at] == pytest.approx(alone.pull_FK[0], abs=1e-3)


def test_an_order_that_nobody_expected_stays_finite() -> None:
    mean = np.array([[0.0, 30.0, 60.0]])
    covariance = 1e-2 * np.eye(3)[None]
    found = propagate(mean, covariance, [(0, 1), (1, 2)])
    assert found.log_z_F[0] < -10_000
    got_mean, got_covariance = moments(mean[0], covariance[0], found)
    assert got_mean == pytest.approx([30, 30, 30], abs=0.5)
    assert np.linalg.eigvalsh(got_covariance).min() > 0
