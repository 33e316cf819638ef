"""A leaderboard as JSON keeps it: of all votes and of each category, with style and without. Pure.

    {"models": [name, …], "categories": [{"name", "ballots"}, …], "small": how many were too small,
     "boards": {"<category>": {"plain": {…}, "style": {…}}, …}, "pairs": {"<category>": [row, …]}}

The category "" is that of all votes. A board has `rows`, the strongest first, each with the model's
place in `models`, its strength and its interval's ends in nats (null where there is none), ranks,
votes, wins, ties, losses and how often it was called bad; `effects` of style; `tie_odds` by size.
Where length is among the styles there is beside "plain" and "style" a "length": {"effect", "rows":
[{"model", "rate", "low", "high"}, …]}, win rates with the length taken out (`length_control.py`).
A row of pairs: [first, second, wins of the first, of the second, ties], the first the smaller.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.boards import Board, fit
from annotate.ranking.columns import Columns, Form
from annotate.ranking.length_control import length_term, rates, spread_of
from annotate.ranking.likelihood import Ties
from annotate.ranking.pairs import outcomes, votes
from annotate.ranking.style import FEATURES, POSITION, STYLES, position, relative, root_mean_square
from annotate.ranking.table import Block, as_ints, capped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALL = ""
LENGTH = "length"
LEAST_BALLOTS = 20  # of a category that gets a board
MOST_CATEGORIES = 50


@dataclass(frozen=True)
class Asked:
    """How a board is fitted. `style`: names of STYLES to take out, none for no such board.

    `most`: what the ballots of one author count for at most; `by_prompt`: intervals treat prompts
    as drawn at random, in place of authors.
    """

    ties: Ties = "davidson"
    style: tuple[str, ...] = ()
    most: float | None = None
    by_prompt: bool = False


@dataclass(frozen=True)
class Gathered:
    """All votes: columns by form; the styles of responses [R, 5]; bad ones as columns of a group.

    `of_bad` has one entry a model of each answer that called all of them bad.
    """

    models: Sequence[str]
    categories: Sequence[str]
    columns: Mapping[Form, Columns]
    style_RF: Floats
    bad_model: Ints
    bad_category: Ints
    bad_whole: NDArray[np.bool_]


@dataclass(frozen=True)
class _Table:
    """A block of weight 1, whose authors are what intervals cluster by; `person_b` gave each. The
    last of its style is the length's term.
    """

    block: Block
    person_b: Ints
    category_b: Ints
    whole_b: NDArray[np.bool_]


def report(
    found: Gathered, asked: Asked, *, beat: Callable[[int, int], object] = lambda done, of: None
) -> dict[str, Any]:
    """Fit every board. `beat` is called often, with how many are done, of how many."""
    tables, effects = _tables(found, asked)
    sizes = np.zeros(len(found.categories), dtype=np.int64)
    for table in tables:
        sizes += np.bincount(table.category_b[table.category_b >= 0], minlength=len(sizes))
    by_size = [int(at) for at in np.argsort(-sizes, kind="stable")]
    kept = [at for at in by_size if sizes[at] >= LEAST_BALLOTS][:MOST_CATEGORIES]
    wanted: list[tuple[str, int | None]] = [
        (ALL, None),
        *((found.categories[at], at) for at in kept),
    ]
    boards: dict[str, Any] = {}
    pairs: dict[str, Any] = {}
    for done, (name, at) in enumerate(wanted):
        blocks = _selected(tables, at, asked.most)
        bad_b = found.bad_whole if at is None else found.bad_category == at
        bad_N = np.bincount(found.bad_model[bad_b], minlength=len(found.models))
        step = partial(beat, done, len(wanted))
        boards[name], pairs[name] = _boards(blocks, bad_N, effects, asked.ties, step)
    return {
        "models": list(found.models),
        "categories": [{"name": found.categories[at], "ballots": int(sizes[at])} for at in kept],
        "small": int((sizes > 0).sum()) - len(kept),
        "boards": boards,
        "pairs": pairs,
    }


def _selected(tables: Sequence[_Table], category: int | None, most: float | None) -> list[Block]:
    """The ballots of a category, None for all that are whole, with nobody above `most`."""
    which = [one.whole_b if category is None else one.category_b == category for one in tables]
    blocks = [one.block.kept(mask) for one, mask in zip(tables, which, strict=True)]
    person = [one.person_b[mask] for one, mask in zip(tables, which, strict=True)]
    weight_B = capped(np.concatenate([np.zeros(0, dtype=np.int64), *person]), most)
    ends = np.cumsum([len(block) for block in blocks])[:-1]
    return [
        replace(block, weight_b=weight_b)
        for block, weight_b in zip(blocks, np.split(weight_B, ends), strict=False)
        if len(block)
    ]


def _boards(
    blocks: Sequence[Block],
    bad_N: Ints,
    effects: Sequence[str],
    ties: Ties,
    beat: Callable[[], object],
) -> tuple[dict[str, Any], list[list[int]]]:
    """With style and without, of the models that have a vote; and the rows of pairs."""
    models = len(bad_N)
    wins_NN, ties_NN = outcomes(blocks, models)
    tallies = {
        "votes": votes(blocks, models),
        "wins": wins_NN.sum(1),
        "losses": wins_NN.sum(0),
        "ties": ties_NN.sum(1),
        "bad": bad_N,
    }
    there = np.flatnonzero(tallies["votes"])
    number_N = np.full(models, -1)
    number_N[there] = np.arange(len(there))
    met = [replace(block, shown_bK=number_N[block.shown_bK]) for block in blocks]
    plain = fit([block.without_style() for block in met], models=len(there), ties=ties, beat=beat)
    found = {"plain": _board(plain, there, tallies, [])}
    if effects:
        styled = [_with_style(block, slice(None, -1)) for block in met]
        taken = fit(styled, models=len(there), ties=ties, beat=beat)
        found["style"] = _board(taken, there, tallies, effects)
    term = [_with_style(block, slice(-1, None)) for block in met]
    if any(block.style_bKF.any() for block in term):
        even = fit(term, models=len(there), ties=ties, beat=beat)
        found["length"] = _rates(even, there)
    return found, _pairs(wins_NN, ties_NN)


def _with_style(block: Block, which: slice) -> Block:
    return replace(block, style_bKF=block.style_bKF[:, :, which])


def _rates(board: Board, there: Ints) -> dict[str, Any]:
    """Win rates at equal lengths, by the models' places."""
    rows = zip(there, *rates(board), strict=True)
    return {
        "effect": {
            "effect": float(board.effect_F[0]),
            "low": _finite(board.low_F[0]),
            "high": _finite(board.high_F[0]),
        },
        "rows": [
            {
                "model": int(model),
                "rate": _finite(rate),
                "low": _finite(low),
                "high": _finite(high),
            }
            for model, rate, low, high in rows
        ],
    }


def chance_of(gap: float, log_odds_of_tie: float | None) -> float:
    """The expected share of the win, a tie being half, of a model that is `gap` nats stronger."""
    half = abs(gap) / 2
    tie = 0.0 if log_odds_of_tie is None else math.exp(log_odds_of_tie - half)
    strong = (1 + tie / 2) / (1 + math.exp(-2 * half) + tie)
    return strong if gap >= 0 else 1 - strong


def _tables(found: Gathered, asked: Asked) -> tuple[list[_Table], list[str]]:
    """Blocks with their categories, and the names of the effects that their styles have."""
    styles = [
        _style(columns, sum(sizes), found.style_RF, asked.style)
        for (sizes, _), columns in found.columns.items()
    ]
    scale = root_mean_square(styles)
    names = [name for name in STYLES if name in asked.style]
    used = [at for at in range(len(scale)) if scale[at] > 0]
    # The position is in units of its own: one shown first against one shown last.
    unit = np.array([1.0 if names[at] == POSITION else scale[at] for at in used])
    lengths = _lengths(found, asked)
    tables = []
    for (form, columns), style, length in zip(found.columns.items(), styles, lengths, strict=True):
        person_b = as_ints(columns.author)
        block = Block(
            *form,
            as_ints(columns.models).reshape(-1, sum(form[0])),
            as_ints(columns.prompt) if asked.by_prompt else person_b,
            np.ones(len(person_b)),
            np.concatenate([style[:, :, used] / unit, length[:, :, None]], 2),
        )
        whole_b = as_ints(columns.whole).astype(bool)
        tables.append(_Table(block, person_b, as_ints(columns.category), whole_b))
    return tables, [names[at] for at in used]


def _lengths(found: Gathered, asked: Asked) -> list[Floats]:
    """[b, K] of each form: the length's term, 0 where a response has none or length is not asked
    for.
    """
    rows = [
        as_ints(columns.responses).reshape(-1, sum(sizes))
        for (sizes, _), columns in found.columns.items()
    ]
    terms = [np.zeros(row_bK.shape) for row_bK in rows]
    if LENGTH not in asked.style:
        return terms
    known = [(row_bK >= 0).all(1) for row_bK in rows]
    length = [
        found.style_RF[row_bK[known_b]][:, :, FEATURES.index(LENGTH)]
        for row_bK, known_b in zip(rows, known, strict=True)
    ]
    spread = spread_of([one for one in length if len(one)])
    for term_bK, known_b, length_bK in zip(terms, known, length, strict=True):
        term_bK[known_b] = length_term(length_bK, spread)
    return terms


def _style(columns: Columns, size: int, style_RF: Floats, names: Sequence[str]) -> Floats:
    """[b, K, F] of the names asked for, in the order of STYLES."""
    row_bK = as_ints(columns.responses).reshape(-1, size)
    wanted = [at for at, name in enumerate(FEATURES) if name in names]
    found = np.zeros((*row_bK.shape, len(wanted)))
    known_b = (row_bK >= 0).all(1)
    if wanted and known_b.any():
        found[known_b] = relative(style_RF[row_bK[known_b]][:, :, wanted])
    if POSITION in names:
        place_bK = as_ints(columns.places).reshape(-1, size)
        found = np.concatenate([found, position(place_bK)[:, :, None]], axis=2)
    return found


def _board(
    board: Board, there: Ints, tallies: Mapping[str, Ints], effects: Sequence[str]
) -> dict[str, Any]:
    """One board, its rows by strength; `there` are the models it was fitted to."""
    order = np.argsort(-board.strength_N, kind="stable")
    return {
        "rows": [
            {
                "model": int(there[at]),
                "strength": float(board.strength_N[at]),
                "low": _finite(board.low_N[at]),
                "high": _finite(board.high_N[at]),
                "rank": int(board.rank_N[at]),
                "best": int(board.best_N[at]),
                "worst": int(board.worst_N[at]),
                **{name: int(counts[there[at]]) for name, counts in tallies.items()},
            }
            for at in order
        ],
        "effects": [
            {
                "name": name,
                "effect": float(board.effect_F[at]),
                "low": _finite(board.low_F[at]),
                "high": _finite(board.high_F[at]),
            }
            for at, name in enumerate(effects)
        ],
        "tie_odds": [float(one) for one in board.tie_D],
        "clusters": board.authors,
    }


def _pairs(wins_NN: Ints, ties_NN: Ints) -> list[list[int]]:
    first, second = np.nonzero(np.triu(wins_NN + wins_NN.T + ties_NN, 1))
    return [
        [int(a), int(b), int(wins_NN[a, b]), int(wins_NN[b, a]), int(ties_NN[a, b])]
        for a, b in zip(first, second, strict=True)
    ]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
