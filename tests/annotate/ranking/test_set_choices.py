from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from annotate.ranking.set_choices import set_choices_of


def chance_of(sizes, utility, ties) -> float:
    """Of groups of these sizes, best first, from the definition; `ties`: log odds by size."""
    left, chance = list(range(len(utility))), 1.0

    def weight(some) -> float:
        odds = 0.0 if len(some) == 1 else ties[len(some)]
        return float(np.exp(odds + np.mean(utility[list(some)])))

    for size in sizes:
        every = [some for n in (1, *ties) for some in combinations(left, n)]
        chance *= weight(left[:size]) / sum(map(weight, every))
        left = left[size:]
    return chance


@pytest.mark.parametrize("sizes", [(1, 1), (2,), (1, 2, 1), (2, 1), (3,), (1, 1, 1, 1)])
def test_log_likelihood_and_its_derivatives_are_those_of_the_definition(sizes) -> None:
    rng = np.random.default_rng(0)
    utility, ties = rng.normal(size=(3, sum(sizes))), np.array([-0.3, 0.4])
    choices = set_choices_of(sizes, (2, 3))
    wanted = [np.log(chance_of(sizes, one, {2: -0.3, 3: 0.4})) for one in utility]
    assert choices.log_likelihood(utility, ties) == pytest.approx(wanted)
    gradient, curve = choices.derivatives(utility, ties)
    size = sum(sizes)
    for at, one in enumerate(utility):
        here = np.concatenate([one, ties])

        def slope(point):
            return choices.derivatives(point[None, :size], point[size:])[0][0]

        by_difference = approx_fprime(
            here, lambda p: choices.log_likelihood(p[None, :size], p[size:])[0], 1e-7
        )
        assert gradient[at] == pytest.approx(by_difference, abs=1e-5)
        assert curve[at] == pytest.approx(-approx_fprime(here, slope, 1e-7), abs=1e-5)


def test_chances_of_all_weak_orders_of_three_sum_to_one() -> None:
    utility = np.array([0.5, -1.0, 2.0])
    ties = np.array([0.7, -0.4])
    total = 0.0
    for sizes, orders in [
        ((1, 1, 1), [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]),
        ((1, 2), [(0, 1, 2), (1, 0, 2), (2, 0, 1)]),
        ((2, 1), [(0, 1, 2), (0, 2, 1), (1, 2, 0)]),
        ((3,), [(0, 1, 2)]),
    ]:
        choices = set_choices_of(sizes, (2, 3))
        values = choices.log_likelihood(utility[np.array(orders)], ties)
        total += float(np.exp(values).sum())
    assert total == pytest.approx(1.0)


def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(ValueError, match="2 were tied"):
        set_choices_of((2, 1), (3,))
    with pytest.raises(ValueError, match="too many orders"):
        set_choices_of((1,) * 14, tuple(range(2, 15)))
