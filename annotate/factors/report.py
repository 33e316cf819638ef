"""A report on factors as JSON keeps it. Pure numpy.

    {"factors": [{"name", "apart", "share", "alone", "together", "within", "q", "spread",
                  "spread_p", "examples"}, …],
     "rare": [name, …], "ballots", "clusters", "clusters_of", "within_ballots", "foretold",
     "categories": [{"name", "ballots", "effects": [effect, …]}, …], "small",
     "groups": [{"sort", "name", "people", "ballots", "effects"}, …],
     "people": [{"author", "ballots", "effects"}, …]}

`apart`: ballots whose responses differ in the factor. An effect is {"effect", "low", "high"} in log
odds for one spread, ends null where there is no interval; a person's also says whether it `differs`
from all. `within`, `spread` (of people) and `foretold` are null where there is too little.
`examples`: judgements in which the response with more of it was "chosen", or "rejected".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.factors.effects import (
    Effects,
    alone,
    clear_at,
    foretell,
    shares,
    together,
    with_known_models,
)
from annotate.factors.people import People, people_of
from annotate.factors.table import Table, Votes, pairs_apart
from annotate.ranking.likelihood import Ties

Floats = NDArray[np.float64]

LEAST_PEOPLE = 5  # whom intervals are over; with fewer, they are over prompts
LEAST_BALLOTS = 50  # of all, of a category and of a group that are reckoned with
MOST_CATEGORIES = 20
MOST_PEOPLE = 100
EXAMPLES = 5


def report(
    table: Table,
    *,
    ties: Ties,
    models: int,
    categories: Sequence[str],
    groups: Mapping[tuple[str, str], frozenset[int]],
    beat: Callable[[], object],
) -> dict[str, Any]:
    """`models`: how many there are; `groups`: sort and name of each, and its authors."""
    by_person = [one.kept(one.whole_b) for one in table.votes]
    ballots = sum(map(len, by_person))
    by_prompt = _people(by_person) < LEAST_PEOPLE
    if by_prompt:
        table = replace(table, votes=[one.by_prompt() for one in table.votes])
    whole = [one.kept(one.whole_b) for one in table.votes]
    clusters = _people(whole)
    empty = {"factors": [], "people": [], "groups": [], "categories": [], "small": 0}
    base = {
        "rare": list(table.rare),
        "ballots": ballots,
        "clusters": clusters,
        "clusters_of": "prompts" if by_prompt else "people",
        "within_ballots": 0,
        "foretold": None,
    }
    if ballots < LEAST_BALLOTS or not table.factors:
        return {**base, **empty}
    known = with_known_models(whole)
    within = None
    if sum(map(len, known)) >= LEAST_BALLOTS:
        base["within_ballots"] = sum(map(len, known))
        within = together(known, ties, models=models, beat=beat)
    by_itself, all_together = alone(whole, ties, beat=beat), together(whole, ties, beat=beat)
    people = people_of(by_person, ties, beat=beat)
    length = table.factors.index("length") if "length" in table.factors else None
    foretold = foretell(whole, ties, length=length, beat=beat)
    sizes, kept = _largest(table, len(categories))
    return {
        **base,
        "foretold": asdict(foretold) if foretold is not None else None,
        "factors": _factors(table, whole, by_itself, all_together, within, people),
        "categories": [
            {
                "name": categories[at],
                "ballots": int(sizes[at]),
                "effects": _effects(
                    together([v.kept(v.category_b == at) for v in table.votes], ties, beat=beat)
                ),
            }
            for at in kept
        ],
        "small": int((sizes > 0).sum()) - len(kept),
        "groups": _groups(by_person, groups, ties, beat),
        "people": _each(people, all_together) if people is not None else [],
    }


def _factors(
    table: Table,
    whole: Sequence[Votes],
    by_itself: Effects,
    all_together: Effects,
    within: Effects | None,
    people: People | None,
) -> list[dict[str, Any]]:
    q_F = clear_at(all_together, _people(whole))
    within_F = _effects(within) if within is not None else [None] * len(table.factors)
    examples = _examples(whole)
    counted = shares(whole)
    rows = zip(_effects(by_itself), _effects(all_together), within_F, strict=True)
    return [
        {
            "name": table.factors[at],
            "apart": int(table.apart_F[at]),
            "share": {
                "share": counted[at].share,
                "low": _finite(counted[at].low),
                "high": _finite(counted[at].high),
                "count": counted[at].count,
            },
            "alone": one,
            "together": both,
            "within": inside,
            "q": float(q_F[at]),
            "spread": float(people.spread_F[at]) if people is not None else None,
            "spread_p": float(people.p_F[at]) if people is not None else None,
            "examples": examples[at],
        }
        for at, (one, both, inside) in enumerate(rows)
    ]


def _examples(votes: Sequence[Votes]) -> list[dict[str, list[int]]]:
    """Judgements in which responses are furthest apart, by factor, for it and against it."""
    apart_PF, _, _, judgement_P = pairs_apart(votes)
    found = []
    for apart_P in apart_PF.T:
        order = np.argsort(-np.abs(apart_P), kind="stable")
        sides = {}
        for name, side_P in (("chosen", apart_P > 0), ("rejected", apart_P < 0)):
            first = judgement_P[order[side_P[order]][: EXAMPLES * 10]]
            sides[name] = list(dict.fromkeys(map(int, first)))[:EXAMPLES]
        found.append(sides)
    return found


def _largest(table: Table, categories: int) -> tuple[NDArray[np.int64], list[int]]:
    sizes = np.zeros(categories, dtype=np.int64)
    for one in table.votes:
        sizes += np.bincount(one.category_b[one.category_b >= 0], minlength=categories)
    by_size = [int(at) for at in np.argsort(-sizes, kind="stable")]
    return sizes, [at for at in by_size if sizes[at] >= LEAST_BALLOTS][:MOST_CATEGORIES]


def _groups(
    votes: Sequence[Votes],
    groups: Mapping[tuple[str, str], frozenset[int]],
    ties: Ties,
    beat: Callable[[], object],
) -> list[dict[str, Any]]:
    found = []
    for (sort, name), authors in groups.items():
        mine = [one.kept(np.isin(one.block.author_b, list(authors))) for one in votes]
        ballots = sum(map(len, mine))
        if ballots >= LEAST_BALLOTS:
            found.append(
                {
                    "sort": sort,
                    "name": name,
                    "people": _people(mine),
                    "ballots": ballots,
                    "effects": _effects(together(mine, ties, beat=beat)),
                }
            )
    return found


def _each(people: People, overall: Effects) -> list[dict[str, Any]]:
    """Those with most ballots first."""
    order = np.argsort(-people.ballots_A, kind="stable")[:MOST_PEOPLE]
    found = []
    for at in order:
        effects, half_F = [], people.half_AF[at]
        for factor, deviation in enumerate(people.deviation_AF[at]):
            here, half = float(overall.effect_F[factor] + deviation), float(half_F[factor])
            differs = abs(deviation) > half and people.spread_F[factor] > 0
            effects.append(
                {"effect": here, "low": here - half, "high": here + half, "differs": bool(differs)}
            )
        author = int(people.author_A[at])
        found.append({"author": author, "ballots": int(people.ballots_A[at]), "effects": effects})
    return found


def _effects(found: Effects) -> list[dict[str, float | None]]:
    return [
        {"effect": float(effect), "low": _finite(low), "high": _finite(high)}
        for effect, low, high in zip(found.effect_F, found.low_F, found.high_F, strict=True)
    ]


def _people(votes: Sequence[Votes]) -> int:
    """How many gave a ballot."""
    authors = [one.block.author_b for one in votes]
    return len(np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *authors])))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
