"""Plackett-Luce against the sum over orders written out, and against Bradley-Terry."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from training.losses.bradley_terry import bradley_terry_loss
from training.losses.plackett_luce import counted_tiers, plackett_luce_loss


def rewards(*values):
    return torch.tensor([values], dtype=torch.float64)


def tiers(*values):
    return torch.tensor([values])


def probability(order, reward):
    """Of how an order begins: the product of choices among what is left."""
    left, found = sum(map(math.exp, reward)), 1.0
    for i in order:
        found *= math.exp(reward[i]) / left
        left -= math.exp(reward[i])
    return found


def orders_within(tier):
    names = sorted(set(tier))
    groups = [[i for i, t in enumerate(tier) if t == name] for name in names]
    for choice in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield [i for group in choice for i in group]


small = st.floats(-3, 3)


def ranked_lists():
    return st.integers(1, 5).flatmap(
        lambda k: st.tuples(
            st.lists(small, min_size=k, max_size=k),
            st.lists(st.integers(0, 3), min_size=k, max_size=k),
        )
    )


def closed(raw):
    """Tiers without gaps."""
    names = sorted(set(raw))
    return [names.index(tier) for tier in raw]


@given(ranked_lists())
def test_both_readings_of_ties_are_what_the_orders_written_out_give(drawn):
    reward, tier = drawn[0], closed(drawn[1])
    found = [probability(order, reward) for order in orders_within(tier)]
    args = rewards(*reward), tiers(*tier)
    tied = plackett_luce_loss(*args).item()
    assert tied == pytest.approx(-sum(map(math.log, found)) / len(found), abs=1e-9)
    unknown = plackett_luce_loss(*args, open_B=torch.tensor([True])).item()
    assert unknown == pytest.approx(-math.log(sum(found)), abs=1e-9)


def test_a_list_of_two_is_bradley_terry_with_its_half_targets():
    gap = torch.tensor([0.7], dtype=torch.float64)
    zero = torch.zeros_like(gap)
    found = plackett_luce_loss(rewards(0.7, 0.0), tiers(0, 1))
    assert found.item() == pytest.approx(bradley_terry_loss(gap, zero).item())
    tie = bradley_terry_loss(gap, zero, target_B=torch.tensor([0.5], dtype=torch.float64))
    assert plackett_luce_loss(rewards(0.7, 0.0), tiers(0, 0)).item() == pytest.approx(tie.item())
    anything = plackett_luce_loss(rewards(0.7, 0.0), tiers(0, 0), open_B=torch.tensor([True]))
    assert anything.item() == 0


def test_the_best_of_k_is_a_softmax():
    reward = rewards(0.3, -1.0, 2.0, 0.0)
    found = plackett_luce_loss(reward, tiers(1, 1, 0, 1), open_B=torch.tensor([True]))
    assert found.item() == pytest.approx(-reward.log_softmax(1)[0, 2].item())


def test_padding_and_a_constant_change_nothing_and_rows_keep_their_order():
    reward = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    tier = torch.tensor([[2, 0, 1, -1], [0, 1, 0, 1], [-1, 0, 1, 2]])
    together = plackett_luce_loss(reward, tier)
    for row in range(3):
        kept = tier[row] >= 0
        alone = plackett_luce_loss(reward[row][kept][None], tier[row][kept][None])
        assert together[row].item() == pytest.approx(alone.item())
    moved = plackett_luce_loss(reward + torch.tensor([[5.0], [-7.0], [700.0]]), tier)
    assert moved.tolist() == pytest.approx(together.tolist(), abs=1e-9)


@given(ranked_lists(), st.integers(1, 6))
def test_down_to_a_depth_a_list_says_how_it_begins_and_no_more(drawn, depth):
    reward, tier = drawn[0], closed(drawn[1])
    # A tier that begins within the depth counts whole.
    places = sum(sum(other < t for other in tier) < depth for t in tier)
    begun = [tuple(order[:places]) for order in orders_within(tier)]
    found = {start: probability(start, reward) for start in begun}
    args = rewards(*reward), tiers(*tier)
    tied = plackett_luce_loss(*args, depth=depth).item()
    assert tied == pytest.approx(-sum(math.log(found[s]) for s in begun) / len(begun), abs=1e-9)
    unknown = plackett_luce_loss(*args, depth=depth, open_B=torch.tensor([True])).item()
    assert unknown == pytest.approx(-math.log(sum(found.values())), abs=1e-9)


def test_behind_the_depth_a_dozen_equals_cost_nothing():
    reward = torch.randn(1, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = plackett_luce_loss(reward, tiers(*[1] * 12, 0), depth=1)
    assert found.item() == pytest.approx(-reward.log_softmax(1)[0, 12].item())


@pytest.mark.parametrize("is_open", [False, True])
def test_gradients(is_open):
    reward = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    tier = torch.tensor([[0, 1, 1, 1, 2], [1, 0, -1, -1, 0]])
    open_B = torch.tensor([is_open, is_open])
    assert gradcheck(lambda r: plackett_luce_loss(r, tier, open_B=open_B), [reward])


def test_ten_tied_responses_and_large_rewards_stay_finite():
    reward = torch.linspace(-300, 300, 10, requires_grad=True)[None]
    for is_open in (False, True):
        tier = torch.tensor([[0] * 9 + [1]])
        loss = plackett_luce_loss(reward, tier, open_B=torch.tensor([is_open]))
        assert torch.isfinite(loss).all()
        (slope,) = torch.autograd.grad(loss.sum(), reward)
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize(
    ("reward", "tier", "message"),
    [
        (torch.zeros(2), torch.zeros(2, dtype=torch.long), r"\[B, K\]"),
        (torch.zeros(1, 2), torch.zeros(1, 2), "integers"),
        (torch.zeros(1, 2), torch.zeros(1, 3, dtype=torch.long), "shape"),
        (torch.zeros(1, 2), torch.tensor([[0, 2]]), "gap"),
        (torch.zeros(1, 11), torch.zeros(1, 11, dtype=torch.long), "tier of 11"),
    ],
)
def test_what_is_no_ranking_is_refused(reward, tier, message):
    with pytest.raises(ValueError, match=message):
        plackett_luce_loss(reward, tier)


@pytest.mark.parametrize(
    ("sizes", "is_open", "depth", "counted"),
    [
        ((1, 2, 3), False, 0, 3),
        ((1, 2, 3), True, 0, 2),  # what is left comes last, in whatever order
        ((1, 2, 3), False, 1, 1),
        ((1, 2, 3), False, 2, 2),  # begins within two places, so it counts whole
        ((1, 2, 3), False, 4, 3),
        ((1, 2, 3), True, 6, 2),
        ((4,), True, 0, 0),
        ((), False, 0, 0),
        ((), True, 3, 0),
    ],
)
def test_which_tiers_say_something(sizes, is_open, depth, counted):
    assert counted_tiers(sizes, is_open, depth) == counted


def test_a_depth_below_none_is_refused():
    with pytest.raises(ValueError, match="depth is -1"):
        plackett_luce_loss(rewards(0.0, 1.0), tiers(0, 1), depth=-1)
