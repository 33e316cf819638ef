"""Kind `ppm`: the paper's policy, by the predicted performance of the reward model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from routing.policies.contract import Floats, Instances, Layout, Scored, quantiles
from routing.policies.draws import uniform_draws
from routing.predictor.performance import PerformanceModel, fit_performance


@dataclass(frozen=True)
class PpmPolicy:
    """An instance's gain is what its tags add to the predicted score at the budget's mean mix.

    `carried_T`: the share of reference instances with each tag. The gain is in the score's unit
    for all N instances; it says nothing of P(error), so exploration is even.
    """

    kind: ClassVar[str] = "ppm"
    layout: Layout
    performance: PerformanceModel
    carried_T: Floats
    reference: Floats

    @classmethod
    def fit(
        cls,
        batch: Instances,
        layout: Layout,
        *,
        masks_MN: Any,
        score_M: Floats,
        quadratic: bool = True,
        seed: int,
    ) -> "PpmPolicy":
        """Fit on candidate mixes of `batch` (predictor.candidate_masks) and their scores."""
        batch.check(layout)
        performance = fit_performance(batch.tags, masks_MN, score_M, quadratic=quadratic, seed=seed)
        made = cls(layout, performance, batch.tags.mean(0), np.zeros(201))
        gain = made.score(batch, share=0.5, seed=seed).gain
        return cls(layout, performance, made.carried_T, quantiles(gain))

    @property
    def reference_gain(self) -> Floats:
        return self.reference

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored:
        """At the mix that a share of people at random would give; equal gains by chance."""
        slope_T = self.performance.slopes(self.carried_T * share)
        used = list(self.performance.tags)
        parts = batch.tags[:, used] * slope_T
        rows = len(batch)
        return Scored(
            gain=parts.sum(1) + 1e-9 * uniform_draws(seed, batch.ids, purpose=4),
            p_err=np.full(rows, 0.5),
            judge=np.full(rows, len(self.layout.judges) - 1, dtype=np.int64),
            tier=np.zeros(rows, dtype=np.int64),
            parts=parts,
            part_names=tuple(self.layout.tags[t] for t in used),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "layout": self.layout.to_json(),
            "performance": self.performance.to_json(),
            "carried": self.carried_T.tolist(),
            "reference": self.reference.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "PpmPolicy":
        return cls(
            Layout.from_json(stored["layout"]),
            PerformanceModel.from_json(stored["performance"]),
            np.array(stored["carried"], dtype=float),
            np.array(stored["reference"], dtype=float),
        )
