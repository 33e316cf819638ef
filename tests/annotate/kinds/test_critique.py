"""Critiques and refined responses: what is refused and where, how unlike two are."""

import pytest

from annotate.kinds import InvalidValue, critique
from annotate.kinds.contract import Shown, ShownResponse

TEXT = "Paris is the capital.\n\nOf Spain."
PARTS = ({"type": "text", "text": "Paris is the capital."}, {"type": "text", "text": "Of Spain."})
SHOWN = Shown((ShownResponse(6, PARTS), ShownResponse(5, ({"type": "text", "text": "Madrid."},))))
WELL = {"critique": "Right, but short.", "refined": "Madrid is the capital of Spain."}


def clean(responses: object, **asked: object) -> dict:
    return critique.clean_value(
        {"responses": responses}, shown=SHOWN, settings=critique.clean_settings(asked)
    )


def test_an_answer_as_stored():
    wrong = {"critique": "<b>Wrong</b>: it is Madrid. 🇪🇸"}
    assert clean({"6": wrong, "5": WELL}) == {"responses": {"5": WELL, "6": wrong}}
    assert clean({"6": {}, "5": {"critique": " "}} | {"6": wrong}, critique_min_chars=0) == {
        "responses": {"5": {}, "6": wrong}
    }


@pytest.mark.parametrize(
    ("entry", "asked", "field"),
    [
        (None, {}, "value.responses.6"),
        ("wrong", {}, "value.responses.6"),
        ({}, {}, "value.responses.6.critique"),
        ({"critique": "  "}, {}, "value.responses.6.critique"),
        ({"critique": 5}, {}, "value.responses.6.critique"),
        ({"critique": "\0"}, {}, "value.responses.6.critique"),
        ({"critique": "too short"}, {"critique_min_chars": 10}, "value.responses.6.critique"),
        ({"critique": "x" * 20_001}, {}, "value.responses.6.critique"),
        ({"critique": "x", "tone": "x"}, {}, "value.responses.6.tone"),
        ({"critique": "x", "refined": TEXT}, {}, "value.responses.6.refined"),
        (
            {"critique": "x", "refined": TEXT.replace("\n", "\r\n")},
            {},
            "value.responses.6.refined",
        ),
        ({"critique": "x", "refined": f" {TEXT}\n"}, {}, "value.responses.6.refined"),
        ({"critique": "x", "refined": ""}, {}, "value.responses.6.refined"),
        ({"critique": "x", "refined": None}, {}, "value.responses.6.refined"),
        ({"critique": "x", "refined": "x" * 100_001}, {}, "value.responses.6.refined"),
        ({"critique": "x"}, {"refinement": "required"}, "value.responses.6.refined"),
        (WELL, {"refinement": "none"}, "value.responses.6.refined"),
    ],
)
def test_refused_answers(entry, asked, field):
    other = {"critique": "long enough"} if asked.get("refinement") == "none" else WELL
    with pytest.raises(InvalidValue) as refused:
        clean({"5": other, "6": entry}, **asked)
    assert refused.value.field == field


def test_every_response_needs_an_entry_and_one_must_say_something():
    for responses, field in [
        ({"5": WELL}, "value.responses.6"),
        ({"5": {}, "6": {}}, "value.responses"),
        ([], "value.responses"),
    ]:
        with pytest.raises(InvalidValue) as refused:
            clean(responses, critique_min_chars=0)
        assert refused.value.field == field


@pytest.mark.parametrize(
    "asked", [{"critique_min_chars": -1}, {"critique_min_chars": True}, {"refinement": True}]
)
def test_refused_settings(asked):
    with pytest.raises(InvalidValue) as refused:
        critique.clean_settings(asked)
    assert refused.value.field == f"kind_settings.{next(iter(asked))}"


def test_distance_by_hand():
    def one(text: str, refined: str = "") -> dict:
        entry = {"critique": text} | ({"refined": refined} if refined else {})
        return {"responses": {"5": entry}}

    # "abcde" has abcd, bcde; "abcdx" has abcd, bcdx: one of three shared.
    assert critique.distance(one("abcde"), one("ABCDX"), [5]) == pytest.approx(2 / 3)
    assert critique.distance(one("a  b\nc d"), one("A b C d"), [5]) == 0
    assert critique.distance(one("wxyz"), one("abcd"), [5]) == 1
    assert critique.distance(one("same", "new text"), one("same"), [5]) == 0.5
    assert critique.distance(one("错误的答案"), one("错误的答複"), [5]) == pytest.approx(2 / 3)
    assert critique.pairs(one("a"), [5]) == []
