"""Marked spans: what is refused and where, the submit gate, canonical order, distance."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue, spans
from annotate.kinds.contract import Shown, ShownResponse

TEXT = "Paris is in France. Paris is in France. It has 👍🏽 two rivers."
PASSAGES = ({"title": "Paris", "sentences": ["One river.", "In France."]},)
ONE = Shown((ShownResponse(7, ({"type": "text", "text": TEXT},)),), PASSAGES)
TWO = Shown(
    (
        ShownResponse(9, ({"type": "image"}, {"type": "text", "text": TEXT})),
        ShownResponse(7, ({"type": "text", "text": "short"},)),
    ),
)
DEFAULTS = spans.clean_settings({})


def mark(start, end, kind="irrelevant", **more):
    return {"response": 7, "part": 0, "start": start, "end": end, "type": kind, **more}


def clean(value, shown=ONE, **settings):
    return spans.clean_value(value, shown=shown, settings=spans.clean_settings(settings))


def wrong(*marks, **more):
    """An answer with these marks that passes the gate."""
    return {"marks": list(marks), "corrected": {"7": "Paris."}, **more}


def refused(value, field, words, shown=ONE, **settings):
    with pytest.raises(InvalidValue) as caught:
        clean(value, shown, **settings)
    assert caught.value.field == field
    assert words in caught.value.message


REPEATED = mark(20, 39, "repetitive", evidence={"start": 0, "end": 19})


def test_an_answer_with_everything():
    settings = {
        "severities": ["minor", "major"],
        "types": [
            {"name": "wrong", "evidence": "passage_sentences", "correction": True},
            {"name": "again", "evidence": "earlier_text"},
        ],
        "confidence": True,
    }
    evidence = {"passage": 1, "sentences": [1, 0]}
    value = {
        "marks": [
            mark(20, 39, "again", severity="minor", evidence={"start": 0, "end": 19}, note=" "),
            mark(0, 5, "wrong", severity="major", evidence=evidence, note="so", replacement=""),
        ],
        "missing": [{"type": "missing_answer", "evidence": {"passage": 1, "sentences": [2]}}],
        "corrected": {"7": ""},
        "confidence": "not",
    }
    assert clean(value, **settings) == {
        "marks": [
            mark(0, 5, "wrong", severity="major", note="so", replacement="")
            | {"evidence": {"passage": 1, "sentences": [0, 1]}},
            mark(20, 39, "again", severity="minor", evidence={"start": 0, "end": 19}),
        ],
        "missing": [
            {
                "response": 7,
                "type": "missing_answer",
                "evidence": {"passage": 1, "sentences": [2]},
            }
        ],
        "corrected": {"7": ""},
        "no_error": False,
        "confidence": "not",
    }


@pytest.mark.parametrize(
    ("spoilt", "field", "words"),
    [
        ({"start": -1}, "start", "from 0 to 61"),
        ({"start": 62}, "start", "from 0 to 61"),
        ({"start": True}, "start", "whole number"),
        ({"start": 0.0}, "start", "whole number"),
        ({"start": None}, "start", "whole number"),
        ({"start": 10**400}, "start", "from 0 to 61"),
        ({"end": 62}, "end", "from 0 to 61"),
        ({"end": False}, "end", "whole number"),
        ({"end": 0}, "end", "behind the start"),
        ({"start": 5, "end": 5}, "end", "behind the start (5)"),
        ({"start": 5, "end": 6}, "end", "only white space"),
        ({"part": 1}, "part", "from 0 to 0"),
        ({"part": True}, "part", "whole number"),
        ({"response": 8}, "response", "a shown response: 7"),
        ({"response": "7"}, "response", "a shown response"),
        ({"response": 7.0}, "response", "a shown response"),
        ({"type": "odd"}, "type", "must be one of: incoherent"),
        ({"type": ["irrelevant"]}, "type", "must be one of"),
        ({"severity": "major"}, "severity", "not asked for"),
        ({"evidence": {"start": 0, "end": 1}}, "evidence", "not asked for with this type"),
        ({"note": 5}, "note", "must be text"),
        ({"note": "\0"}, "note", "NUL"),
        ({"note": "x" * 2001}, "note", "at most 2000"),
        ({"replacement": "\ud800"}, "replacement", "surrogate"),
        ({"colour": 1}, "colour", "unknown field"),
    ],
)
def test_a_wrong_mark_is_refused_at_its_field(spoilt, field, words):
    bad = {**mark(0, 5), **spoilt}
    refused(wrong(mark(40, 45), bad), f"value.marks.1.{field}", words)


@pytest.mark.parametrize(
    ("kind", "evidence", "field", "words"),
    [
        ("repetitive", None, "", "mark the earlier text"),
        ("repetitive", "Paris", "", "must be a JSON object"),
        ("repetitive", {"start": 0, "end": 21}, ".end", "from 0 to 20"),
        ("repetitive", {"start": 39, "end": 45}, ".start", "from 0 to 20"),
        ("repetitive", {"start": 3, "end": 3}, ".end", "behind the start"),
        ("repetitive", {"passage": 1, "sentences": [1]}, ".passage", "unknown field"),
        ("inconsistent", None, "", "choose a passage's sentences"),
        ("inconsistent", {"passage": 2, "sentences": [1]}, ".passage", "from 1 to 1"),
        ("inconsistent", {"passage": True, "sentences": [1]}, ".passage", "from 1 to 1"),
        ("inconsistent", {"passage": 1, "sentences": []}, ".sentences", "has 0 entries"),
        ("inconsistent", {"passage": 1, "sentences": [3]}, ".sentences.0", "from 0 to 2"),
        ("inconsistent", {"passage": 1, "sentences": [2, 2]}, ".sentences.1", "twice"),
        ("inconsistent", {"passage": 1}, ".sentences", "must be a list"),
    ],
)
def test_evidence_must_be_there(kind, evidence, field, words):
    bad = mark(20, 39, kind) | ({} if evidence is None else {"evidence": evidence})
    refused(wrong(bad), f"value.marks.0.evidence{field}", words)


def test_without_passages_no_sentence_is_asked_for():
    shown = Shown(ONE.responses)
    assert clean(wrong(mark(0, 5, "inconsistent")), shown)["marks"] == [mark(0, 5, "inconsistent")]
    evidence = {"passage": 1, "sentences": [1]}
    bad = mark(0, 5, "inconsistent", evidence=evidence)
    refused(wrong(bad), "value.marks.0.evidence", "no passage to point at", shown)


def test_severity_and_replacement_where_the_project_wants_them():
    refused(wrong(mark(0, 5)), "value.marks.0.severity", "must be one of", severities=["low"])
    types = [{"name": "irrelevant", "correction": True}]
    refused(wrong(mark(0, 5)), "value.marks.0.replacement", "may be empty", types=types)


def test_marks_that_overlap():
    far = mark(40, 60)
    inside, around = mark(4, 9), mark(0, 11, "unverifiable")
    refused(wrong(inside, far, around), "value.marks.2.start", "overlaps mark 0 (0 to 11, 4 to 9)")
    refused(wrong(around, far, inside), "value.marks.2.start", "overlaps mark 0 (0 to 11, 4 to 9)")
    # The one that reaches on behind another counts too.
    refused(wrong(around, mark(1, 2), far), "value.marks.1.start", "overlaps mark 0")
    assert clean(wrong(inside, around), overlap=True)["marks"] == [around, inside]
    assert len(clean(wrong(mark(0, 5), mark(5, 8)))["marks"]) == 2


def test_a_mark_twice():
    for overlap in (True, False):
        twice = wrong(mark(0, 5, note="a"), mark(40, 45), mark(0, 5, note="b"))
        refused(twice, "value.marks.2", "is mark 0 again", overlap=overlap)
    both = wrong(mark(0, 5, "incoherent"), mark(0, 5))
    stored = clean(both, overlap=True)["marks"]
    assert [one["type"] for one in stored] == ["irrelevant", "incoherent"]


def test_missing_items():
    item = {"type": "missing_answer", "evidence": {"passage": 1, "sentences": [1]}}
    assert clean({"missing": [item], "corrected": {"7": "x"}})["missing"] == [
        {"response": 7, **item}
    ]
    twice = {"missing": [item, {"response": 7, **item}], "corrected": {"7": "x"}}
    refused(twice, "value.missing.1", "is item 0 again")
    refused({"missing": [{**item, "type": "gone"}]}, "value.missing.0.type", "must be one of")
    bare = {"type": "missing_answer"}
    refused({"missing": [bare]}, "value.missing.0.evidence", "choose a passage's sentences")
    refused({"missing": [item]}, "value.missing", "it takes 0", missing_types=[])
    refused({"missing": [bare]}, "value.missing.0.response", "shown response: 9, 7", TWO)


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ({}, "value", "is empty"),
        ({"no_error": False}, "value.marks", "tick that there is no error"),
        ({"corrected": {"7": TEXT}}, "value.marks", "tick that there is no error"),
        ({"marks": [mark(0, 5)]}, "value.corrected.7", "unchanged though something is marked"),
        (
            {"marks": [mark(0, 5)], "corrected": {"7": TEXT}},
            "value.corrected.7",
            "unchanged though something is marked",
        ),
        ({"corrected": {"7": "x"}}, "value.corrected.7", "changed though nothing is marked"),
        ({"no_error": True, "corrected": {"7": "x"}}, "value.corrected.7", "no error is ticked"),
        (wrong(mark(0, 5), no_error=True), "value.no_error", "untick it"),
        ({"no_error": 1}, "value.no_error", "true or false"),
        ({"no_error": True, "corrected": {"8": "x"}}, "value.corrected.8", "shown response: 7"),
        ({"no_error": True, "corrected": {"7": 5}}, "value.corrected.7", "must be text"),
        ({"no_error": True, "mark": []}, "value.mark", "unknown field"),
        ({"marks": {}}, "value.marks", "must be a list"),
    ],
)
def test_the_submit_gate_tells_its_reason(value, field, words):
    refused(value, field, words)


def test_what_passes_the_gate():
    nothing = {"marks": [], "missing": [], "corrected": {}, "no_error": True}
    assert clean({"no_error": True, "corrected": {"7": TEXT}}) == nothing
    assert clean(wrong(mark(0, 5)))["corrected"] == {"7": "Paris."}


def test_the_gate_looks_at_each_response():
    both = {
        "marks": [mark(0, 5), {**mark(0, 5), "response": 9, "part": 1}],
        "corrected": {"7": "x"},
    }
    refused(both, "value.corrected.9", "unchanged", TWO)
    both["corrected"]["9"] = "y"
    assert [one["response"] for one in clean(both, TWO)["marks"]] == [7, 9]
    refused({**both, "marks": both["marks"][:1]}, "value.corrected.9", "nothing is marked", TWO)
    image = {**mark(0, 5), "response": 9}
    refused({**both, "marks": [image]}, "value.marks.0.part", "without text", TWO)


def test_without_the_gate_or_without_correction():
    assert clean({"marks": [mark(0, 5)]}, submit_gate=False)["corrected"] == {}
    assert clean({"corrected": {"7": "x"}}, submit_gate=False)["marks"] == []
    assert clean({"marks": [mark(0, 5)]}, correction=False)["marks"] == [mark(0, 5)]
    refused({"corrected": {"7": "x"}}, "value.corrected", "not asked for", correction=False)
    refused({"marks": []}, "value.marks", "tick that", submit_gate=False, correction=False)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"types": []}, "types"),
        ({"types": [{"name": "a"}, {"name": "a"}]}, "types.1.name"),
        ({"types": [{"name": "a b"}]}, "types.0.name"),
        ({"types": [{"title": "A"}]}, "types.0.name"),
        ({"types": [{"name": "a", "color": 12}]}, "types.0.color"),
        ({"types": [{"name": "a", "color": True}]}, "types.0.color"),
        ({"types": [{"name": "a", "category": "C4"}]}, "types.0.category"),
        ({"types": [{"name": "a", "evidence": "web"}]}, "types.0.evidence"),
        ({"types": [{"name": "a", "correction": "yes"}]}, "types.0.correction"),
        (
            {"missing_types": [{"name": "a", "evidence": "earlier_text"}]},
            "missing_types.0.evidence",
        ),
        ({"missing_types": [{"name": "a"}, {"name": "a"}]}, "missing_types.1.name"),
        ({"severities": ["a", "a"]}, "severities.1"),
        ({"snapping": "line"}, "snapping"),
        ({"overlap": 1}, "overlap"),
        ({"color": 1}, "color"),
    ],
)
def test_wrong_settings_are_refused_at_their_field(raw, field):
    with pytest.raises(InvalidValue) as caught:
        spans.clean_settings(raw)
    assert caught.value.field == f"kind_settings.{field}"


def test_offsets_count_code_points():
    """An emoji with a skin tone is two of them, though a reader sees one sign."""
    start = TEXT.index("👍🏽")
    stored = clean(wrong(mark(start, start + 2)))["marks"][0]
    assert TEXT[stored["start"] : stored["end"]] == "👍🏽"


def test_real_annotations_are_valid_and_pass_the_gate(data_dir):
    """All 500 of QA-Feedback, with the submit gate and without overlap, as they were collected."""
    names = {"Redundant": "repetitive", "Wrong-Grounding": "inconsistent"}
    counts = Counter()
    with (data_dir / "qa_feedback" / "dev_feedback.jsonl").open() as lines:
        for row in map(json.loads, lines):
            text = row["outputs"][0]
            shown = Shown((ShownResponse(1, ({"text": text, "type": "text"},)),), row["passages"])
            marks = [
                {
                    "start": error["start"],
                    "end": error["end"],
                    "type": names.get(error["type"], error["type"].lower()),
                    "evidence": evidence(error, text),
                }
                for error in row["errors"]
            ]
            missing = [
                {
                    "type": f"missing_{item['type'].split('-')[1].lower()}",
                    "evidence": {
                        "passage": item["passage_id"],
                        "sentences": item["sentence_ids"],
                    },
                }
                for item in row["missing_info"]
            ]
            value = {"marks": marks, "missing": missing, "corrected": {"1": row["corrected"]}}
            stored = clean(value | {"no_error": not marks and not missing}, shown)
            counts["marks"] += len(stored["marks"])
            counts["missing"] += len(stored["missing"])
            counts["no_error"] += stored["no_error"]
    assert counts == {"marks": 1373, "missing": 842, "no_error": 6}


def evidence(error, text):
    if error["type"] == "Wrong-Grounding":
        given = error["explanation"]
        return {"passage": given["passage_id"], "sentences": given["sentence_id"]}
    if error["type"] == "Redundant":
        quote = error["explanation"].strip()
        start = text.index(quote)
        return {"start": start, "end": start + len(quote)}
    return None


def test_it_makes_no_pairs():
    assert spans.pairs(clean(wrong(mark(0, 5))), [7]) == []


def test_distance_of_worked_examples():
    def far(a, b):
        return spans.distance({"missing": [], **a}, {"missing": [], **b}, [7])

    none = {"marks": []}
    one = {"marks": [mark(0, 10)]}
    assert far(one, one) == 0
    assert far(none, none) == 0
    assert far(one, none) == 1
    assert far(one, {"marks": [mark(10, 20)]}) == 1
    assert far(one, {"marks": [mark(5, 15)]}) == pytest.approx(0.5)
    assert far(one, {"marks": [mark(0, 10, "incoherent")]}) == pytest.approx(0.5)
    item = {"response": 7, "type": "m", "evidence": {"passage": 1, "sentences": [1, 2]}}
    half = {**item, "evidence": {"passage": 1, "sentences": [1]}}
    assert far({**none, "missing": [item]}, {**none, "missing": [half]}) == pytest.approx(0.5)
    assert far({**one, "missing": [item]}, {**one, "missing": []}) == pytest.approx(0.5)


MARKS = st.lists(
    st.builds(
        lambda pk, ends, kind: {**mark(min(ends), max(ends) + 1, kind), "response": pk},
        st.sampled_from([7, 9]),
        st.tuples(st.integers(0, 12), st.integers(0, 12)),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=6,
)


@given(MARKS, MARKS)
def test_distance_equals_its_definition_character_by_character(ours, theirs):
    def types(marks, pk, place):
        return {m["type"] for m in marks if m["response"] == pk and m["start"] <= place < m["end"]}

    found = total = 0.0
    for pk in (7, 9):
        for place in range(14):
            a, b = types(ours, pk, place), types(theirs, pk, place)
            found += len(a & b) + min(len(a - b), len(b - a)) / 2
            total += len(a) + len(b)
    sides = {"marks": ours, "missing": []}, {"marks": theirs, "missing": []}
    assert spans.distance(*sides, [7, 9]) == pytest.approx(1 - 2 * found / total if total else 0)
