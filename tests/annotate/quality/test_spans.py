"""Agreement on spans, against definitions written out and against Fleiss' kappa on real marks."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.quality.agreement import krippendorff_alpha
from annotate.quality.spans import (
    Mark,
    MarkedText,
    SpanAgreement,
    alpha_of_type,
    character_units,
    exact_matches,
    partial_matches,
    shared_characters,
    span_agreement,
)

LENGTH = 12
MARKS = st.lists(
    st.builds(
        lambda a, b, kind: Mark(min(a, b), max(a, b) + 1, kind),
        st.integers(0, LENGTH - 1),
        st.integers(0, LENGTH - 1),
        st.sampled_from("xy"),
    ),
    max_size=5,
)
TEXTS = st.lists(st.lists(MARKS, max_size=4).map(lambda who: MarkedText(LENGTH, who)), max_size=3)


def types_at(marks, place):
    return frozenset(mark.type for mark in marks if mark.start <= place < mark.end)


def test_a_worked_example():
    """Ten characters, two people: both mark 2..4, the first also 4..5, the second also 8..9.

    Coincidences of characters: 2 marked by both, 2 by one, 6 by neither. Observed disagreement
    2 / 10; expected, of 6 marks among 20 labels, 2 * 6 * 14 / (20 * 19).
    """
    text = MarkedText(10, [[Mark(2, 5, "x")], [Mark(2, 4, "x"), Mark(8, 9, "x")]])
    agreement = span_agreement([text])
    alpha = 1 - (2 / 10) / (2 * 6 * 14 / (20 * 19))
    assert agreement.alpha_marked == pytest.approx(alpha)
    assert agreement.alpha_types == pytest.approx(alpha)
    assert agreement.exact == 0
    assert agreement.partial == pytest.approx(2 * 1 / 3)
    assert agreement.characters == pytest.approx(2 * 2 / 6)


def test_extremes():
    same = MarkedText(9, [[Mark(0, 3, "x")], [Mark(0, 3, "x")]])
    assert span_agreement([same]) == SpanAgreement(1, 1, 1, 1, 1)
    other_type = MarkedText(9, [[Mark(0, 3, "x")], [Mark(0, 3, "y")]])
    found = span_agreement([other_type])
    assert (found.alpha_marked, found.exact, found.partial, found.characters) == (1, 0, 0, 0)
    undefined = SpanAgreement(None, None, None, None, None)
    assert span_agreement([]) == undefined
    assert span_agreement([MarkedText(9, [[], []])]) == undefined
    assert span_agreement([MarkedText(0, [[], []])]) == undefined
    alone = span_agreement([MarkedText(9, [[Mark(0, 3, "x")]])])
    assert alone == undefined


@given(TEXTS)
def test_characters_are_the_units(texts):
    """Every character by itself, its labels by everybody."""
    units = {}
    for text in texts:
        for place in range(text.length):
            labels = sorted("".join(sorted(types_at(who, place))) for who in text.annotators)
            units[tuple(labels)] = units.get(tuple(labels), 0) + 1
    found = character_units(texts, lambda types: "".join(sorted(types)))
    assert {labels: times for labels, times in found.items() if times} == units


@given(MARKS, MARKS)
def test_shared_characters_one_by_one(ours, theirs):
    shared = sum(len(types_at(ours, i) & types_at(theirs, i)) for i in range(LENGTH))
    assert shared_characters(ours, theirs) == shared


@given(MARKS, MARKS)
def test_the_matching_is_the_largest(ours, theirs):
    """Every way to pair off the shorter list with some of the longer one."""

    def fits(a, b):
        if a.type != b.type:
            return False
        mine, others = set(range(a.start, a.end)), set(range(b.start, b.end))
        return 2 * len(mine & others) >= len(mine | others)

    few, many = sorted((ours, theirs), key=len)
    best = max(
        sum(fits(a, b) for a, b in zip(few, chosen, strict=True))
        for chosen in itertools.permutations(many, len(few))
    )
    assert partial_matches(ours, theirs) == best
    left = list(theirs)
    exact = sum(1 for mark in ours if mark in left and (left.remove(mark) or True))
    assert exact_matches(ours, theirs) == exact <= best


def test_real_marks_of_three_people(data_dir):
    """Fleiss' kappa by its own formula over all characters: alpha = kappa + (1 - kappa) / nN.

    It wants as many annotators everywhere, so the few summaries with two are left out for it.
    """
    texts, by_three, tables = [], [], []
    with (data_dir / "xsum_hallucination" / "items.jsonl").open() as lines:
        for item in map(json.loads, lines):
            marks = [
                [Mark(span["start"], span["end"], span["type"]) for span in spans]
                for spans in item["spans"].values()
            ]
            texts.append(MarkedText(len(item["summary"]), marks))
            if len(marks) < 3:
                continue
            by_three.append(texts[-1])
            marked = np.zeros(len(item["summary"]), dtype=int)
            for spans in marks:
                mine = np.zeros(len(item["summary"]), dtype=bool)
                for span in spans:
                    mine[span.start : span.end] = True
                marked += mine
            tables.append(marked)
    assert len(texts) == 2500
    assert len(by_three) == 2499
    marked = np.concatenate(tables)
    observed = np.mean((marked * (marked - 1) + (3 - marked) * (2 - marked)) / 6)
    share = marked.mean() / 3
    kappa = (observed - (share**2 + (1 - share) ** 2)) / (1 - (share**2 + (1 - share) ** 2))
    wanted = pytest.approx(kappa + (1 - kappa) / (3 * len(marked)), abs=1e-12)
    assert span_agreement(by_three).alpha_marked == wanted
    agreement = span_agreement(texts)
    assert agreement.alpha_marked == pytest.approx(0.802, abs=0.001)
    assert agreement.exact < agreement.partial < agreement.characters
    # Whether a fact contradicts the source is harder to tell than whether it stands there.
    assert alpha_of_type(texts, "intrinsic") < alpha_of_type(texts, "extrinsic")


def test_the_order_of_annotators_does_not_matter():
    marks = [[Mark(0, 3, "x")], [Mark(1, 4, "x"), Mark(2, 6, "y")], []]
    found = {
        krippendorff_alpha(
            character_units([MarkedText(9, order)], lambda types: str(sorted(types)))
        )
        for order in itertools.permutations(marks)
    }
    assert len(found) == 1
