"""Segment labels, against those that Fine-Grained RLHF trained on."""

import json

from annotate.finegrained.labels import CATEGORIES, Span, segment_labels
from annotate.finegrained.segments import Range, locate

CATEGORY = {
    **dict.fromkeys(("Irrelevant", "Redundant", "Incoherent"), "C1"),
    **dict.fromkeys(("Wrong-Grounding", "Unverifiable"), "C2"),
}
TEXT = "One two three four five six. Seven eight nine ten eleven twelve. The end."


def test_all_labels_of_the_authors(data_dir):
    rows = data_dir / "qa_feedback"
    with (rows / "golden_nf_subsentence_dev.jsonl").open() as lines:
        golden = {row["id"]: row for row in map(json.loads, lines)}
    counts = {"O": 0, "NF-ERR": 0}
    with (rows / "dev_feedback.jsonl").open() as lines:
        for row in map(json.loads, lines):
            text, wanted = row["outputs"][0], golden.pop(row["id"])
            spans = [Span(e["start"], e["end"], CATEGORY[e["type"]]) for e in row["errors"]]
            segments = locate(text, wanted["segments"])
            labels = segment_labels(text, spans, "C1", segments)
            assert labels == wanted["labels"], row["id"]
            for label in labels:
                counts[label] += 1
    assert golden == {}
    assert sum(counts.values()) == 2704
    assert min(counts.values()) > 500


def test_short_spans_of_c1_are_dropped():
    assert segment_labels(TEXT, [Span(0, 18, "C1")], "C1") == ["O", "O", "O"]
    assert segment_labels(TEXT, [Span(0, 23, "C1")], "C1") == ["NF-ERR", "O", "O"]
    assert segment_labels(TEXT, [Span(0, 3, "C2")], "C2") == ["F-ERR", "O", "O"]


def test_a_sentence_with_only_a_c1_error_is_ignored_for_c2():
    irrelevant = Span(0, 28, "C1")
    assert segment_labels(TEXT, [irrelevant], "C2") == ["Ignore", "O", "O"]
    assert segment_labels(TEXT, [irrelevant, Span(4, 7, "C2")], "C2") == ["F-ERR", "O", "O"]
    assert segment_labels(TEXT, [Span(0, 18, "C1")], "C2") == ["O", "O", "O"]


def test_missing_information_labels_the_whole_output():
    assert segment_labels(TEXT, [Span(0, 28, "C1")], "C3") == ["O"]
    assert segment_labels(TEXT, [Span(0, len(TEXT), "C3")], "C3") == ["COMP-ERR"]


def test_a_span_over_several_segments_and_one_of_no_category():
    assert segment_labels(TEXT, [Span(20, 40, "C2")], "C2") == ["F-ERR", "F-ERR", "O"]
    assert segment_labels(TEXT, [Span(0, 40, "")], "C1") == ["O", "O", "O"]


def test_a_span_that_ends_where_a_segment_begins_does_not_touch_it():
    segments = [Range(0, 29), Range(29, len(TEXT))]
    assert segment_labels(TEXT, [Span(0, 29, "C2")], "C2", segments) == ["F-ERR", "O"]


def test_an_empty_text_has_no_segment():
    assert [segment_labels("", [], name) for name in CATEGORIES] == [[], [], []]
