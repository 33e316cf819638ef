"""Judged conversations: what a session allows, what is refused and where, distance."""

import copy

import pytest

from annotate.kinds import InvalidValue, chat
from annotate.kinds.contract import Shown

REPLIES = [["A", "B"], ["A"], [], ["B", "A"]]
TURNS = {
    "0": {"preference": {"verdict": "prefer", "preferred": "A"}, "ratings": {"A": 5, "B": 2}},
    "1": {"ratings": {"A": 3}},
    "3": {"preference": {"verdict": "all_bad"}, "ratings": {"A": 1, "B": 1}},
}
FINAL = {
    "preference": {"verdict": "prefer", "preferred": "B"},
    "ratings": {"overall": {"A": 2, "B": 4}},
}
VALUE = {"session": 7, "turns": TURNS, "final": FINAL}


def clean(value: object, session: object = {"id": 7, "replies": REPLIES}, **asked: object) -> dict:
    return chat.clean_value(
        value,
        shown=Shown((), context=None if session is None else {"session": session}),
        settings=chat.clean_settings({"turn": "both", **asked}),
    )


def test_an_answer_as_stored():
    assert clean(VALUE) == {**VALUE, "points": 5}
    only_final = {"session": 7, "final": {"preference": {"verdict": "tie"}}}
    assert clean(only_final, turn="none", final="preference") == {**only_final, "points": 5}
    # Where one model replied, a preference is not asked for.
    turns = {turn: {"preference": TURNS[turn]["preference"]} for turn in ("0", "3")}
    value = {"session": 7, "turns": turns}
    assert clean(value, turn="preference", final="none") == {**value, "points": 5}


def changed(path: str, new: object) -> dict:
    """VALUE with `new` at the path, or without it for `...`."""
    value = copy.deepcopy(VALUE)
    *above, last = path.split(".")
    at = value
    for name in above:
        at = at[name]
    if new is ...:
        del at[last]
    else:
        at[last] = new
    return value


@pytest.mark.parametrize(
    ("path", "new", "field"),
    [
        ("session", ..., None),
        ("session", 8, None),
        ("session", "7", None),
        ("session", True, None),
        ("points", 100, None),
        ("turns", ..., "value.turns.0"),
        ("turns", [], None),
        ("turns.1", ..., None),
        ("turns.2", {}, None),
        ("turns.4", {}, None),
        ("turns.0", [], None),
        ("turns.0.preference", ..., None),
        ("turns.0.preference", "A", None),
        ("turns.0.preference.verdict", "both_bad", None),
        ("turns.0.preference.preferred", "C", None),
        ("turns.0.preference.preferred", 0, None),
        ("turns.3.preference.preferred", "A", None),
        ("turns.1.preference", {"verdict": "tie"}, None),
        ("turns.0.ratings", ..., None),
        ("turns.0.ratings.B", ..., None),
        ("turns.0.ratings.C", 3, None),
        ("turns.0.ratings.A", 6, None),
        ("turns.0.ratings.A", 0, None),
        ("turns.0.ratings.A", True, None),
        ("turns.0.ratings.A", 2.0, None),
        ("turns.0.ratings.A", float("nan"), None),
        ("turns.1.ratings.B", 3, None),
        ("final", ..., "value.final.preference"),
        ("final.ratings", ..., None),
        ("final.ratings.fluency", {"A": 1}, None),
        ("final.ratings.overall.B", None, None),
        ("final.winner", "A", None),
    ],
)
def test_refused_answers(path, new, field):
    with pytest.raises(InvalidValue) as refused:
        clean(changed(path, new))
    assert refused.value.field == (field or f"value.{path}")


def test_a_conversation_that_began_with_more_models_and_turns_than_are_asked_for():
    session = {"id": 7, "replies": [["A", "C"]] * 2}
    turns = {turn: {"ratings": {"A": 1, "C": 2}} for turn in ("0", "1")}
    value = {"session": 7, "turns": turns}
    asked = {"models": 1, "turn": "rating", "final": "none", "max_turns": 1}
    assert clean(value, session, **asked) == {**value, "points": 5}


@pytest.mark.parametrize(
    ("session", "field"),
    [
        (None, "context.session"),
        ([], "context.session"),
        ({"replies": REPLIES}, "context.session.id"),
        ({"id": 0, "replies": REPLIES}, "context.session.id"),
        ({"id": 7}, "context.session.replies"),
        ({"id": 7, "replies": [["A", "G"]]}, "context.session.replies.0.1"),
        ({"id": 7, "replies": [["A", "A"]]}, "context.session.replies.0.1"),
        ({"id": 7, "replies": [["A"]] * 201}, "context.session.replies"),
        ({"id": 7, "replies": []}, "value.turns"),
        ({"id": 7, "replies": REPLIES, "running": [3]}, "value.turns.3"),
        ({"id": 7, "replies": REPLIES, "running": [4]}, "context.session.running.0"),
        ({"id": 7, "replies": REPLIES, "running": 3}, "context.session.running"),
        ({"id": 7, "replies": [[]]}, "value.turns"),
    ],
)
def test_an_answer_needs_a_conversation(session, field):
    with pytest.raises(InvalidValue) as refused:
        clean(VALUE, session)
    assert refused.value.field == field


def test_a_conversation_with_nothing_to_compare_is_no_answer():
    with pytest.raises(InvalidValue) as refused:
        clean(
            {"session": 7},
            {"id": 7, "replies": [["A"], ["A"]]},
            turn="preference",
            final="preference",
        )
    assert refused.value.field == "value.final"
    with pytest.raises(InvalidValue) as refused:
        clean(VALUE, min_turns=4)
    assert refused.value.field == "value.turns"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"models": 7}, "models"),
        ({"models": 0}, "models"),
        ({"models": True}, "models"),
        ({"turn": "all"}, "turn"),
        ({"turn": "none", "final": "none"}, "final"),
        ({"models": 1, "turn": "preference"}, "turn"),
        ({"models": 1, "turn": "rating", "final": "preference"}, "final"),
        ({"final_criteria": []}, "final_criteria"),
        ({"final_criteria": ["a", "a"]}, "final_criteria.1"),
        ({"final_criteria": ["a b"]}, "final_criteria.0"),
        ({"points": 1}, "points"),
        ({"min_turns": 21}, "min_turns"),
        ({"max_turns": 0}, "max_turns"),
    ],
)
def test_refused_settings(asked, field):
    with pytest.raises(InvalidValue) as refused:
        chat.clean_settings(asked)
    assert refused.value.field == f"kind_settings.{field}"


def test_distance_by_hand():
    a = clean(VALUE)
    # Said by both: preferences of turns 0, 3 and the end, five ratings of turns, two of the end.
    b = clean(changed("turns.0.preference.preferred", "B"))
    assert chat.distance(a, b, []) == pytest.approx(1 / 10)
    b = clean(changed("turns.3.preference", {"verdict": "prefer", "preferred": "A"}))
    assert chat.distance(a, b, []) == pytest.approx(0.5 / 10)
    b = clean(changed("final.ratings.overall.A", 5))
    assert chat.distance(a, b, []) == pytest.approx(0.75 / 10)
    b = clean(changed("final.preference", {"verdict": "tie"}))
    assert chat.distance(a, b, []) == pytest.approx(0.5 / 10)
    assert chat.distance(a, {**a, "session": 8}, []) == 1
    assert chat.pairs(a, []) == []
