"""Which tier of people, where they differ in price."""

import numpy as np

from routing.policies.tiers import choose_tier


def test_a_tier_is_chosen_by_what_it_is_worth_for_its_price() -> None:
    worth = np.array([[0.2, 0.3], [0.01, 0.3], [-0.1, 0.05], [-0.2, -0.1], [0.1, 0.0]])
    assert choose_tier(worth, ()).tolist() == [1, 1, 1, 1, 0]
    # At three times the price an expert must be worth three times as much; and where nobody is
    # worth anything, whoever loses least stands there.
    assert choose_tier(worth, (1.0, 3.0)).tolist() == [0, 1, 1, 1, 0]
