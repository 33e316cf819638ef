"""Rankings: what is refused and where, the pairs of an answer, Kendall's distance with ties."""

import itertools
import json
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from annotate.kinds import InvalidValue, ranking
from annotate.kinds.contract import Pair, Shown

IDS = [11, 12, 13, 14]
SHOWN = Shown.of_ids([13, 11, 14, 12])


def clean(value: object, *, shown: Shown = SHOWN, **settings: object) -> dict:
    modes = {"modes": ["full", "best_worst", "best"], "allow_all_good": True}
    return ranking.clean_value(
        value, shown=shown, settings=ranking.clean_settings({**modes, **settings})
    )


def order(*tiers: list[int], **more: object) -> dict:
    return {"verdict": "full", "tiers": list(tiers), **more}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (order([14], [13, 11], [12]), order([14], [11, 13], [12])),
        (
            order([12], [14, 13], unrankable={"11": "not in English"}),
            order([12], [13, 14], unrankable={"11": "not in English"}),
        ),
        (order([12], [13], [11], [14], unrankable={}), order([12], [13], [11], [14])),
        (order([14, 13, 12, 11]), {"verdict": "tie"}),
        (
            order(unrankable={str(pk): "empty" for pk in reversed(IDS)}),
            order(unrankable={str(pk): "empty" for pk in IDS}),
        ),
        ({"verdict": "best_worst", "best": 11, "worst": 14},) * 2,
        ({"verdict": "best", "best": 12},) * 2,
        ({"verdict": "all_good"},) * 2,
        ({"verdict": "all_bad"},) * 2,
    ],
)
def test_answers_as_stored(value, stored):
    assert clean(value) == stored


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "value"),
        (None, "value"),
        ({"verdict": "order"}, "value.verdict"),
        ({"verdict": ["full"]}, "value.verdict"),
        (order(), "value.tiers"),
        ({"verdict": "full"}, "value.tiers"),
        (order([11], [12], [13]), "value.tiers"),
        (order([11], [12, 11], [13], [14]), "value.tiers.1.1"),
        (order([11], [11], [12], [13]), "value.tiers.1.0"),
        (order([11, 11], [12], [13], [14]), "value.tiers.0.1"),
        (order([11], [], [12], [13]), "value.tiers.1"),
        (order([11], 12, [13], [14]), "value.tiers.1"),
        (order([11], [12], [13], [15]), "value.tiers.3.0"),
        (order([11], [12], [13], [True]), "value.tiers.3.0"),
        (order([11], [12], [13], [14.0]), "value.tiers.3.0"),
        (order([11], [12], [13], ["14"]), "value.tiers.3.0"),
        (order(*([[11]] * 100_000)), "value.tiers"),
        (order([11] * 100_000), "value.tiers.0"),
        (order([11], [12], [13], [14], unrankable={"14": "bad"}), "value.unrankable.14"),
        (order([11], [12], [13], unrankable={"14": " "}), "value.unrankable.14"),
        (order([11], [12], [13], unrankable={"14": None}), "value.unrankable.14"),
        (order([11], [12], [13], unrankable={"15": "bad"}), "value.unrankable.15"),
        (order([11], [12], [13], unrankable={"014": "bad"}), "value.unrankable.014"),
        (order([11], [12], [13], unrankable=["14"]), "value.unrankable"),
        (order([11], [12], [13], unrankable={"14": "x" * 501}), "value.unrankable.14"),
        (order([11], [12], [13], unrankable={"14": "\0"}), "value.unrankable.14"),
        (order([11], [12], [13], [14], best=11), "value.best"),
        ({"verdict": "best_worst", "best": 11}, "value.worst"),
        ({"verdict": "best_worst", "best": 11, "worst": 11}, "value.worst"),
        ({"verdict": "best_worst", "best": None, "worst": 11}, "value.best"),
        ({"verdict": "best", "best": 11, "worst": 12}, "value.worst"),
        ({"verdict": "tie", "best": 11}, "value.best"),
        ({"verdict": "tie", "note": "x"}, "value.note"),
    ],
)
def test_refused_answers(value, field):
    with pytest.raises(InvalidValue) as refused:
        clean(value)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("asked", "value", "field"),
    [
        ({"allow_ties": False}, order([11, 12], [13], [14]), "value.tiers.0"),
        ({"allow_ties": False}, {"verdict": "tie"}, "value.verdict"),
        ({"allow_all_bad": False}, {"verdict": "all_bad"}, "value.verdict"),
        (
            {"allow_unrankable": False},
            order([11], [12], [13], unrankable={"14": "x"}),
            "value.unrankable",
        ),
        ({"modes": ["best_worst"]}, {"verdict": "best", "best": 11}, "value.verdict"),
        ({"modes": ["best"]}, order([11], [12], [13], [14]), "value.verdict"),
    ],
)
def test_what_the_project_does_not_offer(asked, value, field):
    with pytest.raises(InvalidValue) as refused:
        clean(value, **asked)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([], "kind_settings"),
        ({"k": 4}, "kind_settings.k"),
        ({"modes": []}, "kind_settings.modes"),
        ({"modes": "full"}, "kind_settings.modes"),
        ({"modes": ["full", "full"]}, "kind_settings.modes.1"),
        ({"modes": ["worst"]}, "kind_settings.modes.0"),
        ({"allow_ties": 1}, "kind_settings.allow_ties"),
        ({"rationale_min_chars": True}, "kind_settings.rationale_min_chars"),
        ({"rationale_min_chars": -1}, "kind_settings.rationale_min_chars"),
        ({"confidence": "absolutely"}, "kind_settings.confidence"),
    ],
)
def test_refused_settings(asked, field):
    with pytest.raises(InvalidValue) as refused:
        ranking.clean_settings(asked)
    assert refused.value.field == field


def test_two_responses_are_ordered_where_best_and_worst_is_asked_of_more():
    under = ranking.clean_settings({})
    assert ranking.offered_modes(under, 2) == ("full",)
    assert ranking.offered_modes(under, 3) == ("best_worst", "full")
    assert clean(order([2], [1]), shown=Shown.of_ids([1, 2]), modes=["best_worst"]) == order(
        [2], [1]
    )
    with pytest.raises(InvalidValue) as refused:
        clean({"verdict": "best_worst", "best": 1, "worst": 2}, shown=Shown.of_ids([1, 2]))
    assert refused.value.field == "value.verdict"


def prefer(chosen: int, rejected: int) -> Pair:
    return Pair(chosen, rejected, strength=1, tie=False)


def tie(first: int, second: int) -> Pair:
    return Pair(first, second, strength=0, tie=True)


def test_pairs():
    value = order([14], [11, 13], unrankable={"12": "x"})
    assert ranking.pairs(value, IDS) == [tie(11, 13), prefer(14, 11), prefer(14, 13)]
    assert ranking.pairs({"verdict": "best_worst", "best": 13, "worst": 11}, IDS) == [
        *(prefer(12, 11), prefer(13, 11), prefer(14, 11)),
        *(prefer(13, 12), prefer(13, 14)),
    ]
    best = [prefer(12, 11), prefer(12, 13), prefer(12, 14)]
    assert ranking.pairs({"verdict": "best", "best": 12}, IDS) == best
    for verdict in ("tie", "all_good", "all_bad"):
        ties = [tie(a, b) for a, b in itertools.combinations(IDS, 2)]
        assert ranking.pairs({"verdict": verdict}, IDS) == ties


@st.composite
def weak_orders(draw, count: int) -> list[int]:
    """The tier of each response, tiers from 0 on without gaps."""
    tiers = draw(st.lists(st.integers(0, count - 1), min_size=count, max_size=count))
    return [sorted(set(tiers)).index(tier) for tier in tiers]


def as_value(tier_of: list[int]) -> dict:
    tiers = [[pk for pk, t in enumerate(tier_of) if t == tier] for tier in sorted(set(tier_of))]
    return {"verdict": "full", "tiers": tiers}


several = st.integers(2, 10).flatmap(
    lambda count: st.tuples(weak_orders(count), weak_orders(count), weak_orders(count))
)


@given(several)
def test_pairs_follow_the_tiers(orders):
    tier_of = orders[0]
    count = len(tier_of)
    found = ranking.pairs(as_value(tier_of), range(count))
    assert len(found) == count * (count - 1) // 2
    for pair in found:
        assert pair.tie is (tier_of[pair.chosen] == tier_of[pair.rejected])
        assert tier_of[pair.chosen] <= tier_of[pair.rejected]


def profile_distance(a: list[int], b: list[int]) -> Fraction:
    """K^(1/2) as Fagin et al. write it as an L1 distance of K-profiles, normalised.

    A ranking's profile holds for every ordered pair 1/4 if it is ahead, -1/4 if behind, else 0.
    """

    def profile(tier_of: list[int]) -> list[Fraction]:
        pairs = itertools.permutations(tier_of, 2)
        return [Fraction((x < y) - (x > y), 4) for x, y in pairs]

    apart = sum(abs(x - y) for x, y in zip(profile(a), profile(b), strict=True))
    return apart / Fraction(len(a) * (len(a) - 1), 2)


@given(several)
def test_distance_of_full_orders_is_the_l1_distance_of_profiles(orders):
    a, b, c = orders
    ids = range(len(a))

    def apart(x: list[int], y: list[int]) -> float:
        return ranking.distance(as_value(x), as_value(y), ids)

    assert apart(a, b) == pytest.approx(float(profile_distance(a, b)))
    assert apart(a, c) <= apart(a, b) + apart(b, c) + 1e-12  # a metric
    assert (apart(a, b) == 0) is (a == b)


@given(several)
def test_distance_agrees_with_tau_b_of_scipy(orders):
    """tau-b gives concordant minus discordant pairs; ties make up the rest."""
    a, b, _ = orders
    count = len(a)
    pairs = count * (count - 1) // 2
    tied_a, tied_b, tied_both = (
        sum(n * (n - 1) // 2 for n in Counter(tiers).values())
        for tiers in (a, b, zip(a, b, strict=True))
    )
    if tied_a == pairs or tied_b == pairs:
        return  # tau-b is undefined there
    tau = kendalltau(a, b, variant="b").statistic
    surplus = tau * ((pairs - tied_a) * (pairs - tied_b)) ** 0.5
    ordered_by_both = pairs - tied_a - tied_b + tied_both
    discordant = (ordered_by_both - surplus) / 2
    ordered_by_one = tied_a + tied_b - 2 * tied_both
    expected = (discordant + ordered_by_one / 2) / pairs
    assert ranking.distance(as_value(a), as_value(b), range(count)) == pytest.approx(expected)


def extensions(value: dict, ids: list[int]) -> list[tuple[int, ...]]:
    """Every strict order that an answer of best, or best and worst, leaves possible."""
    return [
        ordered
        for ordered in itertools.permutations(ids)
        if ordered[0] == value["best"] and ordered[-1] == value.get("worst", ordered[-1])
    ]


def judged(value: dict, ids: list[int]) -> dict[tuple[int, int], bool]:
    """Pairs that every possible order has the same way round: what the answer really says."""
    orders = extensions(value, ids)
    ways = {
        pair: {o.index(pair[0]) < o.index(pair[1]) for o in orders}
        for pair in itertools.combinations(ids, 2)
    }
    return {pair: way.pop() for pair, way in ways.items() if len(way) == 1}


@given(st.integers(3, 6).flatmap(lambda k: st.tuples(*[st.permutations(range(k))] * 2)), st.data())
def test_distance_of_best_and_worst_by_brute_force(ordered, data):
    """The share of contradictions among the pairs that both answers decide."""
    a, b = (
        {"verdict": "best_worst", "best": o[0], "worst": o[-1]}
        if data.draw(st.booleans())
        else {"verdict": "best", "best": o[0]}
        for o in ordered
    )
    ids = sorted(ordered[0])
    ours, theirs = judged(a, ids), judged(b, ids)
    both = ours.keys() & theirs.keys()
    expected = sum(ours[pair] != theirs[pair] for pair in both) / len(both)
    assert ranking.distance(a, b, ids) == pytest.approx(expected)


def test_distance_between_ways_to_answer():
    ends = {"verdict": "best_worst", "best": 11, "worst": 14}
    assert ranking.distance(ends, order([11], [13], [12], [14]), IDS) == 0
    assert ranking.distance(ends, order([14], [12], [13], [11]), IDS) == 1
    assert ranking.distance(ends, {"verdict": "best_worst", "best": 14, "worst": 11}, IDS) == 1
    assert ranking.distance(ends, {"verdict": "tie"}, IDS) == 0.5
    assert ranking.distance({"verdict": "all_good"}, {"verdict": "all_bad"}, IDS) == 0
    aside = order([11], [12], [13], unrankable={"14": "x"})
    # Three of six pairs hold 14, which only one of the two can rank.
    assert ranking.distance(aside, order([11], [12], [13], [14]), IDS) == pytest.approx(0.25)


def test_real_rankings(data_dir):
    """212 consensus rankings of 2 to 9 replies: 754 implied pairs, as the data set's notes say."""
    lengths, pairs, apart = Counter(), 0, []
    with (data_dir / "oasst_en100" / "ranked.jsonl").open() as lines:
        for line in lines:
            ranks = [reply["rank"] for reply in json.loads(line)["replies"]]
            ids = range(1, len(ranks) + 1)
            tiers = [
                [pk for pk, rank in zip(ids, ranks, strict=True) if rank == place]
                for place in sorted(set(ranks))
            ]
            shown = Shown.of_ids(list(ids))
            value = clean(order(*tiers), shown=shown)
            assert value == order(*tiers)
            found = ranking.pairs(value, list(ids))
            for pair in found:
                assert ranks[pair.chosen - 1] < ranks[pair.rejected - 1]
            pairs += len(found)
            lengths[len(ranks)] += 1
            apart.append(ranking.distance(value, order(*tiers[::-1]), list(ids)))
    assert lengths == {2: 57, 3: 117, 4: 27, 5: 3, 6: 6, 8: 1, 9: 1}
    assert pairs == 754
    assert set(apart) == {1.0}
