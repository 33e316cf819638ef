import numpy as np
import pytest
from scipy.stats import norm

from annotate.ranking.ballots import Ballot
from annotate.ranking.matchmaking import choose_group, pair_gains
from annotate.ranking.online import OnlineRating


def some_state(seed: int = 0, models: int = 6, votes: int = 8):
    rng = np.random.default_rng(seed)
    rating = OnlineRating(models, betas=[0.5], lapses=[0.0])
    for _ in range(votes):
        rating.update(Ballot.ranking(*rng.permutation(models)[:3].tolist()))
    return rating.mean_N, rating.covariance_NN


def loss(mean, covariance, weight) -> float:
    total = 0.0
    for a in range(len(mean)):
        for b in range(a):
            total += weight[a, b] * (covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])
    return total


def test_gains_are_the_expected_cut_of_the_loss_one_pair_at_a_time() -> None:
    mean, s = some_state()
    beta, models = 0.5, len(mean)
    weight = np.zeros((models, models))
    for a in range(models):
        for b in range(models):
            if a != b:
                spread = np.sqrt(s[a, a] + s[b, b] - 2 * s[a, b])
                weight[a, b] = norm.pdf(0, mean[a] - mean[b], spread)
    gains = pair_gains(mean, s, beta)
    for i in range(models):
        for j in range(models):
            if i == j:
                assert gains[i, j] == 0
                continue
            lean = s[:, i] - s[:, j]
            c = np.sqrt(lean[i] - lean[j] + 2 * beta**2)
            after = 0.0
            for sign in (1, -1):
                t = sign * (mean[i] - mean[j]) / c
                v = norm.pdf(t) / norm.cdf(t)
                cut = np.outer(lean, lean) / c**2 * v * (v + t)
                after += norm.cdf(t) * loss(mean, s - cut, weight)
            assert gains[i, j] == pytest.approx(loss(mean, s, weight) - after, rel=1e-4)


def test_a_group_begins_with_the_best_pair_and_grows_by_the_best_sum() -> None:
    mean, covariance = some_state(3)
    gains = pair_gains(mean, covariance, 0.5)
    group = choose_group(mean, covariance, 0.5, 3, rng=np.random.default_rng(0), jitter=0)
    assert gains[group[0], group[1]] == gains.max()
    sums = {one: gains[one, group[0]] + gains[one, group[1]] for one in range(6)}
    rest = [one for one in range(6) if one not in group[:2]]
    assert group[2] == max(rest, key=sums.__getitem__)


def test_close_and_uncertain_models_meet_before_far_or_settled_ones() -> None:
    mean = np.array([0.0, 0.1, 5.0, 5.1])
    covariance = np.diag([1.0, 1.0, 1e-4, 1e-4])
    group = choose_group(mean, covariance, 0.5, 2, rng=np.random.default_rng(0))
    assert sorted(group) == [0, 1]


def test_jitter_gives_people_different_groups_and_a_seed_the_same() -> None:
    mean, covariance = np.zeros(20), np.eye(20)
    groups = {
        tuple(sorted(choose_group(mean, covariance, 1.0, 4, rng=np.random.default_rng(seed))))
        for seed in range(20)
    }
    assert len(groups) > 15
    twice = [choose_group(mean, covariance, 1.0, 4, rng=np.random.default_rng(5)) for _ in range(2)]
    assert twice[0] == twice[1]


def test_all_models_may_be_the_group_and_none_comes_twice() -> None:
    mean, covariance = some_state(1)
    group = choose_group(mean, covariance, 0.5, 6, rng=np.random.default_rng(0))
    assert sorted(group) == list(range(6))


def test_variances_alone_choose_as_their_diagonal_does() -> None:
    mean, covariance = some_state(2)
    variance = np.diagonal(covariance).copy()
    lean = choose_group(mean, variance, 0.5, 4, rng=np.random.default_rng(1))
    full = choose_group(mean, np.diag(variance), 0.5, 4, rng=np.random.default_rng(1))
    assert lean == full


def test_among_thousands_the_unsettled_are_found() -> None:
    rng = np.random.default_rng(0)
    mean, variance = rng.standard_normal(2000), np.full(2000, 1e-4)
    variance[[17, 1234]] = 1.0
    mean[[17, 1234]] = 0.0
    group = choose_group(mean, variance, 0.5, 2, rng=rng)
    assert set(group) & {17, 1234}


@pytest.mark.parametrize("size", [1, 7])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    mean, covariance = some_state()
    with pytest.raises(ValueError, match="size"):
        choose_group(mean, covariance, 0.5, size, rng=np.random.default_rng(0))
