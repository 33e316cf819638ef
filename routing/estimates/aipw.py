"""Means over all instances from labels of some: augmented inverse propensity weighting.

The judge's label predicts what people would say of every instance; people's labels, weighted by
the inverse of the probability with which they were asked, take out its error. Unbiased whatever
the judge is worth, and the better it is the narrower.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.quality.intervals import Z95
from annotate.wording import Refusal

Floats = NDArray[np.float64]

TUNED_FROM = 50  # with 35 the tuned 95 % interval held 93 % in simulations, with 7 it held 86 %


class NotEstimable(Refusal):
    """The propensities do not allow an estimate; says which rows and why."""


@dataclass(frozen=True)
class Estimate:
    """`value` with its 95 % interval.

    labels: of people, used. human_only: how many labels of people alone, drawn at random, would
    give an interval of the same width; saved: the share of these that were not needed (below 0
    where routing costs precision).
    """

    value: float
    low: float
    high: float
    labels: int
    human_only: float
    saved: float

    @property
    def deviation(self) -> float:
        return (self.high - self.low) / (2 * Z95)


def estimate_mean(
    predicted: ArrayLike,
    observed: ArrayLike,
    asked: ArrayLike,
    propensity: ArrayLike,
    *,
    group: ArrayLike | None = None,
    tune: bool = True,
) -> Estimate:
    """The mean of what people say over all rows.

    predicted [N]: what the judge says (any number, such as 1 for a win); observed [N]: what people
    said, read only where asked [N]; propensity [N]: P(asked). Rows of one `group` (prompt) may
    hang together, and the interval is then by groups. The sampling of the rows themselves counts:
    the mean is of the population they were drawn from.

    Value: mean(g + D / p (Y - g)) with g = f (AIPW) or, with `tune`, g = a + b f of the least
    variance (power tuning, and a level beside it, so that a useless judge costs nothing). With
    fewer than TUNED_FROM labels that were drawn by chance (0 < p < 1) a and b would be fitted to
    their luck, and g = f whatever `tune` says. Sources:
    J. M. Robins, A. Rotnitzky and L. P. Zhao (1994); Angelopoulos et al. 2023 (arXiv:2301.09633,
    prediction-powered inference; arXiv:2311.01453, PPI++); Zrnic and Candès 2024
    (arXiv:2403.03208, active inference).

    Raises NotEstimable where a propensity is 0 (nobody could have been asked: leave these rows out
    and say so) or no row was asked.
    """
    f_N, d_N, p_N = (
        np.asarray(predicted, float),
        np.asarray(asked, bool),
        np.asarray(propensity, float),
    )
    y_N = np.where(d_N, np.asarray(observed, float), 0.0)
    group_N = np.arange(len(f_N)) if group is None else np.asarray(group)
    order = np.argsort(group_N, kind="stable")
    part = Part(f_N[order], y_N[order], d_N[order], p_N[order], group_N[order])
    return estimate_mean_of_parts(lambda: [part], tune=tune)


@dataclass(frozen=True)
class Part:
    """Some of the rows, as `estimate_mean` takes them."""

    predicted_N: Floats
    observed_N: Floats
    asked_N: NDArray[np.bool_]
    propensity_N: Floats
    group_N: NDArray[Any]


def estimate_mean_of_parts(parts: Callable[[], Iterable[Part]], *, tune: bool = True) -> Estimate:
    """`estimate_mean` of rows that come in parts: a million of them take no more memory than one
    part. `parts()` gives all rows anew each time it is called, twice at most; rows of one group
    must stand together. Raises NotEstimable.
    """
    sums = _Sums()
    for part in parts():
        sums.add(part)
    sums.check()
    rows, groups = sums.total_4[3], sums.groups
    tuned = tune and sums.by_chance >= TUNED_FROM
    # Deviations from the means over all rows, by group: linear in the groups' sums.
    centre_44 = np.eye(4) - np.outer(sums.total_4 / rows, [0, 0, 0, 1])
    spread_44 = centre_44 @ sums.cross_44 @ centre_44.T
    if tuned:
        # Both have mean 0 whatever the judge says, so any share of them may be taken off.
        inverse_22 = np.linalg.pinv(spread_44[1:3, 1:3])
        power_2 = -inverse_22 @ spread_44[1:3, 0]
    else:
        inverse_22, power_2 = np.zeros((2, 2)), np.array([0.0, 1.0])
    mix_4 = np.array([1.0, power_2[0], power_2[1], 0.0])
    value = float(mix_4 @ sums.total_4 / rows)
    squares = float(mix_4 @ spread_44 @ mix_4)
    if tuned:
        # Residuals of what was fitted are too small, most where one group moves the fit (HC3).
        squares = 0.0
        for sum_G4 in _group_sums(parts()):
            deviation_G4 = sum_G4 @ centre_44.T
            controls_G2 = deviation_G4[:, 1:3]
            leverage_G = np.einsum("gi,ij,gj->g", controls_G2, inverse_22, controls_G2)
            term_G = (deviation_G4 @ mix_4) / np.maximum(1 - leverage_G, 0.1)
            squares += float(term_G @ term_G)
    deviation = sqrt(max(squares, 0.0) * groups / max(groups - 1, 1)) / rows
    half = Z95 * deviation
    human_only = sums.spread_of_people() / deviation**2 if deviation > 0 else float("inf")
    saved = 1 - sums.labels / human_only if human_only > 0 else 0.0
    return Estimate(value, value - half, value + half, sums.labels, human_only, saved)


class _Sums:
    """Over all rows: of (weighted answer, 1 - weight, (1 - weight) x prediction, 1), and of the
    products of what these come to in each group.
    """

    def __init__(self) -> None:
        self.total_4: Floats = np.zeros(4)
        self.cross_44: Floats = np.zeros((4, 4))
        self.people_3: Floats = np.zeros(3)
        self.groups = self.labels = self.by_chance = self.outside = 0
        self._open_4: Floats = np.zeros(4)
        self._open_group: Any = None

    def add(self, part: Part) -> None:
        p_N = part.propensity_N
        outside = int(((p_N <= 0) | (p_N > 1)).sum())
        self.outside += outside
        self.labels += int(part.asked_N.sum())
        self.by_chance += int((part.asked_N & (p_N < 1)).sum())
        if outside or not len(p_N):  # nothing can be estimated; rows are counted all the same
            self.total_4[3] += len(p_N)
            return
        row_N4 = _row_terms(part)
        weight_N, y_N = 1 - row_N4[:, 1], np.where(part.asked_N, part.observed_N, 0.0)
        self.people_3 += [weight_N.sum(), weight_N @ y_N, weight_N @ y_N**2]
        self.total_4 += row_N4.sum(0)
        sum_G4, first, last = _sums_of(row_N4, part.group_N)
        if self._open_group is not None and first == self._open_group:
            sum_G4[0] += self._open_4
        else:
            self._close()
        self.cross_44 += sum_G4[:-1].T @ sum_G4[:-1]
        self.groups += len(sum_G4) - 1
        self._open_4, self._open_group = sum_G4[-1], last

    def _close(self) -> None:
        if self._open_group is not None:
            self.cross_44 += np.outer(self._open_4, self._open_4)
            self.groups += 1
            self._open_group = None

    def check(self) -> None:
        """To be called once all was added."""
        self._close()
        rows = int(self.total_4[3])
        if rows < 2 or not self.labels:
            raise NotEstimable(
                "asked: {labels} labels of people for {rows} rows", labels=self.labels, rows=rows
            )
        if self.outside:
            raise NotEstimable(
                "propensity: {rows} rows lie outside 0 < p <= 1; people could never be asked of "
                "these. Estimate without them",
                rows=self.outside,
            )

    def spread_of_people(self) -> float:
        """Variance of one label of people, drawn at random, from the weighted labels.

        With groups a random draw of single labels is taken to spread over them, as independent
        rows.
        """
        total, first, second = (float(one) for one in self.people_3)
        return max(second / total - (first / total) ** 2, 0.0)


def _row_terms(part: Part) -> Floats:
    weight_N = part.asked_N / part.propensity_N
    y_N = np.where(part.asked_N, part.observed_N, 0.0)
    rest_N = 1 - weight_N
    columns = [weight_N * y_N, rest_N, rest_N * part.predicted_N, np.ones(len(y_N))]
    return np.stack(columns, axis=1).astype(np.float64)


def _sums_of(row_N4: Floats, group_N: NDArray[Any]) -> tuple[Floats, Any, Any]:
    """([G, 4] sums of the groups as they stand, the first group, the last)."""
    starts = np.flatnonzero(np.concatenate([[True], group_N[1:] != group_N[:-1]]))
    return np.add.reduceat(row_N4, starts, axis=0), group_N[0], group_N[-1]


def _group_sums(parts: Iterable[Part]) -> Iterator[Floats]:
    """[G, 4] of whole groups, part by part."""
    open_4: Floats | None = None
    open_group: Any = None
    for part in parts:
        if not len(part.propensity_N):
            continue
        sum_G4, first, last = _sums_of(_row_terms(part), part.group_N)
        if open_4 is not None and first == open_group:
            sum_G4[0] += open_4
        elif open_4 is not None:
            yield open_4[None]
        yield sum_G4[:-1]
        open_4, open_group = sum_G4[-1], last
    if open_4 is not None:
        yield open_4[None]
