"""What tasks come to where a reviewer settled them."""

from collections import defaultdict

from annotate.kinds.sayings import Label, Marked, Order
from annotate.quality.consensus import Outcome
from annotate.quality.methods import DAWID_SKENE, MAJORITY, PLACKETT_LUCE, SPAN_VOTE
from annotate.review.settled import settle


def test_the_settled_answer_stands_whatever_the_others_said():
    outcomes = defaultdict(Outcome)
    for method in (MAJORITY, DAWID_SKENE):
        outcomes[1, method].answers = [
            {"question": "", "about": "1,2", "label": "first", "votes": 3, "posterior": {},
             "entropy": 0.9, "divided": 0.7, "minds": ["first", "second"]},
            {"question": "safe", "about": "1", "label": 2, "votes": 3, "entropy": 0.1,
             "divided": 0.0},
        ]  # fmt: skip
    settle(outcomes, {1: [Label("", "1,2", "second")], 2: [Label("", "3,4", "tie")]})
    for method in (MAJORITY, DAWID_SKENE):
        verdict, safe = outcomes[1, method].answers
        assert (verdict["label"], verdict["votes"], verdict["settled"]) == ("second", 3, True)
        assert "minds" not in verdict
        assert safe["label"] == 2
        assert outcomes[1, method].divided == 0.0
    assert outcomes[2, MAJORITY].answers[0]["label"] == "tie"
    assert (2, DAWID_SKENE) not in outcomes


def test_orders_and_marks_too():
    outcomes = defaultdict(Outcome)
    voted = [{"start": 0, "end": 4, "type": "tone", "support": 0.6, "posterior": 0.8}]
    outcomes[1, SPAN_VOTE].answers = [
        {"question": "", "about": "7.0", "spans": voted, "stretches": voted, "votes": 3,
         "entropy": 0.5, "divided": 1.0},
        {"question": "", "about": "7.1", "spans": voted, "stretches": [], "votes": 3,
         "entropy": 0.5, "divided": 0.0},
    ]  # fmt: skip
    settle(outcomes, {1: [Marked("", 7, {1: [(2, 3, "typo")]}), Order("", ((5, 6), (4,)))]})
    first, second = outcomes[1, SPAN_VOTE].answers
    assert (first["spans"], first["stretches"], first["entropy"]) == ([], [], 0.0)
    assert [(one["start"], one["end"], one["type"]) for one in second["spans"]] == [(2, 3, "typo")]
    [order] = outcomes[1, PLACKETT_LUCE].answers
    assert order["order"] == [5, 6, 4]
    assert order["posterior"] == {"5": 0.5, "6": 0.5}
