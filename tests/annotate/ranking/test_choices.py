from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from annotate.ranking.ballots import Ballot
from annotate.ranking.choices import Choices, choices_of

FORMS = [
    Ballot.ranking(0, 1),
    Ballot.ranking(0, 1, 2, 3, 4),
    Ballot.ranking([0, 1]),
    Ballot.ranking(0, [1, 2, 3], 4),
    Ballot.ranking([0, 1], [2, 3]),
    Ballot.best(0, [1, 2, 3]),
    Ballot.best_worst(0, [1, 2, 3], 4),
    Ballot(((0, 1), (2, 3), (4,)), unasked=1),
    Ballot(((0, 1), (2, 3)), unasked=0),
]


def log_plackett_luce(order, theta) -> float:
    total = 0.0
    for at in range(len(order)):
        total += theta[order[at]] - np.log(sum(np.exp(theta[one]) for one in order[at:]))
    return total


def brute_force(ballot: Ballot, theta) -> float:
    """Every order of every group: the mean of logs where tied, the log of the sum where unasked."""
    orders: list[list[tuple[int, ...]]] = [list(permutations(group)) for group in ballot.groups]

    def over(number: int, before: tuple[int, ...]) -> float:
        if number == len(orders):
            return log_plackett_luce(before, theta)
        values = [over(number + 1, before + order) for order in orders[number]]
        if number == ballot.unasked:
            return float(np.log(np.sum(np.exp(values))))
        return float(np.mean(values))

    return over(0, ())


def form(ballot: Ballot) -> Choices:
    return choices_of(tuple(len(group) for group in ballot.groups), ballot.unasked)


@pytest.mark.parametrize("ballot", FORMS)
def test_log_likelihood_is_that_of_every_order_by_brute_force(ballot: Ballot) -> None:
    theta = np.random.default_rng(4).normal(scale=2, size=(3, len(ballot.models)))
    found = form(ballot).log_likelihood(theta)
    assert found == pytest.approx([brute_force(ballot, row) for row in theta])


@pytest.mark.parametrize("ballot", FORMS)
def test_derivatives_are_those_of_differences(ballot: Ballot) -> None:
    choices, size = form(ballot), len(ballot.models)
    theta = np.random.default_rng(5).normal(size=size)
    gradient, curve = choices.derivatives(theta[None])
    wanted = approx_fprime(theta, lambda at: choices.log_likelihood(at[None])[0], 1e-6)
    assert gradient[0] == pytest.approx(wanted, abs=1e-5)
    for one in range(size):
        bent = approx_fprime(
            theta, lambda at, one=one: choices.derivatives(at[None])[0][0, one], 1e-6
        )
        assert -curve[0, one] == pytest.approx(bent, abs=1e-5)
    assert np.linalg.eigvalsh(curve[0]).min() > -1e-12, "concave"


def test_a_choice_far_below_the_top_stays_finite() -> None:
    theta = np.array([[2000.0, 0.0, 0.5]])
    found = form(Ballot.ranking(0, 1, 2)).log_likelihood(theta)
    assert found[0] == pytest.approx(-np.log1p(np.exp(0.5)))


def test_forms_too_large_to_count_are_refused() -> None:
    with pytest.raises(ValueError, match="between best and worst"):
        form(Ballot.best_worst(0, range(1, 9), 9))
    with pytest.raises(ValueError, match="13 models are tied"):
        form(Ballot.ranking(range(13)))
    assert form(Ballot.best(0, range(1, 40))).set_SK.shape == (1, 40)


@pytest.mark.parametrize(
    ("ballot", "worth"),
    [
        *((Ballot.ranking(*range(size)), worth)
          for size, worth in ((2, 1), (3, 2.33), (4, 3.83), (5, 5.43), (6, 7.10))),
        (Ballot.best(0, [1, 2, 3]), 1.5),
        (Ballot.best(0, [1, 2, 3, 4, 5]), 2 * (1 - 1 / 6)),
        (Ballot.best_worst(0, [1, 2], 3), 3.58),
        (Ballot.best_worst(0, [1, 2, 3, 4], 5), 5.78),
    ],
)  # fmt: skip
def test_what_a_ballot_is_worth_in_votes_on_pairs(ballot: Ballot, worth: float) -> None:
    """By Fisher's information between equal models, all outcomes being equally likely: the values
    by which best + worst is what K-wise tasks ask for.
    """
    equal = np.zeros((1, len(ballot.models)))
    gradient, _ = form(ballot).derivatives(equal)
    of_a_pair, _ = form(Ballot.ranking(0, 1)).derivatives(np.zeros((1, 2)))
    assert (gradient**2).sum() / (of_a_pair**2).sum() == pytest.approx(worth, abs=0.005)
