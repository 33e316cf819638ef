"""A second look at the judge's labels once a reward model exists: trust, flip, or ask people.

Tasks are sorted by the reward margin of the label that they have: far above 0 the reward model is
of the same mind, far below 0 of the other, in between neither says much. What a margin is worth is
learned on tasks that people answered too. Source: RLTHF (arXiv:2502.13417), which sets both ends
of the order by hand; here they follow from what a wrong label may cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.policies.draws import systematic_sample, uniform_draws
from routing.predictor.isotonic import Isotonic, fit_isotonic, reliability

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

TRUST, FLIP, PEOPLE, WAIT = OUTCOMES = ("trust", "flip", "people", "wait")
LEAST_ROWS = 50
LEAST_EXPLORE = 0.05


@dataclass(frozen=True)
class SecondLook:
    """One row each of the batch, in its order.

    outcome: one of OUTCOMES; what waits keeps the label it has, for want of budget. p_wrong:
    P(the judge's label is wrong). propensity: P(people are asked), never 0 for what was trusted or
    flipped while budget lasts; explored: asked by that draw, whatever the outcome says.
    """

    outcome: Ints
    p_wrong: Floats
    propensity: Floats
    explored: Flags

    @property
    def asks_people(self) -> Flags:
        return np.asarray((self.outcome == OUTCOMES.index(PEOPLE)) | self.explored)


@dataclass(frozen=True)
class SecondStage:
    """`calibration`: P(wrong) by the margin with its sign turned. A label is trusted up to `trust`,
    and flipped from `flip` on. `curve`: the reliability on folds that were not fitted on.
    """

    calibration: Isotonic
    trust: float
    flip: float
    curve: tuple[tuple[float, float, int], ...]

    @classmethod
    def fit(
        cls,
        margin_M: Floats,
        wrong_M: Floats,
        weight_M: Floats,
        fold_M: Ints,
        *,
        trust: float = 0.1,
        flip: float = 0.8,
    ) -> "SecondStage":
        """From tasks that people answered: the reward margin of the judge's label, how wrong it is
        (0..1, a half where people split), what is proportional to 1 / P(people were asked), and a
        fold for each row, prompts kept together. The reward model must not have learned from these
        rows: its margins would flatter the labels.

        Raises ValueError for fewer than LEAST_ROWS rows, or where trust lies above flip.
        """
        if not 0 <= trust <= flip <= 1:
            raise ValueError(f"trust is {trust} and flip {flip}; 0 <= trust <= flip <= 1 is needed")
        if len(margin_M) < LEAST_ROWS:
            raise ValueError(
                f"{len(margin_M)} tasks have a label of the judge and of people; {LEAST_ROWS} are "
                "needed to tell what a margin is worth"
            )
        weight_M = weight_M / weight_M.mean()  # a row counts as one beside the curve's prior
        found = np.full(len(margin_M), np.nan)
        for fold in np.unique(fold_M):
            inside = fold_M == fold
            if not inside.all():
                rest = fit_isotonic(-margin_M[~inside], wrong_M[~inside], weight_M[~inside])
                found[inside] = rest(-margin_M[inside])
        known = np.isfinite(found)
        curve = tuple(reliability(found[known], wrong_M[known])) if known.any() else ()
        return cls(fit_isotonic(-margin_M, wrong_M, weight_M), trust, flip, curve)

    def look(
        self, ids: Ints, margin_N: Floats, *, labels: int, explore: float = LEAST_EXPLORE, seed: int
    ) -> SecondLook:
        """`labels`: how many of people may be had. A part is set aside to explore `explore` of what
        is trusted or flipped; the rest goes to doubtful labels, the most doubtful first.

        The same arguments give the same outcomes. Raises ValueError for an `explore` below 5 %.
        """
        if not LEAST_EXPLORE <= explore <= 1:
            raise ValueError(f"explore is {explore}; it must be from {LEAST_EXPLORE} to 1")
        p_wrong = self.calibration(-np.asarray(margin_N, dtype=np.float64))
        trusted, flipped = p_wrong <= self.trust, p_wrong >= self.flip
        flipped &= ~trusted
        sure = trusted | flipped
        aside = min(float(labels), explore * int(sure.sum()))
        propensity = np.where(sure, aside / max(int(sure.sum()), 1), 0.0)
        room = max(0, int(labels - np.ceil(aside - 1e-9)))
        doubtful = np.flatnonzero(~sure)
        keys = uniform_draws(seed, ids, purpose=11)
        order = np.lexsort((keys[doubtful], np.abs(p_wrong[doubtful] - 0.5)))
        asked = doubtful[order][:room]
        outcome = np.full(len(ids), OUTCOMES.index(WAIT), dtype=np.int64)
        outcome[trusted] = OUTCOMES.index(TRUST)
        outcome[flipped] = OUTCOMES.index(FLIP)
        outcome[asked] = OUTCOMES.index(PEOPLE)
        start = float(uniform_draws(seed, ids[:1], purpose=12)[0]) if len(ids) else 0.0
        explored = systematic_sample(propensity, keys, start)
        propensity[asked] = 1.0
        return SecondLook(outcome, p_wrong, propensity, explored)

    def to_json(self) -> dict[str, Any]:
        return {
            "calibration": self.calibration.to_json(),
            "trust": self.trust,
            "flip": self.flip,
            "curve": [list(point) for point in self.curve],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SecondStage":
        return cls(
            Isotonic.from_json(stored["calibration"]),
            stored["trust"],
            stored["flip"],
            tuple((float(a), float(b), int(n)) for a, b, n in stored["curve"]),
        )
