"""What answers come to: against counting by hand, and what stands in an outcome."""

from collections import defaultdict

import pytest

from annotate.kinds.sayings import Label, Marked, Order
from annotate.quality.concordance import kendall_w
from annotate.quality.consensus import (
    Outcome,
    add_majority,
    add_plackett_luce,
    add_span_vote,
)
from annotate.quality.grouping import Facts, group_tasks
from annotate.quality.majority import most_frequent
from annotate.quality.summary import Material, summarise
from annotate.quality.votes import Row, gather


def rows_of(said, *, at=lambda number: 0.0):
    """said: (task, rater, saying) -> rows."""
    return [
        Row(number, task, rater, None, at(number), (), "", [saying])
        for number, (task, rater, saying) in enumerate(said)
    ]


def new_outcomes():
    return defaultdict(Outcome)


def test_majority_has_no_label_where_two_lead() -> None:
    said = [(1, rater, Label("q", "3,5", one)) for rater, one in enumerate(("first", "tie"))]
    said += [(2, rater, Label("q", "3,5", "first")) for rater in range(3)]
    found = new_outcomes()
    add_majority(found, gather(rows_of(said)).labels["q"])
    [split] = found[1, "majority"].answers
    [sure] = found[2, "majority"].answers
    assert (split["label"], sure["label"], sure["votes"]) == (None, "first", 3)
    # "second" was never said, but could have been: first, second, tie
    wanted = most_frequent((3, 0, 0))
    assert [sure["posterior"][one] for one in ("first", "second", "tie")] == pytest.approx(
        wanted, abs=1e-4
    )
    assert found[1, "majority"].entropy > found[2, "majority"].entropy > 0


def test_who_draws_lots_is_not_trusted_and_moves_no_order() -> None:
    orders = ((1, 2, 3), (3, 1, 2), (2, 3, 1))
    said = []
    for task in range(30):
        ids = [10 * task + pk for pk in (1, 2, 3)]
        said += [(task, rater, Order("", tuple((pk,) for pk in ids))) for rater in range(3)]
        lots = [ids[pk - 1] for pk in orders[task % 3]][::-1]
        said.append((task, 3, Order("", tuple((pk,) for pk in lots))))
    rows, found = rows_of(said), new_outcomes()
    trust = add_plackett_luce(found, "", [(n, row.sayings[0]) for n, row in enumerate(rows)], rows)
    assert trust[3].share < 0.5 < 0.9 < trust[0].share
    assert trust[0].low < trust[0].share < trust[0].high
    assert trust[3].orders == 30
    for task in range(30):
        [answer] = found[task, "plackett_luce"].answers
        assert answer["order"] == [10 * task + pk for pk in (1, 2, 3)]
        assert max(answer["posterior"], key=answer["posterior"].get) == str(10 * task + 1)
    tied = rows_of([(1, 0, Order("", ((1, 2), (3,))))])
    assert add_plackett_luce(new_outcomes(), "", [(0, tied[0].sayings[0])], tied) == {}


def test_orders_agree_as_kendall_has_it() -> None:
    given = [[(1,), (2,), (3,)], [(1,), (3,), (2,)], [(2,), (1,), (3,)]]
    said = [(7, rater, Order("", tuple(tiers))) for rater, tiers in enumerate(given)]
    rows = rows_of([*said, *((8, rater, one) for _, rater, one in said)])
    facts = {7: Facts(1, "", ""), 8: Facts(2, "", "")}
    report, _ = summarise(Material(rows, facts), lambda: None)
    [question] = report["questions"]
    assert question["overall"]["w"]["value"] == pytest.approx(
        kendall_w([[0, 1, 2], [0, 2, 1], [1, 0, 2]]), abs=1e-4
    )
    assert [one["tau"]["value"] for one in question["pairs"]] == pytest.approx(
        [1 / 3, 1 / 3, -1 / 3], abs=1e-4
    )
    assert question["overall"]["percent"]["value"] == pytest.approx(5 / 9, abs=1e-4)


def test_spans_and_where_people_are_of_two_minds() -> None:
    both = [(0, 8, "x"), (20, 30, "y")]
    said = [(1, rater, Marked("", 5, {0: both if rater % 2 else both[:1]})) for rater in range(12)]
    said += [(task, rater, Marked("", task, {0: [(3, 9, "y")]}))
             for task in range(10, 22) for rater in range(12)]  # fmt: skip
    rows, found = rows_of(said), new_outcomes()
    lengths = {(5, 0): 40, **{(task, 0): 40 for task in range(10, 22)}}
    add_span_vote(found, "", [(n, row.sayings[0]) for n, row in enumerate(rows)], rows, lengths)
    [answer] = found[1, "span_vote"].answers
    assert [(one["start"], one["end"]) for one in answer["spans"]] == [(0, 8)]
    assert answer["stretches"] == [{"start": 20, "end": 30, "type": "y"}]
    assert (answer["about"], answer["votes"], answer["divided"]) == ("5.0", 12, 1.0)
    assert found[10, "span_vote"].divided == 0


def test_groups_by_stratum_and_by_time() -> None:
    days = [0, 3, 30, 200]
    said = [(task, 0, Label("", "", "a")) for task in range(4)]
    rows = rows_of(said, at=lambda number: 1_700_000_000.0 + 86_400 * days[number])
    facts = {task: Facts(task, "ab"[task % 2], "en") for task in range(4)}
    found = group_tasks(rows, facts)
    assert {one.name: one.tasks.tolist() for one in found["strata"]} == {"a": [0, 2], "b": [1, 3]}
    assert found["languages"] == []  # all in one
    months = [(one.first, one.last, one.tasks.tolist()) for one in found["stretches"]]
    assert months == [
        ("2023-11-01", "2023-11-30", [0, 1]),
        ("2023-12-01", "2023-12-31", [2]),
        ("2024-06-01", "2024-06-30", [3]),
    ]
    weeks = group_tasks(rows[:3], facts)["stretches"]
    assert [(one.first, one.last) for one in weeks] == [
        ("2023-11-13", "2023-11-19"), ("2023-12-11", "2023-12-17"),
    ]  # fmt: skip
    assert len(group_tasks(rows[:2], facts)["stretches"]) == 2  # days
