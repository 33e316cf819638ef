"""Agreement, against published figures."""

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.quality.agreement import count_units, krippendorff_alpha, percent_agreement

# Krippendorff (2011), part C: four observers, twelve units, missing data; None is no answer.
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def test_alpha_of_the_textbook_example():
    units = count_units([x for x in unit if x is not None] for unit in zip(*TEXTBOOK, strict=True))
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_observers_and_two_values():
    """Krippendorff (2011), part A: ten units, binary, alpha 0.095."""
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    units = count_units(zip(first, second, strict=True))
    assert krippendorff_alpha(units) == pytest.approx(0.095, abs=0.0005)
    assert percent_agreement(units) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_the_textbook_example_at_each_level(level, expected):
    """Krippendorff (2011), part D: the same data by each metric."""
    units = count_units([x for x in unit if x is not None] for unit in zip(*TEXTBOOK, strict=True))
    assert krippendorff_alpha(units, level) == pytest.approx(expected, abs=0.0005)


def test_alpha_of_levels_refuses_what_has_no_order():
    units = count_units([["a", "b"], ["a", "a"]])
    with pytest.raises(ValueError, match="label 'a' is no number, which ordinal alpha takes"):
        krippendorff_alpha(units, "ordinal")
    with pytest.raises(ValueError, match="level: 'ratio'"):
        krippendorff_alpha(count_units([[1, 2]]), "ratio")


@given(st.lists(st.lists(st.sampled_from([-2, 0.1, 1, 7]), max_size=4), max_size=12))
def test_alpha_of_levels_equals_its_definition_by_pairs(units):
    """Pair by pair, the ordinal metric as the sum of counts between two labels."""
    pairable = [unit for unit in units if len(unit) > 1]
    values = [label for unit in pairable for label in unit]

    def interval(a, b):
        return (a - b) ** 2

    def ordinal(a, b):
        low, high = sorted((a, b))
        between = sum(low <= value <= high for value in values)
        return (between - (values.count(low) + values.count(high)) / 2) ** 2

    for level, apart in (("interval", interval), ("ordinal", ordinal)):
        found = krippendorff_alpha(count_units(units), level)
        if len(set(values)) < 2:
            assert found is None
            continue
        expected = sum(apart(a, b) for a in values for b in values if a != b)
        observed = sum(apart(a, b) / (len(unit) - 1) for unit in pairable for a in unit
                       for b in unit if a != b)  # fmt: skip
        assert found == pytest.approx(1 - (len(values) - 1) * observed / expected)


def test_alpha_of_real_factuality_votes(data_dir):
    """XSum: 5,597 votes of three people a summary; 0.7858 is the data set's documented value."""
    with (data_dir / "xsum_hallucination" / "items.jsonl").open() as lines:
        votes = [list(json.loads(line).get("factual", {}).values()) for line in lines]
    assert sum(map(len, votes)) == 5597
    assert krippendorff_alpha(count_units(votes)) == pytest.approx(0.7858, abs=0.00005)


def test_alpha_of_real_votes(data_dir):
    """8,931 crowd votes on 2,139 pairs; 0.2906 is the data set's documented value."""
    votes = defaultdict(list)
    with (data_dir / "llmfao" / "votes_human.jsonl").open() as lines:
        for line in lines:
            vote = json.loads(line)
            votes[vote["pair_id"]].append(vote["winner"])
    assert sum(map(len, votes.values())) == 8931
    assert krippendorff_alpha(count_units(votes.values())) == pytest.approx(0.2906, abs=0.00005)


@pytest.mark.parametrize("units", [[], [["a"]], [["a", "a"], ["a", "a", "a"]]])
def test_alpha_is_undefined_without_possible_disagreement(units):
    assert krippendorff_alpha(count_units(units)) is None


def test_extremes():
    assert krippendorff_alpha(count_units([["a", "a"], ["b", "b"]])) == pytest.approx(1)
    assert percent_agreement(count_units([["a", "b"], ["c", "d"]])) == 0
    assert percent_agreement(count_units([["a"]])) is None


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=20))
def test_alpha_equals_its_definition_by_pairs(units):
    """Observed and expected disagreement, written out pair by pair."""
    pairable = [unit for unit in units if len(unit) > 1]
    values = [label for unit in pairable for label in unit]
    total = len(values)
    differ = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j)
    if not differ:
        assert krippendorff_alpha(count_units(units)) is None
        return
    observed = sum(
        (a != b) / (len(unit) - 1)
        for unit in pairable
        for i, a in enumerate(unit)
        for j, b in enumerate(unit)
        if i != j
    )
    expected = differ / (total * (total - 1))
    assert krippendorff_alpha(count_units(units)) == pytest.approx(1 - observed / total / expected)
