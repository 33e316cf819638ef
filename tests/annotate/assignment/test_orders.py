"""Orders of items: whole, repeatable, and each after its own rule."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.assignment import orders
from annotate.assignment.contract import Item

ITEMS = st.lists(
    st.builds(
        Item,
        id=st.integers(0, 10**6),
        votes=st.lists(st.sampled_from("ab"), max_size=4).map(tuple),
        stratum=st.sampled_from(["x", "y", "z"]),
        doubt=st.none() | st.floats(0, 2),
    ),
    max_size=25,
    unique_by=lambda item: item.id,
)
STRATEGIES = {
    "in order": orders.in_order,
    "random": lambda items: orders.random_order(items, seed=3),
    "stratified": orders.stratified,
    "least covered": orders.least_covered,
    "uncertainty": orders.uncertainty_first,
    "disagreement": orders.disagreement_first,
}


@given(ITEMS)
@pytest.mark.parametrize("name", STRATEGIES)
def test_every_order_has_every_item_once_and_is_repeatable(name, items):
    order = STRATEGIES[name](items)
    assert Counter(item.id for item in order) == Counter(item.id for item in items)
    assert STRATEGIES[name](items) == order


def ids(items):
    return [item.id for item in items]


def test_in_order_is_as_they_came():
    items = [Item(3), Item(1), Item(2)]
    assert ids(orders.in_order(items)) == [3, 1, 2]


def test_random_orders_differ_by_seed_and_stand_still_when_items_come_and_go():
    items = [Item(n) for n in range(200)]
    order = ids(orders.random_order(items, seed=1))
    assert order != ids(orders.random_order(items, seed=2)) != list(range(200))
    without = ids(orders.random_order(items[::2], seed=1))
    assert without == [n for n in order if n % 2 == 0]
    firsts = Counter(orders.random_order(items[:4], seed=seed)[0].id for seed in range(2000))
    assert all(440 < n < 560 for n in firsts.values())


def test_strata_take_turns_by_their_weights():
    items = [Item(n, stratum="rare" if n >= 90 else "common") for n in range(100)]
    order = orders.stratified(items)
    assert [item.stratum for item in order[:20]] == ["common", "rare"] * 10
    assert all(item.stratum == "common" for item in order[20:])
    weighted = orders.stratified(items, weights={"common": 3, "rare": 1})
    for size in range(1, 40):
        rare = sum(item.stratum == "rare" for item in weighted[:size])
        assert abs(rare - size / 4) <= 0.75
    behind = orders.stratified(items, done={"common": 4})
    assert [item.stratum for item in behind[:4]] == ["rare"] * 4
    with pytest.raises(ValueError, match="weights: stratum 'rare' has none"):
        orders.stratified(items, weights={"common": 1})


def test_least_covered_doubt_and_disagreement():
    votes = {1: "aab", 2: "", 3: "ab", 4: "aaa", 5: "a", 6: "abc"}
    items = [Item(n, votes=tuple(said)) for n, said in votes.items()]
    assert ids(orders.least_covered(items)) == [2, 5, 3, 1, 4, 6]
    assert ids(orders.disagreement_first(items)) == [3, 6, 1, 4, 2, 5]
    doubts = [Item(1, doubt=0.2), Item(2, doubt=None), Item(3, doubt=1.5), Item(4, doubt=0.0)]
    random.Random(0).shuffle(doubts)
    assert ids(orders.uncertainty_first(doubts)) == [2, 3, 1, 4]
