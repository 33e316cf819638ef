"""The performance prediction model: from what people label to how good the reward model gets.

Mended against the paper: edges of tags are frozen (see features/spec.py), counts are divided by
the size of the data, tags on few instances are dropped, columns are scaled, ridge instead of
plain least squares with a strength from held-out folds, seeds, and the budget alone beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.predictor.ranks import spearman
from routing.predictor.ridge import ALPHAS, choose_alpha, fit_ridge

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MIN_ROWS = 30


def candidate_masks(tags_NT: Flags, *, count: int, seed: int) -> Flags:
    """[count, N]: who of N is labelled by people in each candidate mix.

    For each: a budget drawn from 0 to N, then the tags in a drawn order give their instances to
    people until the budget is met; of the tag that meets it, a drawn part.
    Source: Miranda et al. 2024 (arXiv:2410.19133, section 3).
    """
    rows, tags = tags_NT.shape
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, rows), dtype=bool)
    for mask in masks:
        budget = int(rng.integers(0, rows + 1))
        for tag in rng.permutation(tags):
            fresh = np.flatnonzero(tags_NT[:, tag] & ~mask)
            room = budget - int(mask.sum())
            if room <= 0:
                break
            mask[rng.permutation(fresh)[:room]] = True
        room = budget - int(mask.sum())
        if room > 0:  # instances without any tag
            mask[rng.permutation(np.flatnonzero(~mask))[:room]] = True
    return masks


@dataclass(frozen=True)
class PerformanceModel:
    """score = intercept + linear . c + c' quadratic c, with c the counts of tags by people / N.

    tags: the tags that are used, by number. rho, rho_budget: Spearman's correlation of predicted
    and measured scores of held-out candidates (10 folds), and of a model of the human share
    alone; without the second, the first may be all budget.
    """

    tags: tuple[int, ...]
    intercept: float
    linear_T: Floats
    quadratic_TT: Floats
    alpha: float
    rho: float
    rho_budget: float

    def predict(self, share_MT: Floats) -> Floats:
        """[M] scores of mixes, given their counts of all tags by people / N."""
        c_MT = share_MT[:, list(self.tags)]
        return np.asarray(
            self.intercept + c_MT @ self.linear_T
            + np.einsum("mi,ij,mj->m", c_MT, self.quadratic_TT, c_MT)
        )  # fmt: skip

    def slopes(self, share_T: Floats) -> Floats:
        """[all tags used]: what one more instance with the tag adds, times N, at these counts."""
        c_T = share_T[list(self.tags)]
        return np.asarray(self.linear_T + (self.quadratic_TT + self.quadratic_TT.T) @ c_T)

    def to_json(self) -> dict[str, Any]:
        return {
            "tags": list(self.tags),
            "intercept": self.intercept,
            "linear": self.linear_T.tolist(),
            "quadratic": self.quadratic_TT.tolist(),
            "alpha": self.alpha,
            "rho": self.rho,
            "rho_budget": self.rho_budget,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "PerformanceModel":
        linear = np.array(stored["linear"], dtype=float)
        return cls(
            tuple(stored["tags"]),
            stored["intercept"],
            linear,
            np.array(stored["quadratic"], dtype=float).reshape(len(linear), len(linear)),
            stored["alpha"],
            stored["rho"],
            stored["rho_budget"],
        )


def human_shares(tags_NT: Flags, masks_MN: Flags) -> Floats:
    """[M, T]: how many instances with each tag people label in each mix, divided by N."""
    return np.asarray(masks_MN.astype(np.float64) @ tags_NT.astype(np.float64) / len(tags_NT))


def fit_performance(
    tags_NT: Flags,
    masks_MN: Flags,
    score_M: Floats,
    *,
    quadratic: bool = True,
    seed: int,
    min_rows: int = MIN_ROWS,
) -> PerformanceModel:
    """Fit to the measured scores of candidate mixes, higher is better.

    Raises ValueError for fewer than 20 mixes.
    """
    if len(score_M) < 20:
        raise ValueError(f"candidates: {len(score_M)} mixes; fit the performance on 20 or more")
    carried_T = tags_NT.sum(0)
    lacking_T = len(tags_NT) - carried_T
    tags = np.flatnonzero((carried_T >= min_rows) & (lacking_T >= min_rows))
    share_MT = human_shares(tags_NT, masks_MN)[:, tags]
    design = _design(share_MT, quadratic)
    budget = masks_MN.mean(1)[:, None]
    alpha = choose_alpha(design, score_M, seed=seed)
    fitted = fit_ridge(design, score_M, alpha)
    raw = fitted.coefficients_C / fitted.width_C
    intercept = fitted.intercept - float(raw @ fitted.mean_C)
    size = len(tags)
    quadratic_TT = np.zeros((size, size))
    if quadratic:
        quadratic_TT[np.triu_indices(size)] = raw[size:]
    return PerformanceModel(
        tags=tuple(int(t) for t in tags),
        intercept=intercept,
        linear_T=raw[:size],
        quadratic_TT=quadratic_TT,
        alpha=alpha,
        rho=held_out_rho(design, score_M, seed=seed),
        rho_budget=held_out_rho(np.concatenate([budget, budget**2], axis=1), score_M, seed=seed),
    )


def held_out_rho(design: Floats, score_M: Floats, *, seed: int, folds: int = 10) -> float:
    """Spearman's rho over candidates, each predicted by a model that saw none of its fold.

    The strength is chosen anew inside each fold's training part.
    """
    fold_M = np.random.default_rng(seed + 1).permutation(len(score_M)) % folds
    found = np.zeros(len(score_M))
    for fold in range(folds):
        inside = fold_M == fold
        alpha = choose_alpha(design[~inside], score_M[~inside], seed=seed, alphas=ALPHAS[::2])
        fitted = fit_ridge(design[~inside], score_M[~inside], alpha)
        found[inside] = fitted.predict(design[inside])
    return spearman(found, score_M)


def _design(share_MT: Floats, quadratic: bool) -> Floats:
    if not quadratic:
        return share_MT
    one, other = np.triu_indices(share_MT.shape[1])
    return np.concatenate([share_MT, share_MT[:, one] * share_MT[:, other]], axis=1)
