"""The log-likelihood of many ballots in strengths, terms of style and of ties. Pure numpy.

The parameters are one vector: strengths of N models, F effects of style, D log odds of ties. A
model's utility in a ballot is its strength plus style times effects. Which model holds:

- of an order, a choice of sets place by place (`set_choices.py`) where ties are "davidson";
- where ties are "halves", the mean over the orders that a tie leaves open (`choices.py`);
- where nobody was asked for an order in a group, the sum over its orders, under both.

Pairs have closed forms, and without style every two ballots that say the same are one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from annotate.quality.newton import Local
from annotate.ranking.choices import choices_of
from annotate.ranking.set_choices import set_choices_of
from annotate.ranking.table import Block, packed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ties = Literal["davidson", "halves"]
T = TypeVar("T", bound=np.generic)

AT_ONCE = 20_000_000  # sums by author and parameter


@dataclass(frozen=True)
class Width:
    """How many parameters of each sort there are."""

    models: int
    effects: int
    ties: int

    @property
    def total(self) -> int:
        return self.models + self.effects + self.ties

    def parts(self, at_P: Floats) -> tuple[Floats, Floats, Floats]:
        """Strengths, effects, log odds of ties."""
        end = self.models + self.effects
        return at_P[: self.models], at_P[self.models : end], at_P[end:]


@dataclass(frozen=True)
class Scores:
    """Gradients ballot by ballot: entries of a parameter (one for all, or each its own) and values.

    A ballot's parameters are all different.
    """

    author_b: Ints
    entries: list[tuple[int | Ints, Floats]]


class Part(Protocol):
    """Ballots of which all is computed alike."""

    def local(self, at_P: Floats) -> Local:
        """Of the log-likelihood, weights taken in."""
        ...

    def value(self, at_P: Floats) -> float: ...

    def scores(self, at_P: Floats) -> Scores: ...


def sums_by(key: Ints, value: Floats, count: int) -> Floats:
    """[count]: the sum of the values at each key."""
    return np.bincount(key, value, count).astype(np.float64, copy=False)


def parts_of(blocks: Sequence[Block], models: int, ties: Ties) -> tuple[Width, list[Part]]:
    """The likelihood's parts, and how many parameters they have."""
    blocks = [one for one in blocks if len(one) and (len(one.sizes), one.unasked) != (1, 0)]
    effects = blocks[0].style_bKF.shape[2] if blocks else 0
    found: set[int] = set()
    if ties == "davidson":
        for block in blocks:
            found |= {s for at, s in enumerate(block.sizes) if s > 1 and at != block.unasked}
    tie_sizes = tuple(sorted(found))
    width = Width(models, effects, len(tie_sizes))
    pairs = [block for block in blocks if sum(block.sizes) == 2]
    parts: list[Part] = [Pairs.of(pairs, width, tie_sizes)] if pairs else []
    parts += [Lists(block, width, tie_sizes) for block in blocks if sum(block.sizes) > 2]
    return width, parts


class Pairs:
    """Ballots of two models, the winner first or both tied."""

    def __init__(
        self,
        shown_b2: Ints,
        tied_b: NDArray[np.bool_],
        weight_b: Floats,
        style_Fb: Floats,
        author_b: Ints,
        width: Width,
        tie_at: int | None,
    ) -> None:
        self._width, self._tie_at, self._author_b = width, tie_at, author_b
        self._first_b, self._second_b = shown_b2[:, 0], shown_b2[:, 1]
        self._tied_b, self._weight_b, self._style_Fb = tied_b, weight_b, style_Fb
        # Of each cell (first, second) how much was won and tied; where there is style, each
        # ballot is a cell of its own.
        if width.effects:
            self._i, self._j, self._x_Fb = self._first_b, self._second_b, self._style_Fb
            self._tie = np.where(tied_b, weight_b, 0.0)
            self._win = weight_b - self._tie
            return
        key = self._first_b * width.models + self._second_b
        cells = width.models**2
        tie = sums_by(key[tied_b], weight_b[tied_b], cells)
        win = sums_by(key[~tied_b], weight_b[~tied_b], cells)
        kept = np.flatnonzero(tie + win)
        self._i, self._j = np.divmod(kept, width.models)
        self._tie, self._win = tie[kept], win[kept]
        self._x_Fb = np.zeros((0, len(kept)))

    @classmethod
    def of(cls, blocks: Sequence[Block], width: Width, tie_sizes: tuple[int, ...]) -> "Pairs":
        def together(columns: list[NDArray[T]]) -> NDArray[T]:
            return columns[0] if len(columns) == 1 else np.concatenate(columns)

        return cls(
            together([block.shown_bK for block in blocks]),
            together([np.full(len(block), block.is_tied) for block in blocks]),
            together([block.weight_b for block in blocks]),
            _apart(blocks, width.effects),
            together([block.author_b for block in blocks]),
            width,
            width.models + width.effects + tie_sizes.index(2) if 2 in tie_sizes else None,
        )

    def _chances(
        self, at_P: Floats, i: Ints, j: Ints, x_Fb: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Half the gap of utilities, log Z, P(first) - P(second), P(tie)."""
        theta_N, effect_F, _ = self._width.parts(at_P)
        half = theta_N[i] - theta_N[j]
        if self._width.effects:
            half += effect_F @ x_Fb
        half *= 0.5
        up = np.abs(half)
        down = np.exp(-2 * up)
        if self._tie_at is None:
            total = 1 + down
            tie = np.zeros(len(half))
        else:
            tie = np.exp(at_P[self._tie_at] - up)
            total = 1 + down + tie
            tie = tie / total
        lead = np.copysign((1 - down) / total, half)
        return half, up + np.log(total), lead, tie

    def value(self, at_P: Floats) -> float:
        half, log_z, _, _ = self._chances(at_P, self._i, self._j, self._x_Fb)
        tie_at = 0.0 if self._tie_at is None else at_P[self._tie_at] * float(self._tie.sum())
        return float(self._win @ half + tie_at - (self._win + self._tie) @ log_z)

    def local(self, at_P: Floats) -> Local:
        width, models = self._width, self._width.models
        half, log_z, lead, tie = self._chances(at_P, self._i, self._j, self._x_Fb)
        both = self._win + self._tie
        value = float(self._win @ half - both @ log_z)
        slope = 0.5 * (self._win - both * lead)
        bend = 0.25 * both * (1 - tie - lead * lead)
        gradient_P, curve_PP = np.zeros(width.total), np.zeros((width.total, width.total))
        gradient_P[:models] = self._by_model(slope)
        cross_NN = sums_by(self._i * models + self._j, bend, models**2).reshape(models, models)
        cross_NN = cross_NN + cross_NN.T
        curve_PP[:models, :models] = np.diag(cross_NN.sum(1)) - cross_NN
        effects = slice(models, models + width.effects)
        if width.effects:
            gradient_P[effects] = self._x_Fb @ slope
            weighed_Fb = bend * self._x_Fb
            curve_PP[effects, effects] = weighed_Fb @ self._x_Fb.T
            for at, weighed_b in enumerate(weighed_Fb, start=models):
                curve_PP[:models, at] = curve_PP[at, :models] = self._by_model(weighed_b)
        if self._tie_at is not None:
            value += at_P[self._tie_at] * float(self._tie.sum())
            gradient_P[self._tie_at] = self._tie.sum() - both @ tie
            curve_PP[self._tie_at, self._tie_at] = both @ (tie * (1 - tie))
            mixed = -0.5 * both * tie * lead
            curve_PP[:models, self._tie_at] = self._by_model(mixed)
            curve_PP[effects, self._tie_at] = self._x_Fb @ mixed
            curve_PP[self._tie_at] = curve_PP[:, self._tie_at]
        return Local(value, gradient_P, curve_PP)

    def _by_model(self, value: Floats) -> Floats:
        """The sum for each model, of the second one taken off."""
        models = self._width.models
        return sums_by(self._i, value, models) - sums_by(self._j, value, models)

    def scores(self, at_P: Floats) -> Scores:
        _, _, lead, tie = self._chances(at_P, self._first_b, self._second_b, self._style_Fb)
        slope = 0.5 * self._weight_b * (~self._tied_b - lead)
        entries: list[tuple[int | Ints, Floats]] = [
            (self._first_b, slope),
            (self._second_b, -slope),
            *((self._width.models + at, slope * one) for at, one in enumerate(self._style_Fb)),
        ]
        if self._tie_at is not None:
            entries.append((self._tie_at, self._weight_b * (self._tied_b - tie)))
        return Scores(self._author_b, entries)


def _apart(blocks: Sequence[Block], effects: int) -> Floats:
    """[F, b]: the style of the first less that of the second; each effect's in one piece."""
    apart_Fb = np.empty((effects, sum(map(len, blocks))))
    start = 0
    for block in blocks:
        end = start + len(block)
        np.subtract(block.style_bKF[:, 0].T, block.style_bKF[:, 1].T, out=apart_Fb[:, start:end])
        start = end
    return apart_Fb


class Lists:
    """Ballots of one form with three models or more."""

    def __init__(self, block: Block, width: Width, tie_sizes: tuple[int, ...]) -> None:
        self._width, self._block = width, block
        size = sum(block.sizes)
        by_sets = block.unasked is None and (bool(tie_sizes) or not block.is_tied)
        self._sets = (
            set_choices_of(block.sizes, tuple(one for one in tie_sizes if one <= size))
            if by_sets
            else None
        )
        self._orders = None if by_sets else choices_of(block.sizes, block.unasked)
        self._ties = self._sets.ties if self._sets else 0
        key = None if width.effects else packed(block.shown_bK, width.models)
        if key is None:
            self._row_b: Ints | slice = slice(None)
            self._shown, self._style = block.shown_bK, block.style_bKF
            self._weight = block.weight_b
        else:
            _, first, self._row_b = np.unique(key, return_index=True, return_inverse=True)
            self._shown, self._style = block.shown_bK[first], block.style_bKF[first]
            self._weight = sums_by(self._row_b, block.weight_b, len(first))

    def _utility(self, at_P: Floats) -> Floats:
        theta_N, effect_F, _ = self._width.parts(at_P)
        utility = theta_N[self._shown]
        return utility + self._style @ effect_F if self._width.effects else utility

    def _tie_D(self, at_P: Floats) -> Floats:
        return self._width.parts(at_P)[2][: self._ties]

    def value(self, at_P: Floats) -> float:
        utility = self._utility(at_P)
        if self._sets is not None:
            return float(self._weight @ self._sets.log_likelihood(utility, self._tie_D(at_P)))
        assert self._orders is not None
        return float(self._weight @ self._orders.log_likelihood(utility))

    def _of_each(self, at_P: Floats) -> tuple[Floats, Floats]:
        utility = self._utility(at_P)
        if self._sets is not None:
            return self._sets.derivatives(utility, self._tie_D(at_P))
        assert self._orders is not None
        return self._orders.derivatives(utility)

    def _spread(self, score: Floats, rows: Ints | slice) -> tuple[Ints, Floats]:
        """Scores by utilities and ties as scores by parameters: where, and how much."""
        width, size = self._width, self._shown.shape[1]
        shown, style = self._shown[rows], self._style[rows]
        by_effect = np.einsum("bk,bkf->bf", score[:, :size], style)
        rest = [*range(width.models, width.models + width.effects)]
        rest += [width.models + width.effects + at for at in range(self._ties)]
        others = np.broadcast_to(np.array(rest, dtype=np.int64), (len(shown), len(rest)))
        value = np.concatenate([score[:, :size], by_effect, score[:, size:]], 1)
        return np.concatenate([shown, others], 1), value

    def local(self, at_P: Floats) -> Local:
        width, size = self._width, self._shown.shape[1]
        score, curve = self._of_each(at_P)
        score, curve = self._weight[:, None] * score, self._weight[:, None, None] * curve
        at, value = self._spread(score, slice(None))
        gradient_P = sums_by(at.ravel(), value.ravel(), width.total)
        inside = curve[:, :size, :size]
        rows = [inside, inside @ self._style, curve[:, :size, size:]]
        by_style = self._style.transpose(0, 2, 1) @ np.concatenate(rows, 2)
        below = np.concatenate(
            [curve[:, size:, :size], curve[:, size:, :size] @ self._style, curve[:, size:, size:]],
            2,
        )
        whole = np.concatenate([np.concatenate(rows, 2), by_style, below], 1)
        cell = at[:, :, None] * width.total + at[:, None, :]
        curve_PP = sums_by(cell.ravel(), whole.ravel(), width.total**2)
        return Local(self.value(at_P), gradient_P, curve_PP.reshape(width.total, width.total))

    def scores(self, at_P: Floats) -> Scores:
        score, _ = self._of_each(at_P)
        at, value = self._spread(score, slice(None))
        value = self._block.weight_b[:, None] * value[self._row_b]
        entries: list[tuple[int | Ints, Floats]] = [
            (column[self._row_b], value[:, number]) for number, column in enumerate(at.T)
        ]
        return Scores(self._block.author_b, entries)


def total(parts: Sequence[Part], at_P: Floats) -> Local:
    """All parts together."""
    found = [part.local(at_P) for part in parts]
    size = len(at_P)
    return Local(
        sum(one.value for one in found),
        sum((one.gradient_P for one in found), np.zeros(size)),
        sum((one.curve_PP for one in found), np.zeros((size, size))),
    )


def scatter(parts: Sequence[Part], at_P: Floats) -> Iterator[Floats]:
    """Gradients summed by author, [some authors, P] at a time."""
    size = len(at_P)
    found = [part.scores(at_P) for part in parts]
    authors = 1 + max((int(one.author_b.max(initial=-1)) for one in found), default=-1)
    step = max(1, AT_ONCE // max(size, 1))
    for start in range(0, authors, step):
        count = min(step, authors - start)
        sums = np.zeros((count, size))
        for one in found:
            author_b = one.author_b - start
            mine = None if count == authors else (author_b >= 0) & (author_b < count)
            author_b = author_b if mine is None else author_b[mine]
            base_b = author_b * size
            for at, value_b in one.entries:
                value_b = value_b if mine is None else value_b[mine]
                if isinstance(at, int):
                    sums[:, at] += sums_by(author_b, value_b, count)
                else:
                    at = at if mine is None else at[mine]
                    sums += sums_by(base_b + at, value_b, count * size).reshape(count, size)
        yield sums
