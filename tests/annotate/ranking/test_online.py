from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from annotate.ranking.ballots import Ballot
from annotate.ranking.online import OnlineRating

GRID = np.linspace(-8, 8, 1601)


def one_filter(models: int, beta: float = 1.0, lapse: float = 0.0, **more) -> OnlineRating:
    return OnlineRating(models, betas=[beta], lapses=[lapse], **more)


@pytest.mark.parametrize(("projected", "within"), [(True, 1e-3), (False, 0.1)])
def test_pairs_between_two_models_follow_bayes_rule_on_a_grid(projected, within) -> None:
    """The strength's difference d ~ N(0, 2) is all there is; a vote is Φ(d / (β √2)).

    With the density brought back to a normal after each vote the figures agree exactly; without,
    what that costs is seen.
    """
    rating = one_filter(2, beta=0.8, lapse=0.1)
    density = norm.pdf(GRID, scale=np.sqrt(2))
    expected = 0.0
    for first, second in [(0, 1), (0, 1), (1, 0), (0, 1), (0, 1)]:
        rating.update(Ballot.ranking(first, second))
        density /= density.sum()
        sign = 1 if first == 0 else -1
        said = 0.9 * norm.cdf(sign * GRID / (0.8 * np.sqrt(2))) + 0.1 * 0.5
        expected += np.log((density * said).sum())
        density = density * said / (density * said).sum()
        mean = (density * GRID).sum()
        variance = (density * (GRID - mean) ** 2).sum()
        if projected:
            density = norm.pdf(GRID, mean, np.sqrt(variance))
    gap = rating.mean_N[0] - rating.mean_N[1]
    s = rating.covariance_NN
    assert gap == pytest.approx(mean, abs=within)
    assert s[0, 0] + s[1, 1] - 2 * s[0, 1] == pytest.approx(variance, abs=within)
    assert rating.filters[0][2] == pytest.approx(expected, abs=within)
    assert rating.mean_N.sum() == pytest.approx(0)


def test_a_lapse_makes_the_moments_of_a_mixture() -> None:
    whole, shared = one_filter(2), one_filter(2)
    whole.update(Ballot.ranking(0, 1))
    shared.update(Ballot.ranking(0, 1), trust=0.7)
    r = 0.7 * 0.5 / (0.7 * 0.5 + 0.3 * 0.5)  # Z = 1/2 and a blind vote is 1/2 too
    assert shared.mean_N == pytest.approx(r * whole.mean_N)
    wanted = r * whole.covariance_NN + (1 - r) * np.eye(2)
    wanted += r * (1 - r) * np.outer(whole.mean_N, whole.mean_N)
    assert shared.covariance_NN == pytest.approx(wanted)


@pytest.mark.parametrize("lapse", [0.0, 0.2])
def test_predictions_of_all_orders_sum_to_one(lapse: float) -> None:
    total = 0.0
    for order in permutations(range(4)):
        rating = one_filter(5, beta=0.7, lapse=lapse)
        rating.update(Ballot.ranking(4, 0, 1))
        before = rating.filters[0][2]
        rating.update(Ballot.ranking(*order))
        total += np.exp(rating.filters[0][2] - before)
    assert total == pytest.approx(1, abs=0.02)


def test_what_was_compared_long_ago_moves_with_what_is_compared_now() -> None:
    rating = one_filter(3, beta=0.2)
    rating.update(Ballot.ranking(0, 1))
    before = rating.mean_N
    rating.update(Ballot.ranking(1, 2))
    assert rating.mean_N[0] > before[0] + 0.1, "0 beat 1, and 1 is better than it was thought"


def test_trust_of_none_and_a_tie_of_all_change_nothing() -> None:
    rating = one_filter(3)
    rating.update(Ballot.ranking(0, 1, 2), trust=0)
    rating.update(Ballot.ranking([0, 1, 2]))
    assert (rating.mean_N == 0).all()
    assert (rating.covariance_NN == np.eye(3)).all()
    assert rating.filters == [(1.0, 0.0, 0.0)]


def test_the_filter_of_the_true_noise_leads_and_hopeless_ones_go() -> None:
    rng = np.random.default_rng(3)
    strength = rng.standard_normal(12)
    rating = OnlineRating(12, betas=(0.05, 1.0, 20.0), lapses=(0.0,))
    for _ in range(150):
        shown = rng.choice(12, 4, replace=False)
        played = strength[shown] + rng.standard_normal(4)
        rating.update(Ballot.ranking(*shown[np.argsort(-played)].tolist()))
    assert rating.beta == 1.0
    assert [beta for beta, _, _ in rating.filters] == [1.0]
    assert np.corrcoef(rating.mean_N, strength)[0, 1] > 0.9
    inside = np.abs(rating.mean_N - strength) < 2.5 * np.sqrt(rating.variance_N)
    assert inside.sum() >= 11


def test_a_new_model_begins_unknown_and_is_placed_in_few_votes() -> None:
    rating = one_filter(4, beta=0.05)
    for _ in range(3):
        rating.update(Ballot.ranking(0, 1, 2, 3))
    before, known = rating.mean_N, rating.covariance_NN
    assert rating.add_model() == 4
    assert rating.mean_N == pytest.approx([*before, 0.0])
    assert rating.covariance_NN[:4, :4] == pytest.approx(known)
    assert rating.covariance_NN[4] == pytest.approx([0, 0, 0, 0, 1])
    rating.update(Ballot.ranking(1, 4, 2))
    assert np.argsort(-rating.mean_N).tolist() == [0, 1, 4, 2, 3]


def test_variances_alone_are_kept_above_the_limit() -> None:
    rating = one_filter(3, full_up_to=3)
    for order in ([0, 1, 2], [1, 0, 2]):
        rating.update(Ballot.ranking(*order))
    variance = rating.variance_N
    rating.add_model()
    assert rating.covariance_NN is None
    assert rating.variance_N == pytest.approx([*variance, 1.0])
    rating.update(Ballot.ranking(3, 2))
    assert rating.variance_N[:2] == pytest.approx(variance[:2])
    assert rating.variance_N[2] < variance[2]


@given(order=st.permutations(range(5)), lapse=st.sampled_from([0.0, 0.3]))
def test_a_first_ballot_is_the_same_with_variances_alone(order: list[int], lapse: float) -> None:
    full, lean = one_filter(6, lapse=lapse), one_filter(6, lapse=lapse, full_up_to=2)
    for rating in (full, lean):
        rating.update(Ballot.ranking(*order))
    assert lean.mean_N == pytest.approx(full.mean_N)
    assert lean.variance_N == pytest.approx(full.variance_N)


def test_many_contradicting_votes_keep_a_covariance() -> None:
    rating = one_filter(4, beta=0.02)
    rng = np.random.default_rng(0)
    for _ in range(200):
        rating.update(Ballot.ranking(*rng.permutation(4).tolist()))
    assert np.isfinite(rating.mean_N).all()
    assert np.linalg.eigvalsh(rating.covariance_NN).min() > 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="betas"):
        OnlineRating(3, betas=[0.0])
    with pytest.raises(ValueError, match="lapses"):
        OnlineRating(3, lapses=[1.0])
    rating = OnlineRating(3)
    with pytest.raises(ValueError, match="no model 3"):
        rating.update(Ballot.ranking(0, 3))
    with pytest.raises(ValueError, match="trust"):
        rating.update(Ballot.ranking(0, 1), trust=1.1)
