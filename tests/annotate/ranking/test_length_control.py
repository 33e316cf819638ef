"""Win rates with the length taken out, on votes whose length bias is planted."""

import numpy as np
import pytest

from annotate.ranking.ballots import Ballot
from annotate.ranking.boards import fit_board
from annotate.ranking.columns import Columns
from annotate.ranking.length_control import length_term, rates, spread_of
from annotate.ranking.report import Asked, Gathered, report

STRENGTH = np.array([0.8, 0.0, 0.0])
WORDY = 2  # as strong as the second, and three times as long
BIAS = 1.5


def gathered(votes: int = 3000, bias: float = BIAS) -> Gathered:
    """Three models; people choose by strength and, with `bias`, by tanh of the difference in
    length over its root mean square.
    """
    rng = np.random.default_rng(3)
    shown = np.array([rng.permutation(3)[:2] for _ in range(votes)])
    length = rng.uniform(200, 600, (votes, 2)) * np.where(shown == WORDY, 3, 1)
    apart = length[:, 0] - length[:, 1]
    logit = STRENGTH[shown[:, 0]] - STRENGTH[shown[:, 1]]
    logit = logit + bias * np.tanh(apart / np.sqrt((apart**2).mean()))
    first = rng.random(votes) < 1 / (1 + np.exp(-logit))
    columns, style = Columns(), np.zeros((2 * votes, 5))
    style[:, 0] = length.ravel()
    for at in range(votes):
        order = [0, 1] if first[at] else [1, 0]
        columns.models.extend(int(shown[at, place]) for place in order)
        columns.responses.extend(2 * at + place for place in order)
        columns.places.extend(order)
        columns.author.append(at % 30)
        columns.prompt.append(at)
        columns.category.append(-1)
        columns.whole.append(1)
    none = np.zeros(0, dtype=np.int64)
    return Gathered(
        ["good", "plain", "wordy"], [], {((1, 1), None): columns}, style, none, none,
        none.astype(bool),
    )  # fmt: skip


def truth(model: int) -> float:
    others = [one for one in range(3) if one != model]
    return float(np.mean([1 / (1 + np.exp(STRENGTH[o] - STRENGTH[model])) for o in others]))


def test_a_wordy_model_loses_what_its_length_won_and_the_planted_bias_is_found() -> None:
    board = report(gathered(), Asked(style=("length",)))["boards"][""]
    won = {row["model"]: row["wins"] / row["votes"] for row in board["plain"]["rows"]}
    even = {row["model"]: row for row in board["length"]["rows"]}
    assert won[WORDY] > 0.6 > 0.5 > truth(WORDY)
    for model in range(3):
        assert even[model]["low"] < truth(model) < even[model]["high"]
        assert even[model]["high"] - even[model]["low"] < 0.15
    effect = board["length"]["effect"]
    assert effect["low"] < BIAS < effect["high"]
    assert effect["effect"] == pytest.approx(BIAS, abs=0.2)


def test_without_a_bias_the_rates_are_those_that_were_won() -> None:
    board = report(gathered(bias=0.0), Asked(style=("length",)))["boards"][""]
    won = {row["model"]: row["wins"] / row["votes"] for row in board["plain"]["rows"]}
    for row in board["length"]["rows"]:
        assert row["rate"] == pytest.approx(won[row["model"]], abs=0.04)
    assert "length" not in report(gathered(200), Asked(style=("bold",)))["boards"][""]


def test_two_responses_differ_by_the_paper_s_term_and_orders_by_its_sum() -> None:
    length = np.array([[300.0, 100.0]])
    two = length_term(length, 200.0)
    assert two[0, 0] - two[0, 1] == pytest.approx(np.tanh(1.0))
    three = length_term(np.array([[300.0, 100.0, 100.0]]), 200.0)
    assert three[0, 0] == pytest.approx(2 * np.tanh(1.0) / 3)
    assert three.sum() == pytest.approx(0)
    assert spread_of([length]) == pytest.approx(200.0)
    assert (length_term(length, spread_of([np.ones((4, 2))])) == 0).all()


def test_rates_are_of_the_board_s_chances_with_ties_as_halves() -> None:
    """Two models: the rate is the share won, a tie half, as Davidson's model reproduces it."""
    first, second = Ballot.ranking(0, 1), Ballot.ranking(1, 0)
    ballots = [first] * 50 + [second] * 30 + [Ballot.ranking((0, 1))] * 20
    board = fit_board(ballots, [at * at % 11 for at in range(100)], models=2)
    rate, low, high = rates(board)
    assert rate[0] == pytest.approx(0.6, abs=0.002)
    assert rate.sum() == pytest.approx(1)
    assert low[0] < 0.6 < high[0]
    assert low[0] == pytest.approx(1 - high[1])
    alone = rates(fit_board(ballots, [0] * 100, models=2))
    assert np.isnan(alone[1]).all()
    assert np.isnan(rates(fit_board([], [], models=1))[0]).all()
