"""Answers side by side, and spans of several people over each other."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds.sayings import Label, Marked, Order
from annotate.review.compare import compare, share_agreeing
from annotate.review.overlay import Marking, overlay
from annotate.review.texts import beside


def test_lines_are_what_was_asked_and_tell_who_differs():
    answers = [
        [Label("", "1,2", "first"), Label("safe", "1", 3)],
        [Label("", "1,2", "second"), Order("", ((1,), (2,)))],
        [Label("", "1,2", "first"), Order("", ((1,), (2,))), Label("safe", "1", 3)],
    ]
    verdict, safe, order = compare(answers)
    assert (verdict.question, verdict.about, verdict.divides) == ("", "1,2", True)
    assert [verdict.differs(place) for place in range(3)] == [False, True, False]
    assert safe.cells[1] is None
    assert not safe.divides
    assert not safe.differs(1)
    assert not order.divides
    assert share_agreeing(answers) == (1 + 1 + 1, 3 + 1 + 1)
    assert compare([]) == []


def test_of_two_that_differ_each_does_and_marks_are_compared_as_sets():
    one = Marked("", 7, {0: [(0, 3, "typo"), (5, 9, "tone")]})
    same = Marked("", 7, {0: [(5, 9, "tone"), (0, 3, "typo")]})
    none = Marked("", 7, {})
    assert not compare([[one], [same]])[0].divides
    [line] = compare([[one], [none]])
    assert [line.differs(0), line.differs(1)] == [True, True]
    ties = compare([[Order("", ((1, 2), (3,)))], [Order("", ((2, 1), (3,)))]])
    assert not ties[0].divides


texts = st.text(alphabet="ab 😀é\u200f\n", max_size=30)
markings = st.lists(
    st.builds(
        Marking, st.integers(0, 35), st.integers(0, 35), st.sampled_from("xy"), st.integers(0, 3)
    ),
    max_size=8,
)


@given(texts, markings)
def test_pieces_are_the_text_with_who_marked_each_character(text, found):
    pieces = overlay(text, found)
    assert "".join(piece.text for piece in pieces) == text
    start = 0
    for piece in pieces:
        for place in range(start, start + len(piece.text)):
            marked = {one for one in found if one.start <= place < one.end}
            assert set(piece.markings) == marked
        start += len(piece.text)
    for before, after in combinations(pieces, 2):
        assert before.text
        assert after.text


def test_what_is_said_beside_labels():
    value = {
        "answers": {
            "overall": {"verdict": "prefer", "preferred": 3, "strength": 2, "confidence": "fairly"},
            "errors": {
                "marks": [
                    {"response": 3, "part": 0, "start": 0, "end": 2, "type": "x", "note": "again"}
                ],
                "missing": [{"response": 3, "type": "missing_answer"}],
                "corrected": {"3": "whole"},
                "no_error": False,
            },
        },
        "asked": [{"name": "overall", "kind": "pairwise", "responses": [3, 5]}],
    }
    assert [tuple(one) for one in beside(value)] == [
        ("strength", ("overall",), 2),
        ("confidence", ("overall",), "fairly"),
        ("note", ("errors", "3"), "again"),
        ("missing", ("errors", "3"), "missing_answer"),
        ("corrected", ("errors", "3"), "whole"),
    ]
    critique = {"responses": {"3": {"critique": "Names no source.", "refined": "As …"}}}
    assert [tuple(one) for one in beside(critique)] == [
        ("critique", ("3",), "Names no source."),
        ("refined", ("3",), "As …"),
    ]
    chat = {
        "session": 7, "points": 100,
        "turns": {"0": {"preference": {"verdict": "prefer", "preferred": "A"}},
                  "1": {"ratings": {"A": 40}}},
        "final": {"preference": {"verdict": "tie"}, "ratings": {"overall": {"A": 80}}},
    }  # fmt: skip
    assert [tuple(one) for one in beside(chat)] == [
        ("turn", ("0",), "A"),
        ("turn", ("1", "A"), 40),
        ("turn", ("final",), "tie"),
        ("turn", ("final", "overall", "A"), 80),
    ]
