"""What became of suggested marks: what is found by comparing, what is refused, who must decide."""

from dataclasses import replace

import pytest

from annotate.kinds import InvalidValue, spans
from annotate.kinds.contract import Shown, ShownResponse, Suggested
from annotate.kinds.span_suggestions import as_told, without_suggested

TEXT = "Paris 👍🏽 is in France. It has two rivers, and a tower."
SHOWN = Shown((ShownResponse(7, ({"type": "text", "text": TEXT},)),))
SETTINGS = {"correction": False, "missing_types": [], "suggestions": True}


def mark(start, end, kind="irrelevant", **more):
    return {"response": 7, "part": 0, "start": start, "end": end, "type": kind, **more}


FIRST = Suggested(3, "Big v2", {"marks": [mark(0, 5), mark(12, 14), mark(26, 29, note="why")]})
SECOND = Suggested(4, "Small v1", {"marks": [mark(0, 5, note="mine")]})


def clean(value, *suggested, **settings):
    shown = replace(SHOWN, suggestions=suggested or (FIRST,))
    return spans.clean_value(value, shown=shown, settings=spans.clean_settings(SETTINGS | settings))


def of(*refs):
    return {"suggested": [{"id": pk, "mark": place} for pk, place in refs]}


def entry(pk=3, judge="Big v2", accepted=(), changed=(), dismissed=(), undecided=()):
    lists = {"accepted": accepted, "changed": changed}
    lists |= {"dismissed": dismissed, "undecided": undecided}
    return {"id": pk, "judge": judge, **{name: list(places) for name, places in lists.items()}}


def test_what_became_of_each_mark_is_found_by_comparing():
    marks = [mark(0, 5, **of((3, 0))), mark(26, 29, "incoherent", note="why", **of((3, 2)))]
    value = clean({"marks": [mark(40, 43), *marks], "suggestions": [{"id": 3, "dismissed": [1]}]})
    assert value["suggestions"] == [entry(accepted=[0], changed=[2], dismissed=[1])]
    assert [one.get("suggested") for one in value["marks"]] == [
        [{"id": 3, "mark": 0}],
        [{"id": 3, "mark": 2}],
        None,
    ]
    assert without_suggested(value)["marks"] == [mark(40, 43)]
    assert clean(value) == value


@pytest.mark.parametrize(
    "changed",
    [{"start": 25}, {"end": 30}, {"type": "incoherent"}, {"note": "other"}, {"note": ""}],
)
def test_another_edge_type_or_note_is_a_change(changed):
    made = mark(26, 29, note="why", **of((3, 2))) | changed
    assert clean({"marks": [made]})["suggestions"] == [entry(changed=[2], undecided=[0, 1])]


def test_another_severity_is_a_change_and_a_replacement_is_none():
    judged = Suggested(5, "Big v2", {"marks": [mark(0, 5, severity="minor")]})
    levels = {"severities": ["minor", "major"]}
    made = mark(0, 5, severity="minor", replacement="Rome", **of((5, 0)))
    accepted = clean({"marks": [made]}, judged, **levels)["suggestions"]
    assert accepted == [entry(5, accepted=[0])]
    changed = clean({"marks": [made | {"severity": "major"}]}, judged, **levels)["suggestions"]
    assert changed == [entry(5, changed=[0])]


def test_a_mark_may_be_made_of_what_several_judges_said():
    made = mark(0, 5, note="mine", **of((3, 0), (4, 0)))
    value = clean({"marks": [made]}, FIRST, SECOND)
    assert value["suggestions"] == [
        entry(accepted=[0], undecided=[1, 2]),
        entry(4, "Small v1", accepted=[0]),
    ]


def test_none_shown_and_none_asked_for():
    assert clean({"no_error": True})["suggestions"] == []
    assert "suggestions" not in clean({"no_error": True}, suggestions=False)
    refused({"no_error": True, "suggestions": []}, "value.suggestions", suggestions=False)
    refused({"marks": [mark(0, 5, **of((3, 0)))]}, "value.marks.0.suggested", suggestions=False)


def refused(value, field, *suggested, **settings):
    with pytest.raises(InvalidValue) as caught:
        clean(value, *suggested, **settings)
    assert caught.value.field == field
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"marks": [mark(0, 5, **of((9, 0)))]}, "value.marks.0.suggested.0"),
        ({"marks": [mark(0, 5, **of((3, 3)))]}, "value.marks.0.suggested.0"),
        (
            {"marks": [mark(0, 5, **of((3, 0))), mark(12, 14, **of((3, 0)))]},
            "value.marks.1.suggested.0",
        ),
        ({"marks": [mark(0, 5, suggested=[])]}, "value.marks.0.suggested"),
        ({"marks": [mark(0, 5, suggested=[{"id": True}])]}, "value.marks.0.suggested.0.id"),
        ({"suggestions": [{"id": 9}]}, "value.suggestions.0.id"),
        ({"suggestions": [{"id": 3}, {"id": 3}]}, "value.suggestions.1.id"),
        ({"suggestions": [{"id": 3, "dismissed": [7]}]}, "value.suggestions.0.dismissed.0"),
        ({"suggestions": [{"id": 3, "liked": [0]}]}, "value.suggestions.0.liked"),
        (
            {
                "marks": [mark(0, 5, **of((3, 0)))],
                "suggestions": [{"id": 3, "dismissed": [0]}],
            },
            "value.suggestions.0.dismissed.0",
        ),
    ],
)
def test_what_names_no_suggestion_is_refused(value, field):
    refused({"no_error": "marks" not in value, **value}, field)


def test_every_mark_must_be_decided_on_where_the_manager_wants_it():
    value = {"marks": [mark(0, 5, **of((3, 0)))], "suggestions": [{"id": 3, "dismissed": [1]}]}
    gate = {"decide_suggestions": True}
    message = refused(value, "value.suggestions", **gate)
    assert "1 of Big v2 undecided" in message
    value["suggestions"][0]["dismissed"].append(2)
    assert clean(value, **gate)["suggestions"] == [entry(accepted=[0], dismissed=[1, 2])]
    untold = {"no_error": True}
    assert clean(untold, **gate)["suggestions"] == []
    seen = replace(FIRST, required=True)
    assert "3 of Big v2 undecided" in refused(untold, "value.suggestions", seen, **gate)


def test_marks_that_the_project_would_not_take_are_never_shown():
    """Of another type, beyond the text, of a response that is not there, without severity."""
    odd = [
        mark(0, 5),
        mark(0, 5, "ugly"),
        mark(50, len(TEXT) + 1),
        mark(0, 5) | {"response": 8},
        mark(0, 5) | {"part": 1},
        "Paris",
        mark(6, 8, "repetitive"),
    ]
    settings = spans.clean_settings(SETTINGS)
    shown = replace(SHOWN, suggestions=(Suggested(3, "Big v2", {"marks": odd}),))
    [told] = as_told(shown, settings)
    assert told["marks"] == [{"mark": 0, **mark(0, 5)}, {"mark": 6, **mark(6, 8, "repetitive")}]
    assert as_told(shown, spans.clean_settings(SETTINGS | {"severities": ["bad"]})) == []
    older = replace(SHOWN, suggestions=(replace(FIRST, shown=False), SECOND))
    assert [one["id"] for one in as_told(older, settings)] == [4]
    assert as_told(older, spans.clean_settings({})) == []


def test_no_mark_says_that_the_judge_found_no_error():
    shown = replace(SHOWN, suggestions=(Suggested(3, "Big v2", {"marks": []}),))
    told = as_told(shown, spans.clean_settings(SETTINGS))
    assert told == [{"id": 3, "judge": "Big v2", "marks": []}]
