import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.assignment.overlap import Overlap, decided, wants_more
from annotate.quality.majority import majority


@given(st.lists(st.sampled_from("abc"), max_size=5), st.integers(1, 5))
def test_decided_is_what_all_possible_further_votes_say(votes, most):
    """Every way in which the votes up to `most` can turn out."""
    left = max(most - len(votes), 0)
    ends = {
        majority([*votes, *further], "abcd").leaders
        for further in itertools.product("abcd", repeat=left)
    }
    assert decided(votes, most) == (
        len(ends & {("a",), ("b",), ("c",)})
        == 1
        == len({leaders[0] if len(leaders) == 1 else leaders for leaders in ends})
    )


def test_disagreement_gets_one_more_person_up_to_the_cap():
    rule = Overlap(2, 5)
    assert wants_more(rule, [])
    assert wants_more(rule, ["a"])
    assert wants_more(rule, ["a", "b"])
    assert wants_more(rule, ["a", "a"])
    assert not wants_more(rule, ["a", "a", "a"])
    assert wants_more(rule, ["a", "b", "a", "b"])
    assert not wants_more(rule, ["a", "b", "a", "b", "c"])
    fixed = Overlap(3, 3)
    assert [wants_more(fixed, ["a"] * n) for n in range(5)] == [True, True, True, False, False]


def test_a_posterior_past_the_threshold_stops():
    rule = Overlap(2, 5, threshold=0.9)
    assert wants_more(rule, ["a"], [0.99, 0.01])
    assert wants_more(rule, ["a", "b"], [0.89, 0.11])
    assert not wants_more(rule, ["a", "a"], [0.9, 0.1])
    assert not wants_more(rule, list("aabbc"), [0.4, 0.6])
    with pytest.raises(ValueError, match="posterior: the overlap has a threshold"):
        wants_more(rule, ["a", "a"])


@pytest.mark.parametrize(
    ("wish", "message"),
    [((0, 3), "least: 0"), ((4, 3), "least: 4"), ((1, 3, 0.0), "threshold: 0"),
     ((1, 3, 1.1), "threshold: 1.1")],
)  # fmt: skip
def test_contradictions_are_refused(wish, message):
    with pytest.raises(ValueError, match=message):
        Overlap(*wish)
