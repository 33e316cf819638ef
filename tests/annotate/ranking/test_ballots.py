from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.ranking.ballots import Ballot


def agrees(order: tuple[int, ...], groups: tuple[tuple[int, ...], ...]) -> bool:
    at = 0
    for group in groups:
        if set(order[at : at + len(group)]) != set(group):
            return False
        at += len(group)
    return True


@st.composite
def grouped(draw) -> Ballot:
    models = draw(st.permutations(range(draw(st.integers(2, 6)))))
    groups: list[list[int]] = [[models[0]]]
    for model in models[1:]:
        if draw(st.booleans()):
            groups.append([])
        groups[-1].append(model)
    return Ballot.ranking(*groups)


@given(ballot=grouped())
def test_constraints_and_chance_are_those_of_counting_all_orders(ballot: Ballot) -> None:
    orders = list(permutations(ballot.models))
    right = {order for order in orders if agrees(order, ballot.groups)}
    held = {
        order
        for order in orders
        if all(
            order.index(ballot.models[better]) < order.index(ballot.models[worse])
            for better, worse in ballot.constraints()
        )
    }
    assert held == right
    assert ballot.chance() == pytest.approx(len(right) / len(orders))


def test_best_and_worst_leave_the_order_between_open() -> None:
    ballot = Ballot.best_worst(4, [1, 2], 0)
    assert ballot.groups == ((4,), (1, 2), (0,))
    assert ballot.unasked == 1
    assert ballot.constraints() == [(0, 1), (0, 2), (1, 3), (2, 3)]
    assert Ballot.best_worst(4, [], 0) == Ballot.ranking(4, 0)
    assert Ballot.best(3, [0, 1, 2]).constraints() == [(0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize(
    ("groups", "unasked", "reason"),
    [
        (((0,),), None, "two models"),
        (((0,), (), (1,)), None, "empty"),
        (((0, 1), (1,)), None, "twice"),
        (((0,), (-1,)), None, "from 0"),
        (((0,), (1,)), 2, "unasked"),
    ],
)
def test_what_is_no_ballot_is_refused(groups, unasked, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Ballot(groups, unasked)
