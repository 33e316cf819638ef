"""Ballots: the model against its own definition, and planted bad people."""

import itertools
from math import factorial

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr

from annotate.quality.ballots import Ballot, Stages, annotator_plackett_luce, step
from tests.annotate.quality.test_one_coin import area


def plackett_luce(theta, order):
    """Choice by choice, as the definition has it."""
    p = 1.0
    for place in range(len(order)):
        p *= np.exp(theta[order[place]]) / np.exp([theta[one] for one in order[place:]]).sum()
    return p


def planted(seed, *, options=20, raters=40, each=30, size=4):
    """Of ten people three draw lots and one reverses every order."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=options)
    kind = np.array(["good"] * 24 + ["chance"] * 12 + ["reversed"] * 4)
    ballots = []
    for rater in range(raters):
        for _ in range(each):
            shown = rng.permutation(options)[:size]
            order = shown[np.argsort(-(theta[shown] + rng.gumbel(size=size)))]
            if kind[rater] == "chance":
                order = rng.permutation(shown)
            if kind[rater] == "reversed":
                order = order[::-1]
            ballots.append(Ballot(rater, tuple(order.tolist())))
    return theta, ballots, kind != "good"


def test_chances_of_all_ballots_sum_to_one_and_are_the_definition():
    theta = np.array([0.3, -1.0, 1.2, 0.1])
    orders = list(itertools.permutations(range(4)))
    full = Stages.of([Ballot(0, one) for one in orders], options=4, raters=1)
    assert np.exp(full.log_p_B(theta)) == pytest.approx([plackett_luce(theta, o) for o in orders])
    assert np.exp(full.log_chance_B) == pytest.approx(1 / factorial(4))
    two = [Ballot(0, one[:2], one[2:]) for one in orders if one[2] < one[3]]
    partly = Stages.of(two, options=4, raters=1)
    wanted = [plackett_luce(theta, b.order + b.rest) + plackett_luce(theta, b.order + b.rest[::-1])
              for b in two]  # fmt: skip
    assert np.exp(partly.log_p_B(theta)) == pytest.approx(wanted)
    assert np.exp(partly.log_chance_B) == pytest.approx(1 / 12)
    ragged = Stages.of([Ballot(0, (2, 0)), Ballot(0, (3, 1, 0))], options=4, raters=1)
    wanted = [plackett_luce(theta, (2, 0)), plackett_luce(theta, (3, 1, 0))]
    assert np.exp(ragged.log_p_B(theta)) == pytest.approx(wanted)


def test_it_is_the_mode_that_a_general_optimiser_finds():
    """log prod (eta PL + (1 - eta) / K!) + 3 sum log eta + sum (theta - exp theta)."""
    _, ballots, _ = planted(1, options=5, raters=3, each=20)
    found = annotator_plackett_luce(ballots, options=5, raters=3, iterations=5000)

    def negative(x):
        theta, eta = x[:5], 1 / (1 + np.exp(-x[5:]))
        likelihood = [
            eta[b.rater] * plackett_luce(theta, b.order) + (1 - eta[b.rater]) / 24 for b in ballots
        ]
        return -(np.log(likelihood).sum() + 3 * np.log(eta).sum() + (theta - np.exp(theta)).sum())

    at = minimize(negative, np.r_[np.zeros(5), np.ones(3)], method="BFGS", tol=1e-9)
    assert found.theta_O == pytest.approx(at.x[:5], abs=1e-3)
    assert found.trust_R == pytest.approx(1 / (1 + np.exp(-at.x[5:])), abs=1e-3)


def test_people_who_draw_lots_or_reverse_are_found_and_left_aside():
    """Ten ballots a person. "Blind" is plain Plackett-Luce, with the same prior of strengths."""
    gains, areas = [], []
    for seed in range(8):
        theta, ballots, bad = planted(seed, each=10)
        found = annotator_plackett_luce(ballots, options=20, raters=40)
        areas.append(area(-found.trust_R, bad))
        blind, everybody = np.zeros(20), np.ones(len(ballots))
        for _ in range(300):
            blind = step(found.stages, blind, everybody)
        rank = spearmanr(theta, found.theta_O).statistic
        assert rank > 0.9
        gains.append(rank - spearmanr(theta, blind).statistic)
    assert np.mean(gains) > 0.02
    assert np.mean(areas) > 0.88


@pytest.mark.parametrize("seed", range(3))
def test_with_thirty_ballots_a_person_all_of_them_are_found(seed):
    _, ballots, bad = planted(seed)
    found = annotator_plackett_luce(ballots, options=20, raters=40)
    assert area(-found.trust_R, bad) > 0.99


def test_gold_is_known_and_shows_who_goes_against_it():
    gold = [(0, 1, 2, 3)]
    ballots = [Ballot(0, (0, 1, 2, 3))] * 3 + [Ballot(1, (3, 2, 1, 0))] * 9
    told = annotator_plackett_luce(ballots, options=4, raters=2, gold=gold)
    assert list(np.argsort(-told.theta_O)) == [0, 1, 2, 3]
    assert told.trust_R[0] > 0.9
    assert told.trust_R[1] < 0.3
    blind = annotator_plackett_luce(ballots, options=4, raters=2)
    assert list(np.argsort(-blind.theta_O)) == [3, 2, 1, 0]
    with pytest.raises(ValueError, match=r"gold: an option of \[1, 0\] stands twice"):
        annotator_plackett_luce(ballots, options=4, raters=2, gold=[(0, 2), (1, 0)])


def test_the_best_is_surer_with_more_ballots():
    """Of two options, against the posterior of their difference by quadrature."""
    for wins, losses in ((2, 1), (12, 4)):
        ballots = [Ballot(0, (0, 1))] * wins + [Ballot(0, (1, 0))] * losses
        found = annotator_plackett_luce(ballots, options=2, raters=1)
        grid = np.linspace(-9, 6, 500)
        a, b = np.meshgrid(grid, grid, indexing="ij")
        eta = found.trust_R[0]
        p = 1 / (1 + np.exp(b - a))
        log = wins * np.log(eta * p + (1 - eta) / 2) + losses * np.log(
            eta * (1 - p) + (1 - eta) / 2
        )
        density = np.exp(log + a - np.exp(a) + b - np.exp(b))
        wanted = density[a > b].sum() / density[a != b].sum()
        assert found.best([0, 1])[0] == pytest.approx(wanted, abs=0.04)
    nothing = annotator_plackett_luce([], options=3, raters=1)
    assert nothing.entropy([0, 1, 2]) == pytest.approx(np.log2(3), abs=0.01)
    assert found.entropy([0, 1]) < 0.5


@pytest.mark.parametrize(
    ("ballot", "message"),
    [
        (Ballot(0, (1, 1)), "ballot 0: rank two options or more, each once"),
        (Ballot(0, (1,)), "ballot 0: rank two"),
        (Ballot(0, (), (0, 1)), "ballot 0: rank two"),
        (Ballot(0, (0, 3)), "options go from 0 to 2"),
        (Ballot(2, (0, 1)), "raters to 1"),
    ],
)
def test_impossible_ballots_are_refused(ballot, message):
    with pytest.raises(ValueError, match=message):
        annotator_plackett_luce([ballot], options=3, raters=2)
