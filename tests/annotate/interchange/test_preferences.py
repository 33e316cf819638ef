"""Aggregation and tie rules, against counting by hand and brute force."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from annotate.interchange.preferences import (
    Judged,
    PairRules,
    PromptText,
    ResponseText,
    aggregate,
    apply_tie_rule,
)

PROMPT = PromptText(1, "", "", [{"role": "user", "content": "?"}], "", False)
A, B = ResponseText(10, "x", "", "a"), ResponseText(20, "y", "", "b")


def judged(*verdicts, task_id=1, source="person", first_id=1):
    values = {
        "a": {"verdict": "prefer", "preferred": A.id, "strength": 1},
        "A": {"verdict": "prefer", "preferred": A.id, "strength": 3},
        "b": {"verdict": "prefer", "preferred": B.id, "strength": 2},
        "=": {"verdict": "tie"},
        "-": {"verdict": "both_bad"},
    }
    return [
        Judged(first_id + i, task_id, values[v], source, PROMPT, (A, B), {})
        for i, v in enumerate(verdicts)
    ]


def run(rows, aggregation="majority", levels=3):
    return list(aggregate(rows, aggregation=aggregation, rules=PairRules(levels)))


def test_each_with_margins():
    rows = run(judged("a", "A", "b", "="), "each")
    assert [(r.chosen.text, round(r.margin, 3), r.tie) for r in rows] == [
        ("a", 0.333, False),
        ("a", 1.0, False),
        ("b", 0.667, False),
        ("a", 0.0, True),
    ]
    assert [r.margin for r in run(judged("a", "b"), "each", levels=1)] == [0.0, 0.0]


def test_an_imported_margin_wins():
    [row] = judged("a")
    row = row._replace(value={**row.value, "margin": 2.5})
    assert run([row], "each", levels=1)[0].margin == 2.5


def test_majority():
    [row] = run(judged("a", "A", "b"))
    assert (row.chosen.text, row.id, row.tie) == ("a", 1, False)
    assert round(row.margin, 6) == round((1 / 3 + 1) / 2, 6)
    assert run(judged("a", "b"))[0].tie
    assert run(judged("a", "=", "-"))[0].tie
    assert not run(judged("a", "a", "=", "-"))[0].tie


def test_sources_and_tasks_stay_apart():
    rows = judged("a", "a") + judged("b", source="judge", first_id=5)
    rows += judged("b", task_id=2, first_id=9)
    found = run(rows)
    assert [(r.id, r.source, r.chosen.text) for r in found] == [
        (1, "person", "a"),
        (5, "judge", "b"),
        (9, "person", "b"),
    ]


@given(st.lists(st.sampled_from("aAb=-"), min_size=1, max_size=9))
def test_majority_agrees_with_counting(verdicts):
    [row] = run(judged(*verdicts))
    count = Counter({"a": "a", "A": "a", "b": "b"}.get(v, "tie") for v in verdicts)
    best = max(count.values())
    winners = [side for side in "ab" if count[side] == best]
    expected = winners[0] if len(winners) == 1 else None
    assert (None if row.tie else row.chosen.text) == expected


def test_tie_rules():
    rows = run(judged("a", "="), "each")
    assert [r.chosen.text for r in apply_tie_rule(rows, "drop")] == ["a"]
    assert list(apply_tie_rule(rows, "keep")) == rows
    halves = list(apply_tie_rule(rows, "half"))
    assert [(r.chosen.text, r.rejected.text, r.weight) for r in halves] == [
        ("a", "b", 1.0),
        ("a", "b", 0.5),
        ("b", "a", 0.5),
    ]
