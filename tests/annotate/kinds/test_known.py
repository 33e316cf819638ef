"""Right and wrong, by each kind's distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate import kinds
from annotate.kinds import form
from annotate.kinds.known import UNKNOWABLE, can_be_known, grade
from tests.annotate.kinds.examples import EXAMPLES


def prefer(pk: int, strength: int = 1) -> dict:
    return {"verdict": "prefer", "preferred": pk, "strength": strength}


def rated(**ratings) -> dict:
    return {"ratings": {"1": ratings}, "scales": {name: [1, 5] for name in ratings}}


@pytest.mark.parametrize(
    ("kind", "value", "known", "tolerance", "right"),
    [
        ("pairwise", prefer(1, 3), prefer(1), None, True),
        ("pairwise", prefer(2), prefer(1), None, False),
        ("pairwise", {"verdict": "tie"}, prefer(1), None, False),
        ("pairwise", {"verdict": "tie"}, prefer(1), 0.5, True),
        ("rating", rated(a=4), rated(a=5), None, True),
        ("rating", rated(a=3), rated(a=5), None, False),
        ("rating", rated(a=3), rated(a=5), 0.5, True),
        ("rating", rated(a=5, b=3), rated(a=5, b=5), None, True),
        ("labels", {"labels": ["x"]}, {"labels": ["x"]}, None, True),
        ("labels", {"labels": ["x", "y"]}, {"labels": ["x"]}, None, False),
        ("labels", {"labels": ["x", "y"]}, {"labels": ["x"]}, 0.5, True),
    ],
)
def test_a_distance_within_the_tolerance_is_right(kind, value, known, tolerance, right):
    assert grade(kind, value, known, [1, 2], tolerance).right is right


def spans(*marks: tuple[int, int, str]) -> dict:
    listed = [
        {"response": 1, "part": 0, "start": a, "end": b, "type": name} for a, b, name in marks
    ]
    return {"marks": listed, "missing": [], "corrected": {}, "no_error": not marks}


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ([(0, 10, "wrong")], True),
        ([(0, 8, "wrong")], True),
        ([(0, 4, "wrong")], True),  # F1 = 2 * 4 / (4 + 10) = .57
        ([(0, 3, "wrong")], False),  # 2 * 3 / 13 = .46
        ([(10, 20, "wrong")], False),
        ([], False),
    ],
)
def test_spans_are_right_from_half_overlap_on(said, right):
    assert grade("spans", spans(*said), spans((0, 10, "wrong")), [1]).right is right


def answers(**said) -> dict:
    kind_of = {"which": "pairwise", "how": "rating", "words": "critique"}
    asked = [{"name": name, "kind": kind_of[name], "responses": [1, 2]} for name in said]
    return {"answers": said, "asked": asked}


def test_of_a_form_every_known_question_must_be_right():
    known = answers(which=prefer(1), how=rated(a=5))
    assert grade("form", answers(which=prefer(1), how=rated(a=4)), known, [1, 2]) == (True, 0.25)
    assert not grade("form", answers(which=prefer(1), how=rated(a=1)), known, [1, 2]).right
    assert grade("form", answers(which=prefer(1)), known, [1, 2]) == (False, 1.0)
    # What nobody knows is not asked for, nor are words compared.
    only = answers(which=prefer(1), words={"responses": {}})
    assert grade("form", answers(which=prefer(1), how=rated(a=1)), only, [1, 2]).right


@pytest.mark.parametrize("kind", sorted(EXAMPLES.keys() - UNKNOWABLE - {form.NAME}))
@given(data=st.data())
def test_an_answer_is_right_where_it_is_the_known_one(kind, data):
    example = data.draw(EXAMPLES[kind])
    module = kinds.get(kind)
    settings = module.clean_settings(example.settings)
    assert can_be_known(kind, settings)
    value = module.clean_value(example.values[0], shown=example.shown, settings=settings)
    graded = grade(kind, value, value, list(example.shown.response_ids))
    assert graded.distance in (0, 1)
    assert graded.right == (graded.distance == 0)


def test_words_and_conversations_have_no_known_answer():
    assert {kind for kind in EXAMPLES if not can_be_known(kind, None)} == {"chat", "critique"}
