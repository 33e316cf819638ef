"""What sparse features of pairs do to choices: a report as JSON keeps it. Pure numpy.

    {"features": [{"feature", "active", "apart", "share", "alone", "beside_length", "q", "examples",
                   "tests"}, …],
     "rare", "ballots", "clusters", "clusters_of", "foretold"}

`active`: the share of pairs whose responses differ in the feature. An effect is {"effect", "low",
"high"} in log odds for one usual difference (its root mean square where it is active), ends null
where there is no interval. `examples` are pairs that it was learned from, `tests` pairs held out
(of the first DESCRIBED features: all that one of them is tested on and that differ in it), each
{"pair", "value"} with the value above 0 where the pair's first response has more.

The sign of a feature is arbitrary; here more of it is what was chosen more often in the votes that
are not held out. All effects are of those held out, by the GLM of `annotate/factors/effects.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.factors.effects import Effects, alone, clear_at, foretell, shares, together
from annotate.factors.table import LEAST_APART, Votes
from annotate.ranking.style import relative, root_mean_square
from annotate.ranking.table import Block
from routing.judges.differences import DESCRIBED, TESTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

LEAST_PEOPLE = 5  # whom intervals are over; with fewer, they are over prompts
EXAMPLES = 5


@dataclass(frozen=True)
class Pairs:
    """Two responses each: the prompt, whether it is held out, and the characters of both."""

    prompt_P: Ints
    held_P: Flags
    length_P2: Floats


@dataclass(frozen=True)
class Ballots:
    """Votes on pairs. sign_b: 1 where the pair's first response was put first, -1 the second, 0 for
    a tie.
    """

    pair_b: Ints
    sign_b: Ints
    author_b: Ints
    judgement_b: Ints


def report(
    feature_PM: Floats, pairs: Pairs, ballots: Ballots, *, beat: Callable[[], object]
) -> dict[str, Any]:
    """Every feature in which LEAST_APART held-out votes differ, the clearest first."""
    # Ids of prompts may be large, and sums over clusters have a place for every number below.
    pairs = replace(pairs, prompt_P=np.unique(pairs.prompt_P, return_inverse=True)[1])
    held_b = pairs.held_P[ballots.pair_b]
    feature_PM = feature_PM * _chosen_way(feature_PM, ballots, ~held_b)
    apart_M = (feature_PM[ballots.pair_b[held_b]] != 0).sum(0)
    kept = [int(at) for at in np.flatnonzero(apart_M >= LEAST_APART)]
    usual_M = np.sqrt((feature_PM**2).sum(0) / np.maximum((feature_PM != 0).sum(0), 1))
    unit_PM = feature_PM[:, kept] / usual_M[kept]
    votes, clusters_of = _votes(unit_PM, pairs, ballots, held_b)
    clusters = len(np.unique(np.concatenate([one.block.author_b for one in votes])))
    by_itself = alone([one.with_factors(range(len(kept))) for one in votes], "davidson", beat=beat)
    beside = _beside_length(votes, len(kept), beat)
    q_F, counted = clear_at(beside, clusters), shares(votes)
    foretold = foretell(votes, "davidson", length=len(kept), beat=beat) if kept else None
    rows: list[dict[str, Any]] = [
        {
            "feature": at,
            "active": float((feature_PM[:, at] != 0).mean()),
            "apart": int(apart_M[at]),
            "share": {
                "share": counted[place].share,
                "low": _finite(counted[place].low),
                "high": _finite(counted[place].high),
                "count": counted[place].count,
            },
            "alone": _effect(by_itself, place),
            "beside_length": _effect(beside, place),
            "q": float(q_F[place]),
            "examples": _strongest(feature_PM[:, at], pairs),
            "tests": [],
        }
        for place, at in enumerate(kept)
    ]
    rows.sort(key=lambda row: (row["q"], -abs(row["beside_length"]["effect"])))
    described = rows[:DESCRIBED]
    tested = sorted(
        {at for row in described for at in _spread(feature_PM[:, row["feature"]], pairs)}
    )
    for row in described:
        value_P = feature_PM[:, row["feature"]]
        row["tests"] = [
            {"pair": at, "value": float(value_P[at])} for at in tested if value_P[at] != 0
        ]
    return {
        "features": rows,
        "rare": feature_PM.shape[1] - len(kept),
        "ballots": int(held_b.sum()),
        "clusters": clusters,
        "clusters_of": clusters_of,
        "foretold": asdict(foretold) if foretold is not None else None,
    }


def _chosen_way(feature_PM: Floats, ballots: Ballots, which_b: Flags) -> Floats:
    """1 or -1 by feature: the way that these votes lean."""
    lean_M = (np.sign(feature_PM[ballots.pair_b]) * ballots.sign_b[:, None])[which_b].sum(0)
    return np.where(lean_M < 0, -1.0, 1.0)


def _votes(
    unit_PF: Floats, pairs: Pairs, ballots: Ballots, which_b: Flags
) -> tuple[list[Votes], str]:
    """Ballots with the features of their pairs, half of it at either response, and the length as
    the last factor; and what their intervals are over.
    """
    length_PK1 = relative(pairs.length_P2[:, :, None])
    spread = root_mean_square([length_PK1])[0]
    half_PF = unit_PF / 2
    factor_PKF = np.concatenate(
        [np.stack([half_PF, -half_PF], 1), length_PK1 / (spread if spread > 0 else 1.0)], 2
    )
    by_prompt = len(np.unique(ballots.author_b[which_b])) < LEAST_PEOPLE
    found = []
    for tied, sizes in ((False, (1, 1)), (True, (2,))):
        rows = np.flatnonzero(which_b & ((ballots.sign_b == 0) == tied))
        pair_b = ballots.pair_b[rows]
        style_bKF = factor_PKF[pair_b]
        turned_b = ballots.sign_b[rows] < 0
        style_bKF[turned_b] = style_bKF[turned_b, ::-1]
        prompt_b = pairs.prompt_P[pair_b]
        author_b = prompt_b if by_prompt else ballots.author_b[rows]
        block = Block(
            sizes, None, np.zeros((len(rows), 2), np.int64), author_b, np.ones(len(rows)), style_bKF
        )
        whole_b = np.ones(len(rows), dtype=bool)
        nowhere_b = np.full(len(rows), -1)
        found.append(Votes(block, prompt_b, nowhere_b, whole_b, ballots.judgement_b[rows]))
    return found, "prompts" if by_prompt else "people"


def _beside_length(votes: Sequence[Votes], count: int, beat: Callable[[], object]) -> Effects:
    """Each feature in a model of its own beside the length."""
    found = [
        together([one.with_factors([at, count]) for one in votes], "davidson", beat=beat)
        for at in range(count)
    ]
    return Effects(
        np.array([one.effect_F[0] for one in found]),
        np.array([one.low_F[0] for one in found]),
        np.array([one.high_F[0] for one in found]),
    )


def _strongest(value_P: Floats, pairs: Pairs) -> list[dict[str, float]]:
    """The pairs of the learned part with most of it either way, one of a prompt."""
    order = np.argsort(-np.abs(value_P), kind="stable")
    seen: set[int] = set()
    found = []
    for at in order[(value_P[order] != 0) & ~pairs.held_P[order]]:
        prompt = int(pairs.prompt_P[at])
        if prompt not in seen:
            seen.add(prompt)
            found.append({"pair": int(at), "value": float(value_P[at])})
        if len(found) == EXAMPLES:
            break
    return found


def _spread(value_P: Floats, pairs: Pairs) -> list[int]:
    """Held-out pairs that differ in it, from the weakest to the strongest."""
    there = np.flatnonzero((value_P != 0) & pairs.held_P)
    order = there[np.argsort(np.abs(value_P[there]), kind="stable")]
    at = np.linspace(0, len(order) - 1, min(TESTS, len(order))).round().astype(int)
    return sorted({int(one) for one in order[at]})


def fidelity(vote_T: Sequence[int], value_T: Sequence[float]) -> float | None:
    """Pearson's correlation of a judge's votes by a description (1, 0, -1) with the feature, each
    pair counted in both orders, so that both means are 0; None where either is nothing but 0.
    """
    votes, values = np.asarray(vote_T, dtype=float), np.asarray(value_T, dtype=float)
    scale = float(np.sqrt((votes @ votes) * (values @ values)))
    return float(votes @ values) / scale if scale else None


def _effect(found: Effects, at: int) -> dict[str, float | None]:
    return {
        "effect": float(found.effect_F[at]),
        "low": _finite(float(found.low_F[at])),
        "high": _finite(float(found.high_F[at])),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
