import math

import numpy as np
import pytest

from annotate.ranking.ballots import Ballot
from annotate.ranking.boards import fit_board
from annotate.ranking.columns import Columns
from annotate.ranking.pairs import outcomes
from annotate.ranking.report import Asked, Gathered, chance_of, report
from annotate.ranking.table import Block


def gathered(wins: int = 40) -> Gathered:
    """Three models; German pairs by four people, a few English ones, longer answers preferred."""
    rng = np.random.default_rng(0)
    pairs, ties = Columns(), Columns()
    style = rng.integers(10, 500, (3 * wins, 5))
    for at in range(wins):
        first, second = rng.permutation(3)[:2].tolist()
        longer = (style[2 * at, 0] > style[2 * at + 1, 0]) != (at % 7 == 0)
        columns = ties if at % 5 == 0 else pairs
        columns.models.extend([first, second] if longer else [second, first])
        columns.responses.extend([2 * at, 2 * at + 1] if longer else [2 * at + 1, 2 * at])
        columns.places.extend([at % 2, 1 - at % 2])
        columns.author.append(at % 4)
        columns.prompt.append(at)
        columns.category.append(0 if at % 4 else 1)
        columns.whole.append(1)
    return Gathered(
        ["a", "b", "c"], ["de", "en"], {((1, 1), None): pairs, ((2,), None): ties},
        style.astype(float), np.array([2, 0]), np.array([0, 0]), np.array([True, True]),
    )  # fmt: skip


def test_a_report_has_a_board_for_all_and_for_each_category_that_is_large_enough() -> None:
    found = report(gathered(), Asked(style=("length", "bold", "position")))
    assert [one["name"] for one in found["categories"]] == ["de"]
    assert found["categories"][0]["ballots"] == 30
    assert found["small"] == 1
    assert set(found["boards"]) == {"", "de"}
    board = found["boards"][""]["plain"]
    assert [row["rank"] for row in board["rows"]] == [1, 1, 1]
    assert sum(row["votes"] for row in board["rows"]) == 2 * 40
    assert sum(row["wins"] for row in board["rows"]) == 32
    assert sum(row["ties"] for row in board["rows"]) == 16
    assert {row["model"]: row["bad"] for row in board["rows"]} == {0: 1, 1: 0, 2: 1}
    assert sum(sum(row[2:]) for row in found["pairs"][""]) == 40
    effects = found["boards"][""]["style"]["effects"]
    assert [one["name"] for one in effects] == ["length", "bold", "position"]
    assert effects[0]["effect"] > 0.5, "length decided six times of seven"
    assert report(gathered(), Asked())["boards"][""].keys() == {"plain"}


def test_strengths_are_those_of_the_same_ballots() -> None:
    given = gathered()
    ballots, authors = [], []
    for (sizes, _), columns in given.columns.items():
        for at, author in enumerate(columns.author):
            two = columns.models[2 * at : 2 * at + 2].tolist()
            ballots.append(Ballot.ranking(two) if sizes == (2,) else Ballot.ranking(*two))
            authors.append(author)
    wanted = fit_board(ballots, authors, models=3)
    rows = report(given, Asked())["boards"][""]["plain"]["rows"]
    by_model = sorted(rows, key=lambda row: row["model"])
    assert [row["strength"] for row in by_model] == pytest.approx(wanted.strength_N)
    assert [row["low"] for row in by_model] == pytest.approx(wanted.low_N)
    capped = report(given, Asked(most=2))["boards"][""]["plain"]["rows"]
    assert capped[0]["high"] != pytest.approx(rows[0]["high"])
    by_prompt = report(given, Asked(by_prompt=True))["boards"][""]["plain"]
    assert by_prompt["clusters"] == 40


def test_without_a_vote_there_are_no_rows_and_alone_no_interval() -> None:
    empty = Gathered([], [], {}, np.zeros((0, 5)), np.zeros(0, int), np.zeros(0, int),
                     np.zeros(0, bool))  # fmt: skip
    assert report(empty, Asked(style=("length",)))["boards"][""]["plain"]["rows"] == []
    one = Columns()
    for column, value in ((one.models, [0, 1]), (one.responses, [-1, -1]), (one.places, [-1, -1])):
        column.extend(value)
    for column in (one.author, one.prompt):
        column.append(0)
    one.category.append(-1)
    one.whole.append(1)
    alone = Gathered(["a", "b"], [], {((1, 1), None): one}, np.zeros((0, 5)), np.zeros(0, int),
                     np.zeros(0, int), np.zeros(0, bool))  # fmt: skip
    found = report(alone, Asked(style=("length", "position")))["boards"][""]
    assert [row["low"] for row in found["plain"]["rows"]] == [None, None]
    assert "style" not in found, "nothing is known of style"


def test_outcomes_count_every_two_that_were_compared() -> None:
    block = Block((1, 2, 1), 1, np.array([[3, 0, 1, 2]]), np.zeros(1, int), np.zeros(1),
                  np.zeros((1, 4, 0)))  # fmt: skip
    wins, ties = outcomes([block], 4)
    assert wins.tolist() == [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 0]]
    assert not ties.any()
    tied = Block((1, 2), None, np.array([[2, 0, 1]]), np.zeros(1, int), np.ones(1),
                 np.zeros((1, 3, 0)))  # fmt: skip
    wins, ties = outcomes([tied], 3)
    assert wins.tolist() == [[0, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert ties.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("gap", [-3.0, 0.0, 0.4, 800.0])
@pytest.mark.parametrize("tie", [None, -1.0, 2.0])
def test_chance_is_davidsons_with_half_of_the_ties(gap, tie) -> None:
    odds = [1.0, math.exp(min(-gap, 700)), 0 if tie is None else math.exp(tie + min(-gap, 700) / 2)]
    wanted = (odds[0] + odds[2] / 2) / sum(odds)
    assert chance_of(gap, tie) == pytest.approx(wanted)
