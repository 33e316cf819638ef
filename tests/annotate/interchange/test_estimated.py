"""Several people's preferences as one, by how reliable each of them is."""

import math

import pytest

from annotate.interchange.estimated import deciding
from annotate.interchange.preferences import (
    ESTIMATED,
    Judged,
    PairRules,
    PromptText,
    ResponseText,
    aggregate,
)

RULES = PairRules(3)
PROMPT = PromptText(1, "", "", [{"role": "user", "content": "Q"}], "", False)
GOOD, BAD = ("ann", "bob", "cyd"), ("dan", "eve")


def judged(task: int, votes: dict[str, int | None], start: int, source: str = "person"):
    """A row for each author, who prefers the first (0), the second (1), or neither."""
    responses = tuple(ResponseText(2 * task + side, "", "", f"{side}") for side in (0, 1))
    for place, (author, side) in enumerate(votes.items()):
        value = {"verdict": "tie"}
        if side is not None:
            value = {"verdict": "prefer", "preferred": 2 * task + side, "strength": 1 + side}
        told = {"annotator": author, "judge": None}
        yield Judged(start + place, task, value, source, PROMPT, responses, told)


def rows_of() -> list[Judged]:
    """Forty tasks of which three people say the same and two the opposite; of the last task only
    one of the good ones and both of the bad ones are heard."""
    rows: list[Judged] = []
    for task in range(40):
        side = task % 2
        votes = dict.fromkeys(GOOD, side) | dict.fromkeys(BAD, 1 - side)
        rows += judged(task, votes, 10 * task)
    return [*rows, *judged(40, {"dan": 0, "eve": 0, "ann": 1}, 400)]


def decided(rows: list[Judged], method: str, **more):
    decide = deciding(rows, RULES, method)
    return list(aggregate(rows, aggregation=method, rules=RULES, decide=decide, **more))


@pytest.mark.parametrize("method", ESTIMATED)
def test_who_errs_counts_for_less_than_in_a_majority(method):
    rows = rows_of()
    [*_, by_most] = aggregate(rows, aggregation="majority", rules=RULES)
    assert by_most.chosen.id == 80
    *others, last = decided(rows, method)
    assert [row.chosen.id for row in others] == [2 * task + task % 2 for task in range(40)]
    assert (last.chosen.id, last.id, last.tie) == (81, 400, False)
    assert last.margin == pytest.approx(2 / 3)  # of whom it follows
    assert last.posterior is not None
    assert 0.5 < last.posterior <= 1


def test_the_weights_are_those_of_the_optimal_majority():
    """By hand: everybody agrees but in one task, so all are about as reliable."""
    rows = [row for task in range(30) for row in judged(task, dict.fromkeys("abc", 0), 10 * task)]
    rows += judged(30, {"a": 0, "b": 0, "c": 1}, 300)
    found = decided(rows, "weighted")
    assert {row.chosen.id % 2 for row in found} == {0}
    # Of three votes for and one against, each worth w, the odds are e^w; of three for, e^3w.
    lone, sure = found[-1].posterior, found[0].posterior
    w = math.log(lone / (1 - lone))
    assert w > math.log(2)
    assert sure > 1 - 3 * math.exp(-3 * w / 2)


@pytest.mark.parametrize("method", ESTIMATED)
def test_sources_stay_apart_and_halves_are_ties(method):
    [half] = decided(list(judged(0, {"a": 0, "b": 1}, 0)), method)
    assert (half.tie, half.margin) == (True, 0)
    both = [*judged(50, {"ann": 0, "bob": 0}, 500), *judged(50, {"": 1}, 505, "imported")]
    found = decided([*rows_of(), *both], method)[-2:]
    assert [(row.source, row.chosen.id) for row in found] == [("person", 100), ("imported", 101)]
    [half] = decided([*judged(0, {"a": 0, "b": 1}, 0)], method, agreement=0.5)
    assert decided([*judged(0, {"a": 0, "b": 1}, 0)], method, agreement=0.6) == []


@pytest.mark.parametrize("method", ESTIMATED)
def test_nothing_selected_gives_no_row(method):
    assert decided([], method) == []
