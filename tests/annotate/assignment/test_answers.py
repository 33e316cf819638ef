"""How many further people a task asks for, by what was said of it."""

import pytest

from annotate.assignment.answers import further, votes
from annotate.assignment.overlap import Overlap
from annotate.kinds.sayings import FIRST, SECOND, Label, Marked, Order


def pair(value: str, question: str = "") -> list:
    return [Label(question, "3,7", value)]


UNTIL_DECIDED = Overlap(2, 5)


@pytest.mark.parametrize(
    ("answers", "more"),
    [
        ([], 2),
        ([pair(FIRST)], 1),
        ([pair(FIRST), pair(FIRST)], 1),  # three more could still say the other
        ([pair(FIRST)] * 3, 0),
        ([pair(FIRST), pair(SECOND)], 1),
        ([pair(FIRST)] * 2 + [pair(SECOND)] * 2, 1),
        ([pair(FIRST)] * 2 + [pair(SECOND)] * 3, 0),  # nobody else may be asked
        ([pair(FIRST)] * 2 + [pair("tie")] * 4, 0),
    ],
)
def test_one_more_while_the_lead_may_change_up_to_the_cap(answers, more):
    assert further(UNTIL_DECIDED, answers, 2) == more


def test_a_threshold_stops_at_the_posterior_of_the_leader():
    """With two classes and a uniform share p of FIRST, P(p > 1/2) is 3/4, 7/8, 15/16 after one,
    two, three like votes; and 11/16 after two against one.
    """
    for like, share in ((1, 0.75), (2, 0.875), (3, 0.9375)):
        answers = [pair(FIRST)] * like
        assert further(Overlap(1, 9, share - 0.001), answers, 2) == 0
        assert further(Overlap(1, 9, share + 0.001), answers, 2) == 1
    differing = [pair(FIRST), pair(SECOND), pair(FIRST)]
    assert further(Overlap(1, 9, 0.687), differing, 2) == 0
    assert further(Overlap(1, 9, 0.688), differing, 2) == 1


def test_of_orders_and_of_ratings_it_is_asked_who_comes_first():
    orders = [
        [Order("", ((4,), (9, 2)))],
        [Order("", ((4,), (2,), (9,)))],
        [Order("", ((4, 9),), (2,))],
    ]
    [found] = votes(orders, 3)
    assert found.labels == (frozenset({4}), frozenset({4}), frozenset({4, 9}))
    assert found.classes == 3
    rated = [
        [Label("help", "4", 5, "ordinal"), Label("help", "9", 2, "ordinal"), Label("harm", "4", 1)],
        [Label("help", "4", 3, "ordinal"), Label("help", "9", 3, "ordinal")],
    ]
    [found] = votes(rated, 2)
    assert found.labels == (frozenset({4}), frozenset({4, 9}))


def test_each_label_of_the_first_question_may_ask_for_more():
    agree, differ = Label("topic", "4", "law"), Label("topic", "9", "law")
    answers = [[agree, differ], [agree, Label("topic", "9", "art")], [agree, differ]]
    assert [one.labels for one in votes(answers, 2)] == [("law",) * 3, ("law", "art", "law")]
    assert further(Overlap(1, 4), answers, 2) == 1
    assert further(Overlap(1, 4), [said[:1] for said in answers], 2) == 0
    only_one_asked = [[agree], [agree], [agree], [Label("other", "", "x")]]
    assert further(Overlap(1, 5), only_one_asked, 2) == 0


def test_what_cannot_be_compared_ends_with_the_least():
    marked = [[Marked("", 4, {0: [(0, 3, "wrong")]})], [Marked("", 4, {})]]
    assert votes(marked, 1) == []
    assert further(Overlap(2, 5), marked, 1) == 0
    assert further(Overlap(3, 5), marked, 1) == 1
    assert further(Overlap(2, 5), [[], []], 2) == 0
