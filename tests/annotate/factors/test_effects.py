"""Planted preferences: what people choose by comes out, and what they do not does not."""

import numpy as np
import pytest

from annotate.factors.effects import (
    alone,
    clear_at,
    foretell,
    shares,
    together,
    with_known_models,
)
from annotate.factors.people import people_of
from annotate.factors.report import report
from annotate.factors.table import Table, Votes
from annotate.ranking.table import Block

RARE = ("links",)


def pairs(people: int, each: int, effect_AF, *, seed: int, tie=0.0, shape=None, models=None):
    """Votes on pairs: effect_AF [people, F] log odds; factors are standard normal differences."""
    rng = np.random.default_rng(seed)
    count, factors = people * each, effect_AF.shape[1]
    author_b = np.repeat(np.arange(people), each)
    apart_bF = rng.normal(size=(count, factors)) if shape is None else shape(rng, count)
    utility_b = (apart_bF * effect_AF[author_b]).sum(1)
    shown_b2 = np.full((count, 2), -1)
    if models is not None:
        first_b = rng.integers(0, len(models), count)
        second_b = (first_b + rng.integers(1, len(models), count)) % len(models)
        shown_b2 = np.stack([first_b, second_b], 1)
        utility_b = utility_b + models[first_b] - models[second_b]
    first_b = rng.random(count) < 1 / (1 + np.exp(-utility_b))
    style_b2F = np.stack([apart_bF / 2, -apart_bF / 2], 1)
    style_b2F[~first_b] = style_b2F[~first_b][:, ::-1]
    shown_b2[~first_b] = shown_b2[~first_b][:, ::-1]
    tied_b = rng.random(count) < tie
    whole = Votes(
        Block((1, 1), None, shown_b2, author_b, np.ones(count), style_b2F),
        rng.integers(0, count // 3, count),
        np.where(np.arange(count) % 2, 0, -1),
        np.ones(count, dtype=bool),
        np.arange(count) + 1000,
    )
    if not tie:
        return [whole]
    block = whole.kept(tied_b).block
    tied = Block((2,), None, block.shown_bK, block.author_b, block.weight_b, block.style_bKF)
    rest = whole.kept(tied_b)
    return [
        whole.kept(~tied_b),
        Votes(tied, rest.prompt_b, rest.category_b, rest.whole_b, rest.judgement_b),
    ]


def quiet() -> None:
    pass


@pytest.mark.parametrize("tie", [0.0, 0.2])
def test_planted_effects_lie_in_their_intervals(tie) -> None:
    planted = np.array([0.8, 0.0, -0.4])
    found = together(
        pairs(40, 60, np.tile(planted, (40, 1)), seed=1, tie=tie), "davidson", beat=quiet
    )
    assert (found.low_F < planted).all()
    assert (planted < found.high_F).all()
    assert found.low_F[0] > 0
    assert found.high_F[2] < 0
    assert found.low_F[1] < 0 < found.high_F[1]
    q_F = clear_at(found, 40)
    assert max(q_F[0], q_F[2]) < 0.001
    assert q_F[1] > 0.05


def test_intervals_hold_nineteen_times_in_twenty_also_where_people_differ() -> None:
    inside = np.zeros(2)
    for seed in range(120):
        rng = np.random.default_rng(1000 + seed)
        effect_AF = np.array([0.5, 0.0]) + rng.normal(size=(30, 2)) * 0.4
        found = together(pairs(30, 20, effect_AF, seed=seed), "davidson", beat=quiet)
        # With people apart the effect that holds for all is a little nearer to none.
        inside += (found.low_F < np.array([0.48, 0.0])) & (np.array([0.48, 0.0]) < found.high_F)
    assert (inside / 120 > 0.89).all()
    assert (inside / 120 < 0.995).all()


def test_a_factor_that_only_comes_with_another_falls_away_together() -> None:
    def shape(rng, count):
        length = rng.normal(size=count)
        lists = 0.8 * length + 0.6 * rng.normal(size=count)
        return np.stack([length, lists], 1)

    votes = pairs(40, 60, np.tile([0.8, 0.0], (40, 1)), seed=2, shape=shape)
    by_itself = alone(votes, "davidson", beat=quiet)
    both = together(votes, "davidson", beat=quiet)
    assert by_itself.low_F[1] > 0.3
    assert both.low_F[1] < 0 < both.high_F[1]
    assert both.low_F[0] > 0.5


def test_beside_the_strengths_of_models_only_the_text_counts() -> None:
    """Strong models write long here, and nobody cares for length."""
    rng = np.random.default_rng(3)
    models = np.array([1.5, 0.5, -0.5, -1.5])
    votes = pairs(40, 50, np.zeros((40, 1)), seed=3, models=models)
    [one] = votes
    one.block.style_bKF[:] = 0.5 * models[one.block.shown_bK][:, :, None] + 0.3 * rng.normal(
        size=one.block.style_bKF.shape
    )
    raw = together(votes, "davidson", beat=quiet)
    within = together(with_known_models(votes), "davidson", models=4, beat=quiet)
    assert raw.low_F[0] > 0.5
    assert within.low_F[0] < 0 < within.high_F[0]


def test_ballots_with_unknown_or_equal_models_are_not_known() -> None:
    [one] = pairs(2, 3, np.zeros((2, 1)), seed=4)
    one.block.shown_bK[:] = [[0, 1], [1, 1], [-1, 0], [0, -1], [2, 1], [0, 1]]
    [kept] = with_known_models([one])
    assert kept.judgement_b.tolist() == [1000, 1004, 1005]


def test_shares_are_of_comparisons_that_differ() -> None:
    [one] = pairs(10, 20, np.zeros((10, 2)), seed=5)
    one.block.style_bKF[:] = 0
    one.block.style_bKF[:50, 0, 1] = 1  # fifty times the chosen one has more of the second
    one.block.style_bKF[50:100, 1, 1] = 1
    one.block.style_bKF[50:75, :, 1] = 0
    first, second = shares([one])
    assert (first.count, first.share) == (0, 0.5)
    assert second.count == 75
    assert second.share == pytest.approx(50 / 75)
    assert 0 <= second.low < 50 / 75 < second.high <= 1


def test_a_ranking_says_as_much_as_its_order() -> None:
    """Of four, drawn by Plackett and Luce's model."""
    rng = np.random.default_rng(6)
    style_bKF = rng.normal(size=(1500, 4, 2))
    utility_bK = style_bKF @ np.array([0.7, -0.3]) + rng.gumbel(size=(1500, 4))
    order = np.argsort(-utility_bK, 1)
    style_bKF = np.take_along_axis(style_bKF, order[:, :, None], 1)
    author_b = np.arange(1500) % 30
    ones = np.ones(1500)
    block = Block((1, 1, 1, 1), None, np.full((1500, 4), -1), author_b, ones, style_bKF)
    number = np.arange(1500)
    found = together(
        [Votes(block, number, number, ones.astype(bool), number)], "davidson", beat=quiet
    )
    assert (found.low_F < [0.7, -0.3]).all()
    assert (found.high_F > [0.7, -0.3]).all()


def test_people_who_differ_are_found_and_those_alike_are_not() -> None:
    effect_AF = np.tile([0.6, 0.3], (30, 1))
    effect_AF[:6, 0] = -0.8
    found = people_of(pairs(30, 60, effect_AF, seed=7), "davidson", beat=quiet)
    assert found.spread_F[0] > 0.3
    assert found.p_F[0] < 1e-4
    assert found.p_F[1] > 0.01
    clearly = np.abs(found.deviation_AF[:, 0]) > found.half_AF[:, 0]
    assert clearly[:6].sum() >= 5
    assert (found.deviation_AF[:6, 0] < 0).all()
    assert (clearly & (found.deviation_AF[:, 0] < 0))[6:].sum() <= 1
    assert people_of(pairs(2, 60, np.zeros((2, 1)), seed=7), "davidson", beat=quiet) is None
    assert people_of(pairs(9, 10, np.zeros((9, 1)), seed=7), "davidson", beat=quiet) is None


def test_held_out_comparisons_are_foretold_as_well_as_they_can_be() -> None:
    votes = pairs(30, 80, np.tile([0.2, 1.5], (30, 1)), seed=8)
    found = foretell(votes, "davidson", length=0, beat=quiet)
    assert found.low < found.share < found.high
    assert found.share > 0.72
    assert found.by_length < 0.62
    assert found.count == 2400
    guess = foretell(pairs(30, 40, np.zeros((30, 2)), seed=9), "davidson", length=0, beat=quiet)
    assert guess.low < 0.5 < guess.high


def test_the_report_holds_every_part() -> None:
    effect_AF = np.tile([0.8, 0.0], (12, 1))
    votes = pairs(12, 40, effect_AF, seed=10)
    table = Table(votes, ("length", "lists"), np.ones(2), np.array([480, 480]), RARE)
    found = report(
        table,
        ties="davidson",
        models=0,
        categories=["en"],
        groups={("role", "annotator"): frozenset(range(6)), ("tier", "expert"): frozenset([0])},
        beat=quiet,
    )
    length, lists = found["factors"]
    assert (length["name"], length["apart"], length["within"]) == ("length", 480, None)
    assert length["together"]["low"] > 0
    assert length["q"] < 0.01
    assert 0.6 < length["share"]["share"] < 0.8
    assert len(length["examples"]["chosen"]) == len(lists["examples"]["rejected"]) == 5
    assert found["categories"][0]["ballots"] == 240
    assert [(one["name"], one["people"]) for one in found["groups"]] == [("annotator", 6)]
    assert len(found["people"]) == 12
    assert found["rare"] == ["links"]
    assert (found["ballots"], found["clusters"], found["within_ballots"]) == (480, 12, 0)


def test_too_few_votes_give_no_effects() -> None:
    table = Table(
        pairs(3, 10, np.zeros((3, 1)), seed=1), ("length",), np.ones(1), np.array([30]), ()
    )
    found = report(table, ties="halves", models=0, categories=[], groups={}, beat=quiet)
    assert found["factors"] == []
    assert found["ballots"] == 30
