"""Which pairs of an order go out, against brute force over the order itself."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.interchange.pair_choice import PAIRS, choose_pairs
from annotate.kinds import ranking
from annotate.kinds.contract import Pair


@st.composite
def tiers(draw) -> list[list[int]]:
    order = draw(st.permutations(range(1, draw(st.integers(2, 7)) + 1)))
    cuts = sorted({0, len(order), *draw(st.sets(st.integers(1, len(order))))})
    return [list(order[a:b]) for a, b in itertools.pairwise(cuts)]


def chosen(tiers: list[list[int]], which: str) -> set[tuple[int, int, bool]]:
    ids = sorted(pk for tier in tiers for pk in tier)
    found = choose_pairs(ranking.pairs({"verdict": "full", "tiers": tiers}, ids), which)
    return {(pair.chosen, pair.rejected, pair.tie) for pair in found}


@given(tiers())
def test_orders_with_ties(tiers) -> None:
    place = {pk: number for number, tier in enumerate(tiers) for pk in tier}
    last = len(tiers) - 1
    couples = list(itertools.combinations(sorted(place), 2))
    ties = {(a, b, True) for a, b in couples if place[a] == place[b]}
    better = {(a, b, False) for a, b in itertools.permutations(place, 2) if place[a] < place[b]}
    assert chosen(tiers, "all") == ties | better
    near = {(a, b, tie) for a, b, tie in better if place[b] - place[a] == 1}
    assert chosen(tiers, "adjacent") == ties | near
    ends = {(a, b, tie) for a, b, tie in better if (place[a], place[b]) == (0, last)}
    assert chosen(tiers, "best_worst") == (ends if len(couples) > 1 else ties | better)


@pytest.mark.parametrize(
    ("value", "adjacent", "best_worst"),
    [
        ({"verdict": "best", "best": 2}, [(2, 1), (2, 3), (2, 4)], [(2, 1), (2, 3), (2, 4)]),
        (
            {"verdict": "best_worst", "best": 2, "worst": 4},
            [(2, 1), (1, 4), (2, 3), (3, 4)],
            [(2, 4)],
        ),
        ({"verdict": "tie"}, [(a, b) for a, b in itertools.combinations((1, 2, 3, 4), 2)], []),
        ({"verdict": "full", "tiers": [[3], [1], [4]], "unrankable": {"2": ""}},
         [(3, 1), (1, 4)], [(3, 4)]),
    ],
)  # fmt: skip
def test_answers_that_are_no_full_order(value, adjacent, best_worst) -> None:
    pairs = ranking.pairs(value, [1, 2, 3, 4])
    for which, expected in (("adjacent", adjacent), ("best_worst", best_worst)):
        found = [(pair.chosen, pair.rejected) for pair in choose_pairs(pairs, which)]
        assert sorted(found) == sorted(expected)


def test_one_pair_or_none_is_left_as_it_is() -> None:
    tie = [Pair(1, 2, 0, True)]
    assert len(PAIRS) == 3
    for which in PAIRS:
        assert choose_pairs(tie, which) == tie
        assert choose_pairs([], which) == []
