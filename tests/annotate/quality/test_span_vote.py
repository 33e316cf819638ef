"""Votes on spans, against characters one by one, Bayes by hand, and planted divided stretches."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.quality.span_vote import vote_on_spans
from annotate.quality.spans import Mark, MarkedText
from tests.annotate.quality.test_spans import LENGTH, TEXTS, types_at


@given(TEXTS, st.integers(1, 3), st.sampled_from([None, 0.5, 2 / 3, 1.0]))
def test_characters_one_by_one(texts, least, support):
    for text, vote in zip(texts, vote_on_spans(texts, least=least, support=support), strict=True):
        people = len(text.annotators)
        for name in "xy":
            taken = [
                sum(name in types_at(marks, place) for marks in text.annotators)
                for place in range(LENGTH)
            ]
            wanted = {
                place for place, count in enumerate(taken)
                if count >= least
                and (2 * count > people if support is None else count / people >= support)
            }  # fmt: skip
            mine = [span for span in vote.spans if span.type == name]
            assert {place for span in mine for place in range(span.start, span.end)} == wanted
            assert all(a.end < b.start for a, b in pairwise(mine))
            for span in mine:
                counts = taken[span.start : span.end]
                assert span.support == pytest.approx(np.mean(counts) / people)


def planted(seed, *, texts=60, people=9, divided=0.0):
    """Each text has a true span of 20 of 100 characters, missed by one in six.

    One in ten slips elsewhere. In `divided` of them half of the people mark a second stretch.
    """
    rng = np.random.default_rng(seed)
    found, split = [], []
    for _ in range(texts):
        start = int(rng.integers(0, 30))
        split.append(rng.random() < divided)
        sides = []
        for person in range(people):
            marks = [Mark(start, start + 20, "x")] if rng.random() < 5 / 6 else []
            if split[-1] and person % 2:
                marks.append(Mark(70, 80, "x"))
            if rng.random() < 0.1:
                slip = int(rng.integers(50, 96))
                marks.append(Mark(slip, slip + 5, "x"))
            sides.append(marks)
        found.append(MarkedText(100, sides))
    return found, split


def test_posteriors_are_bayes_rule_with_the_rates_of_all_texts():
    texts, _ = planted(0, people=3)
    votes = vote_on_spans([*texts, MarkedText(100, [[Mark(0, 50, "x")], [Mark(0, 50, "x")], []])])
    (span,) = votes[-1].spans
    hit, false, prior = 5 / 6, 0.1 * 5 / 80, 0.2
    odds = prior / (1 - prior) * (hit / false) ** 2 * (1 - hit) / (1 - false)
    assert span.posterior == pytest.approx(odds / (1 + odds), abs=0.01)
    assert span[:4] == (0, 50, "x", pytest.approx(2 / 3))
    p = span.posterior
    assert span.entropy == pytest.approx(-p * np.log2(p) - (1 - p) * np.log2(1 - p))
    assert votes[-1].entropy > 0


def test_stretches_of_two_minds_are_found():
    texts, split = planted(1, people=13, divided=0.15)
    votes = vote_on_spans(texts)
    assert 4 < sum(split) < 20
    marked = [any(mark.start == 70 for mark in vote.divided) for vote in votes]
    assert marked == split
    for seed in range(2, 6):
        plain, _ = planted(seed, people=13)
        assert sum(bool(vote.divided) for vote in vote_on_spans(plain)) <= 1


def test_gold_is_what_a_text_gets_whatever_people_say():
    texts, _ = planted(3)
    truth = [Mark(5, 8, "y"), Mark(8, 12, "x")]
    votes = vote_on_spans(texts, gold={4: truth})
    assert [span[:3] for span in votes[4].spans] == [(5, 8, "y"), (8, 12, "x")]
    assert [span.posterior for span in votes[4].spans] == [1, 1]
    assert votes[4].divided == []
    assert [len(vote.spans) for vote in votes[:4]] == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="gold: there is no text 60 of 60"):
        vote_on_spans(texts, gold={60: truth})


def test_extremes():
    assert vote_on_spans([]) == []
    empty = [MarkedText(0, [[], []]), MarkedText(9, []), MarkedText(9, [[], []])]
    assert [vote.spans for vote in vote_on_spans(empty)] == [[], [], []]
    alone = [MarkedText(9, [[Mark(0, 3, "x")]]), MarkedText(0, [[]])]
    assert vote_on_spans(alone)[0].spans == []
    assert [span[:3] for span in vote_on_spans(alone, least=1)[0].spans] == [(0, 3, "x")]
    for wrong in ({"least": 0}, {"support": 0.0}, {"support": 1.5}):
        with pytest.raises(ValueError, match="must be 1 or more"):
            vote_on_spans([], **wrong)


def test_real_marks_are_surer_where_all_agree(data_dir):
    """XSum, 300 summaries: three people; characters that two mark are doubtful, of three not."""
    with (data_dir / "xsum_hallucination" / "items.jsonl").open() as lines:
        items = [json.loads(next(lines)) for _ in range(300)]
    texts = [
        MarkedText(
            len(item["summary"]),
            [[Mark(s["start"], s["end"], s["type"]) for s in spans]
             for spans in item["spans"].values()],
        )
        for item in items
    ]  # fmt: skip
    spans = [span for vote in vote_on_spans(texts) for span in vote.spans]
    assert len(spans) > 200
    assert min(span.support for span in spans) >= 2 / 3 - 1e-9
    by_two = [span.posterior for span in spans if span.support < 0.7]
    by_three = [span.posterior for span in spans if span.support > 0.99]
    assert min(by_three) > 0.99
    assert np.mean(by_two) < np.mean(by_three)
