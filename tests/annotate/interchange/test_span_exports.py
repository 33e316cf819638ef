"""Marks and corrections as RLHF-V and the W3C have them: as documented, and true to the texts."""

import io
import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.parquet_files import stream_parquet
from annotate.interchange.preferences import ResponseText
from annotate.interchange.sets import rlhf_v
from tests.annotate.interchange.test_set_exports import judged, written
from tests.annotate.interchange.test_trainers import PROMPT, examples

WRONG = ResponseText(31, "large", "2", "A cat and a dog.")
MARK = {"response": 31, "part": 0, "start": 10, "end": 15, "type": "unverifiable"}
MARKED = {
    **{"marks": [{**MARK, "severity": "major", "note": "No dog."}], "missing": []},
    **{"corrected": {"31": "A cat and a bowl."}, "no_error": False},
}
PICTURE = [
    {"type": "image", "file": 3, "sha256": "3f2a", "alt": ""},
    {"type": "text", "text": "What is this?"},
]
SEEN = PROMPT._replace(conversation=[{"role": "user", "content": PICTURE}])
ROWS = {
    "rlhf_v": judged("spans", MARKED, responses=(WRONG,))._replace(prompt=SEEN),
    "web_annotation": judged("spans", MARKED, responses=(WRONG,)),
}


@pytest.mark.parametrize("name", list(ROWS))
def test_rows_are_as_documented_and_parquet_holds_the_same(name) -> None:
    rows, columns = written(name, [ROWS[name]]), EXPORT_FORMATS[name].columns
    assert rows == examples(name)
    assert {key for row in rows for key in row} == set(columns)
    read = pq.read_table(io.BytesIO(b"".join(stream_parquet(iter(rows), columns)))).to_pylist()
    for row in read:
        row |= {key: json.loads(row[key]) for key, sort in columns.items() if sort == "json"}
    assert read == rows


@pytest.mark.parametrize("name", list(ROWS))
def test_questions_of_a_form_are_told_too(name) -> None:
    row = ROWS[name]
    asked = [{"name": "errors", "kind": "spans", "responses": [31]}]
    value = {"answers": {"errors": row.value}, "asked": asked}
    in_form = row._replace(value=value, provenance={**row.provenance, "kind": "form"})
    assert written(name, [in_form]) == examples(name)


def test_refined_responses_are_corrections() -> None:
    said = {"31": {"critique": "No dog.", "refined": "A cat."}}
    row = judged("critique", {"responses": said}, responses=(WRONG,))
    [found] = written("rlhf_v", [row])
    pair = {"question": "Capital of France?", "chosen": "A cat.", "rejected": WRONG.text}
    assert (json.loads(found["text"]), found["image_path"]) == (pair, "")
    for unchanged in ({"critique": "Good."}, {"critique": "Good.", "refined": WRONG.text}):
        row = judged("critique", {"responses": {"31": unchanged}}, responses=(WRONG,))
        assert written("rlhf_v", [row]) == []


WORDS = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", "🐈", "é", "the "]), max_size=12)


@given(WORDS.map("".join), WORDS.map("".join))
def test_segments_turn_the_one_text_into_the_other(rejected, chosen) -> None:
    text = rejected
    for one in reversed(list(rlhf_v.segments(rejected, chosen))):
        assert text[one["start"] : one["end"]] == one["rejected"] != one["chosen"]
        text = text[: one["start"]] + one["chosen"] + text[one["end"] :]
    assert text == chosen


def test_what_is_too_much_to_compare_is_one_segment(monkeypatch) -> None:
    monkeypatch.setattr(rlhf_v, "MOST_COMPARED", 8)
    before, after = "We saw a cat here today", "We saw one bird there today"
    assert [(one["rejected"], one["chosen"]) for one in rlhf_v.segments(before, after)] == [
        (" a cat here", " one bird there")
    ]


def test_places_count_code_points_as_the_model_wants() -> None:
    """An emoji is one, where JavaScript's own offsets count two."""
    text = "🐈🐈 say “miaow”, " + "x" * 60
    start = text.index("miaow")
    mark = {**MARK, "start": start, "end": start + 5, "replacement": "",
            "evidence": {"start": 0, "end": 2}}  # fmt: skip
    row = judged("spans", {**MARKED, "marks": [mark], "corrected": {}},
                 responses=(WRONG._replace(text=text),))  # fmt: skip
    [found] = written("web_annotation", [row])
    place, quote = found["target"]["selector"]
    assert text[place["start"] : place["end"]] == quote["exact"] == "miaow"
    units = text.encode("utf-16-le")
    assert units[2 * place["start"] : 2 * place["end"]].decode("utf-16-le") != "miaow"
    assert quote["prefix"] + quote["exact"] + quote["suffix"] == text[: start + 5 + 32]
    kind, replacement, evidence = found["body"]
    assert (kind["value"], replacement["value"]) == ("unverifiable", "")
    assert (evidence["purpose"], evidence["selector"][1]["exact"]) == ("linking", "🐈🐈")


def test_marks_of_parts_count_within_their_part() -> None:
    parts = [{"type": "text", "text": "See:"}, {"type": "code", "text": "1 / 0", "language": "py"}]
    response = ResponseText(31, "", "", "See:", parts)
    mark = {**MARK, "part": 1, "start": 2, "end": 3}
    row = judged("spans", {**MARKED, "marks": [mark], "corrected": {}}, responses=(response,))
    [found] = written("web_annotation", [row])
    assert found["target"]["source"] == "urn:x-tandem:response:31:part:1"
    assert found["target"]["selector"][1]["exact"] == "/"


def test_missing_items_and_no_error_are_told_of_the_whole_response() -> None:
    passages = [{"title": "Cats", "sentences": ["They purr.", "They sleep."]}]
    item = {
        **{"response": 31, "type": "missing_answer"},
        "evidence": {"passage": 1, "sentences": [0, 2]},
    }
    row = judged("spans", {**MARKED, "marks": [], "missing": [item], "corrected": {}},
                 responses=(WRONG,), annotator=None, judge="J v2")  # fmt: skip
    [found] = written("web_annotation", [row._replace(prompt=PROMPT._replace(passages=passages))])
    assert found["target"] == {"source": "urn:x-tandem:response:31"}
    assert found["creator"] == {"type": "Software", "name": "J v2"}
    quotes = [one["selector"][0]["exact"] for one in found["body"][1:]]
    assert quotes == ["Cats", "They sleep."]
    fine = {"marks": [], "missing": [], "corrected": {}, "no_error": True}
    [found] = written("web_annotation", [judged("spans", fine, responses=(WRONG,))])
    assert (found["motivation"], found["body"][0]["value"]) == ("assessing", "no_error")
