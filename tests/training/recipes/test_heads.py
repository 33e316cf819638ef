"""Fits of heads against what statistics says of them, on vectors."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, Ridge

from benchmarks.list_recovery import Vectors, recovery_errors
from benchmarks.list_recovery import as_text as text
from training.data.criteria import RatedResponse
from training.data.lists import RankedList
from training.data.pairs import PreferencePair
from training.losses.plackett_luce import plackett_luce_loss
from training.recipes.gated_head import find_basis
from training.recipes.heads import fitting
from training.recipes.heads.ensemble import fit_ensemble
from training.recipes.heads.general_preference import fit_general_preference
from training.recipes.heads.multi_objective import fit_multi_objective
from training.recipes.heads.plackett_luce import LinearHead, fit_plackett_luce, gains_by_place
from training.recipes.linear_head import PreferenceRows, fit_linear_bradley_terry

WIDTH = 3


def prompt(vector=(0.0,) * WIDTH):
    return ({"role": "user", "content": text(vector)},)


def make_pairs(count, truth, seed=0):
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        a, b = generator.normal(size=(2, WIDTH))
        if generator.random() > 1 / (1 + np.exp(-(a - b) @ truth)):
            a, b = b, a
        found.append(PreferencePair(number, number, prompt(), text(a), text(b)))
    return found


def test_members_spread_as_the_posterior_does():
    """Against Laplace: the inverse of the curvature at the mode."""
    pairs, l2 = make_pairs(300, np.array([1.0, -0.5, 0.0])), 2.0
    head = fit_ensemble(pairs, Vectors(), l2=l2, members=120, penalty=1.0, seed=1)
    gaps = Vectors().responses([(None, p.chosen) for p in pairs]) - Vectors().responses(
        [(None, p.rejected) for p in pairs]
    )
    gaps /= float(head.tensors["scale"])
    mode = head.tensors["members"].mean(0).numpy()
    share = 1 / (1 + np.exp(-gaps @ mode))
    curvature = (gaps.T * (share * (1 - share))) @ gaps + l2 * np.eye(WIDTH)
    expected = np.sqrt(np.diag(np.linalg.inv(curvature)))
    spread = head.tensors["members"].std(0).numpy()
    assert spread == pytest.approx(expected, rel=0.3)


def test_the_middle_of_the_members_is_the_single_best_head_and_so_is_one_without_planes():
    """Against scikit-learn's; a prior that is too strong for planes leaves the plain reward."""
    pairs, l2 = make_pairs(200, np.array([1.0, -0.5, 0.0])), 50.0
    rows = [(None, t) for pair in pairs for t in (pair.chosen, pair.rejected)]
    vectors = Vectors().responses(rows)
    gaps = (vectors[::2] - vectors[1::2]) / (vectors - vectors.mean(0)).std()
    both, label = np.concatenate([gaps, -gaps]), np.repeat([1, 0], len(gaps))
    # Each pair stands there twice, so the prior counts twice too.
    best = LogisticRegression(C=1 / (2 * l2), fit_intercept=False, tol=1e-10).fit(both, label)
    head = fit_ensemble(pairs, Vectors(), l2=l2, members=3, penalty=1.0, seed=1)
    assert head.tensors["members"].mean(0).numpy() == pytest.approx(best.coef_[0], abs=1e-4)
    general = fit_general_preference(pairs, Vectors(), l2=l2, planes=1, seed=0)
    assert general.tensors["linear"].numpy() == pytest.approx(best.coef_[0], abs=1e-2)


def test_lists_are_fitted_to_the_optimum_that_scipy_finds():
    generator = np.random.default_rng(3)
    lists = [
        RankedList(
            number,
            number,
            prompt(),
            tuple(text(vector) for vector in generator.normal(size=(4, WIDTH))),
            tuple(generator.permutation(4).tolist()),
            False,
            "person",
            "",
        )
        for number in range(30)
    ]
    head = fit_plackett_luce(lists, Vectors(), l2=0.5, ties_count=True)
    vectors = Vectors().responses([(None, one) for ranked in lists for one in ranked.responses])
    x = (vectors - vectors.mean(0)) / (vectors - vectors.mean(0)).std()
    tiers = np.array([one.tiers for one in lists])

    def objective(w):
        total = 0.5 / 2 * w @ w
        for scores, tier in zip((x @ w).reshape(-1, 4), tiers, strict=True):
            ordered = scores[np.argsort(tier)]
            total -= sum(ordered[i] - np.logaddexp.reduce(ordered[i:]) for i in range(4))
        return total

    expected = minimize(objective, np.zeros(WIDTH), method="BFGS").x
    assert head.tensors["coefficients"].numpy() == pytest.approx(expected, abs=1e-4)


def test_criteria_with_gaps_are_ridge_regressions_of_what_was_rated():
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(60, WIDTH))
    truth = generator.normal(size=(WIDTH, 2))
    rated, known = [], generator.random((60, 2)) < 0.6
    for number, (vector, given) in enumerate(zip(vectors, vectors @ truth + 1.5, strict=True)):
        ratings = {n: float(given[i]) for i, n in enumerate("ab") if known[number, i]}
        rated.append(RatedResponse(number, number, prompt(), text(vector), ratings))
    head = fit_multi_objective(rated, [], Vectors(), criteria="ab", l2=4.0)
    x = (vectors - vectors.mean(0)) / (vectors - vectors.mean(0)).std()
    found = head.ratings([(None, text(vector)) for vector in vectors], Vectors()).numpy()
    for column in range(2):
        rows = known[:, column]
        ridge = Ridge(alpha=4.0).fit(x[rows], (vectors @ truth + 1.5)[rows, column])
        assert found[:, column] == pytest.approx(ridge.predict(x))


def test_a_tie_counts_only_where_ties_do():
    """By its tie, y is as good as x; without, nothing is known of y, whose reward stays at 0."""
    one = np.eye(WIDTH)
    ranked = RankedList(
        1, 1, prompt(), (text(one[0]), text(one[1]), text(one[2])), (0, 0, 1), False, "person", ""
    )
    rows = [(None, text(vector)) for vector in one]
    tied = fit_plackett_luce([ranked] * 5, Vectors(), l2=0.1, ties_count=True)
    x, y, z = tied.score_rows(rows, Vectors())
    assert x == pytest.approx(y, abs=1e-6)
    assert x > z
    tier = torch.tensor([ranked.tiers])
    reward = torch.tensor([[x, y, z]], dtype=torch.float64)
    moved = torch.tensor([[x + 1, y - 1, z]], dtype=torch.float64)
    assert plackett_luce_loss(moved, tier) > plackett_luce_loss(reward, tier)


class Layers:
    """Texts that are the states of two layers of two numbers, after a prompt that says nothing."""

    width = 2

    def layers(self, rows):
        found = Vectors().responses(rows)
        return np.hstack([np.zeros((len(found), self.width)), found]).astype(np.float32)


def test_lists_of_two_read_by_layers_are_the_linear_head_of_pairs():
    generator = np.random.default_rng(4)
    lists = []
    for number in range(60):
        pair = generator.normal(size=(2, 4)) * [1.0, 1.0, 30.0, 30.0]  # layers of unlike size
        better = int(pair[1].sum() > pair[0].sum())
        texts = (text(pair[better]), text(pair[1 - better]))
        lists.append(RankedList(number, number, (), texts, (0, 1), False, "person", ""))
    head = fit_plackett_luce(lists, Layers(), l2=2.0, ties_count=True, layers=True)
    rows = [((), one) for ranked in lists for one in ranked.responses]
    states = Layers().layers(rows)
    gap = find_basis(states, width=2, seed=0).expand(states, gated=False)
    ones, zeros = np.ones(len(lists)), np.zeros(len(lists))
    pairs = PreferenceRows(gap[::2] - gap[1::2], ones, ones, zeros)
    expected = pairs.gap_ND @ fit_linear_bradley_terry(pairs, l2=2.0)
    found = np.array(head.score_rows(rows, Layers()))
    assert found[::2] - found[1::2] == pytest.approx(expected, abs=1e-4)


def test_where_all_but_the_first_places_are_chance_they_alone_are_to_count():
    found = [recovery_errors(seed, lists=15, care=2) for seed in range(2)]
    mean = {way: np.mean([errors[way] for errors in found]) for way in found[0]}
    assert mean["lists_to_depth"] < 0.8 * mean["all_pairs"]
    assert mean["lists_to_depth"] < 0.8 * mean["lists"]


def test_gains_by_place_by_hand():
    parts = {"centre": torch.zeros(1), "scale": torch.ones(1), "coefficients": torch.ones(1)}
    head = LinearHead({name: part.double() for name, part in parts.items()}, {})

    def ranked(rewards, tiers):
        texts = tuple(text([reward]) for reward in rewards)
        return RankedList(1, 1, prompt(), texts, tiers, False, "person", "")

    def chosen(best, *others):
        return np.log(len(others) + 1) + best - np.log(sum(np.exp([best, *others])))

    whole = ranked((0.5, 2.0, -1.0), (1, 0, 2))
    shared = ranked((1.0, 0.0, 3.0), (0, 1, 1))  # its second place says nothing
    first, second = gains_by_place(head, [whole, shared, whole], Vectors())
    of_first = [chosen(2.0, 0.5, -1.0), chosen(1.0, 0.0, 3.0), chosen(2.0, 0.5, -1.0)]
    assert (first["place"], first["lists"], second["lists"]) == (1, 3, 2)
    assert first["gain"] == pytest.approx(np.mean(of_first))
    assert first["standard_error"] == pytest.approx(np.std(of_first, ddof=1) / 3**0.5)
    assert second["gain"] == pytest.approx(chosen(0.5, -1.0))
    assert second["standard_error"] == 0


def test_whole_lists_find_a_reward_again_better_than_their_pairs():
    """All pairs count a list too often; adjacent ones are biased (Azari Soufiani et al. 2014)."""
    found = [recovery_errors(seed) for seed in range(5)]
    mean = {way: np.mean([errors[way] for errors in found]) for way in found[0]}
    assert mean["lists"] < 0.98 * mean["all_pairs"]
    assert mean["lists"] < 0.85 * mean["adjacent_pairs"]


def test_what_is_badly_scaled_is_fitted_to_the_end_too():
    """A Bayesian neural layer in small: products of parameters, priors four decades apart."""
    rng = np.random.default_rng(0)
    inputs_ND = torch.from_numpy(rng.normal(size=(200, 30)) * np.logspace(0, -2, 30))
    wanted_N = torch.from_numpy(rng.normal(size=200))
    map_DE, out_E = (
        torch.from_numpy(rng.normal(size=shape)).requires_grad_() for shape in ((30, 3), (3,))
    )

    def objective():
        fitted_N = inputs_ND @ map_DE @ out_E
        prior = 0.5 * (1e-3 * map_DE.square().sum() + 10 * out_E.square().sum())
        return (wanted_N - fitted_N).square().sum() / 2 + prior

    value = fitting.minimise(objective, [map_DE, out_E])

    # Of a product m o with priors a and b the least that a vector w costs is sqrt(a b) |w|.
    def as_vector(w_D):
        residue_N = wanted_N.numpy() - inputs_ND.numpy() @ w_D
        return residue_N @ residue_N / 2 + (1e-3 * 10) ** 0.5 * np.linalg.norm(w_D)

    best = minimize(as_vector, rng.normal(size=30), method="BFGS", options={"maxiter": 5000})
    assert value == pytest.approx(best.fun, rel=1e-6)
