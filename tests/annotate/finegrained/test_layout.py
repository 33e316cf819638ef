"""Laying out overlapping spans."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.finegrained.layout import Layout, Segment, lay_out

LENGTH = 30
SPANS = st.lists(
    st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).map(
        lambda ends: (min(ends), max(max(ends), min(ends) + 1))
    ),
    max_size=40,
)


def test_one_span_inside_another():
    assert lay_out(10, [(2, 4), (1, 8)]) == Layout(
        [
            Segment(0, 1, ()),
            Segment(1, 2, (1,)),
            Segment(2, 4, (1, 0)),
            Segment(4, 8, (1,)),
            Segment(8, 10, ()),
        ],
        [1, 0],
    )


def test_spans_that_only_touch_share_a_lane():
    layout = lay_out(9, [(0, 3), (3, 6), (6, 9)])
    assert (layout.lanes, layout.depth) == ([0, 0, 0], 1)
    assert [segment.spans for segment in layout.segments] == [(0,), (1,), (2,)]


def test_a_text_without_spans():
    assert lay_out(5, []) == Layout([Segment(0, 5, ())], [])
    assert lay_out(0, []) == Layout([], [])
    assert lay_out(0, []).depth == 0


@pytest.mark.parametrize("span", [(3, 3), (4, 2), (-1, 2), (0, 6)])
def test_a_span_that_is_none(span):
    with pytest.raises(ValueError, match="span 1"):
        lay_out(5, [(0, 1), span])


@given(SPANS)
def test_segments_are_the_text_and_say_what_lies_over_every_character(spans):
    layout = lay_out(LENGTH, spans)
    assert [i for s in layout.segments for i in range(s.start, s.end)] == list(range(LENGTH))
    assert all(segment.start < segment.end for segment in layout.segments)
    for segment in layout.segments:
        for i in range(segment.start, segment.end):
            over = {n for n, (start, end) in enumerate(spans) if start <= i < end}
            assert set(segment.spans) == over
        lanes = [layout.lanes[n] for n in segment.spans]
        assert lanes == sorted(set(lanes))


@given(SPANS)
def test_lanes_are_as_few_as_can_be(spans):
    most = max((sum(a <= i < b for a, b in spans) for i in range(LENGTH)), default=0)
    assert lay_out(LENGTH, spans).depth == most


@given(SPANS)
def test_segments_are_cut_only_where_spans_begin_or_end(spans):
    ends = {0, LENGTH, *(place for span in spans for place in span)}
    assert {s.start for s in lay_out(LENGTH, spans).segments} == ends - {LENGTH}


def test_real_spans_of_three_people_over_one_text(data_dir):
    """All marks of all raters of a summary together: 11,185 rows less the 788 empty ones."""
    drawn = deepest = 0
    with (data_dir / "xsum_hallucination" / "items.jsonl").open() as lines:
        for line in lines:
            item = json.loads(line)
            spans = [(s["start"], s["end"]) for marks in item["spans"].values() for s in marks]
            layout = lay_out(len(item["summary"]), spans)
            for number, (start, end) in enumerate(spans):
                covering = [s for s in layout.segments if number in s.spans]
                assert (covering[0].start, covering[-1].end) == (start, end)
            drawn += len(spans)
            deepest = max(deepest, layout.depth)
    assert drawn == 10397
    assert deepest >= 3
