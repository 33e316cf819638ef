"""Votes and the factors of their responses as columns. Pure numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotate.factors.texts import COUNTED, FACTORS
from annotate.ranking.columns import Columns, Form
from annotate.ranking.style import position, relative, root_mean_square
from annotate.ranking.table import Block, as_ints

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_APART = 10  # ballots whose responses differ in a factor that is reckoned with


@dataclass(frozen=True)
class Votes:
    """Ballots of one form. `block.shown_bK` holds models, -1 where one is not known, and
    `block.style_bKF` the factors in units of their spread; `judgement_b` where each is from.
    """

    block: Block
    prompt_b: Ints
    category_b: Ints
    whole_b: NDArray[np.bool_]
    judgement_b: Ints

    def __len__(self) -> int:
        return len(self.block)

    def kept(self, which_b: NDArray[np.bool_] | Ints) -> "Votes":
        """Those ballots alone."""
        return Votes(
            self.block.kept(which_b),
            self.prompt_b[which_b],
            self.category_b[which_b],
            self.whole_b[which_b],
            self.judgement_b[which_b],
        )

    def by_prompt(self) -> "Votes":
        """With prompts in the place of authors, for intervals over prompts."""
        return replace(self, block=replace(self.block, author_b=self.prompt_b))

    def with_factors(self, which: Sequence[int]) -> "Votes":
        """Those factors alone."""
        return replace(
            self, block=replace(self.block, style_bKF=self.block.style_bKF[:, :, list(which)])
        )


@dataclass(frozen=True)
class Table:
    """All votes with the factors that tell them apart; `spread_F`: what one unit of each is.

    `rare`: names of factors in which too few responses of one ballot differ.
    """

    votes: list[Votes]
    factors: tuple[str, ...]
    spread_F: Floats
    apart_F: Ints
    rare: tuple[str, ...]


def table_of(
    columns: Mapping[Form, Columns], judgements: Mapping[Form, Sequence[int]], factor_RF: Floats
) -> Table:
    """`factor_RF`: OF_TEXT of each response. A ballot of which a response has none is left out."""
    votes = [
        _votes(form, one, np.asarray(judgements[form], dtype=np.int64), factor_RF)
        for form, one in columns.items()
    ]
    apart_F = np.zeros(len(FACTORS), dtype=np.int64)
    for one in votes:
        apart_F += (np.ptp(one.block.style_bKF, axis=1) > 0).sum(0)
    kept = [at for at, count in enumerate(apart_F) if count >= LEAST_APART]
    votes = [one.with_factors(kept) for one in votes]
    spread_F = root_mean_square([one.block.style_bKF for one in votes])
    for one in votes:
        one.block.style_bKF[:] /= spread_F
    return Table(
        votes,
        tuple(FACTORS[at] for at in kept),
        spread_F,
        apart_F[kept],
        tuple(name for at, name in enumerate(FACTORS) if at not in kept),
    )


def _votes(form: Form, columns: Columns, judgement_b: Ints, factor_RF: Floats) -> Votes:
    sizes, unasked = form
    size = sum(sizes)
    response_bK = as_ints(columns.responses).reshape(-1, size)
    place_bK = as_ints(columns.places).reshape(-1, size)
    factor_bKF = factor_RF[response_bK]
    factor_bKF[..., : len(COUNTED)] = relative(factor_bKF[..., : len(COUNTED)])
    block = Block(
        sizes,
        unasked,
        as_ints(columns.models).reshape(-1, size),
        as_ints(columns.author),
        np.ones(len(response_bK)),
        np.concatenate([factor_bKF, position(place_bK)[:, :, None]], 2),
    )
    found = Votes(
        block,
        as_ints(columns.prompt),
        as_ints(columns.category),
        as_ints(columns.whole).astype(bool),
        judgement_b,
    )
    return found.kept(np.asarray((response_bK >= 0).all(1)))


def pairs_apart(votes: Sequence[Votes]) -> tuple[Floats, Ints, Ints, Ints]:
    """Every two responses of which one was put above the other, better minus worse: factors
    [P, F]; who judged, the prompt and the judgement of each.
    """
    apart, author, prompt, judgement = [], [], [], []
    for one in votes:
        group_of = [at for at, size in enumerate(one.block.sizes) for _ in range(size)]
        style_bKF = one.block.style_bKF
        for worse, lower in enumerate(group_of):
            for better in (at for at, upper in enumerate(group_of[:worse]) if upper < lower):
                apart.append(style_bKF[:, better] - style_bKF[:, worse])
                author.append(one.block.author_b)
                prompt.append(one.prompt_b)
                judgement.append(one.judgement_b)
    factors = votes[0].block.style_bKF.shape[2] if votes else 0
    empty = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([np.zeros((0, factors)), *apart]),
        np.concatenate([empty, *author]),
        np.concatenate([empty, *prompt]),
        np.concatenate([empty, *judgement]),
    )
