"""Kind `cascade`: cheap judge, strong judge, people; each judge keeps what it is tested to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from routing.guarantee.fixed_sequence import Threshold, lowest_threshold
from routing.policies.contract import (
    DoublyLabelled,
    Flags,
    Floats,
    Instances,
    Layout,
    Scored,
    quantiles,
)
from routing.policies.error_model import ErrorModel, fit_error_model
from routing.policies.references import Ties, losses, refer
from routing.policies.tiers import choose_tier
from routing.predictor.logistic import folds_of
from routing.predictor.trees import Booster

OUTSIDE = 1.0  # added to the gain of what no judge may keep: it goes to people first


@dataclass(frozen=True)
class CascadePolicy:
    """The first judge whose confidence (1 - expected error) reaches its threshold keeps a row.

    Within what all judges keep together, the expected distance from people's consensus is at most
    `risk` with probability 1 - delta: each judge's part is tested at delta / judges. A judge
    among `refused` (by the alternative annotator test, say) keeps nothing. `prices`: of a label by
    tier, by which one is chosen; empty where all cost the same.
    """

    kind: ClassVar[str] = "cascade"
    layout: Layout
    models: tuple[ErrorModel, ...]
    thresholds: tuple[Threshold, ...]
    tier_error: tuple[float, ...]
    risk: float
    delta: float
    reference: Floats
    prices: tuple[float, ...] = ()

    @classmethod
    def fit(
        cls,
        rows: DoublyLabelled,
        layout: Layout,
        *,
        risk: float = 0.15,
        delta: float = 0.05,
        ties: Ties = "half",
        refused: tuple[str, ...] = (),
        prices: Sequence[float] = (),
        seed: int,
        boost: Booster | None = None,
    ) -> "CascadePolicy":
        """Fit confidences on one half of the prompts, test thresholds on the other.

        A judge's confidence uses only what is known once it and the cheaper ones have answered.
        """
        known = refer(rows, layout, ties=ties)
        first = folds_of(rows.group, 2, seed) == 0
        fitted_on = np.flatnonzero(first[rows.vote_row])
        tested_on = np.flatnonzero(~first & (known.votes_N > 0))
        models = tuple(
            fit_error_model(
                rows.instances, layout, row_M=rows.vote_row[fitted_on],
                error_M=known.judge_error_VJ[fitted_on, judge], weight_M=known.weight_V[fitted_on],
                group_N=rows.group,
                use_signals=layout.signals_up_to(judge), seed=seed, boost=boost,
            )
            for judge in range(len(layout.judges))
        )  # fmt: skip
        loss_NJ = consensus_loss(rows, seed, ties)
        open_N = np.zeros(len(rows.instances), dtype=bool)
        open_N[tested_on] = True
        thresholds = []
        for judge, model in enumerate(models):
            confidence_N = 1 - model.predict(rows.instances)[0]
            grid = np.quantile(confidence_N[first], np.linspace(0, 1, 101))
            found = lowest_threshold(
                confidence_N[open_N],
                loss_NJ[open_N, judge],
                thresholds=grid if layout.judges[judge] not in refused else [],
                risk=risk,
                delta=delta / len(models),
                seed=seed,
            )
            thresholds.append(found)
            open_N &= confidence_N < found.value
        tier_error = tuple(known.tier_errors(rows, layout).tolist())
        made = cls(
            layout, models, tuple(thresholds), tier_error, risk, delta, np.zeros(201),
            tuple(prices) if len(prices) > 1 else (),
        )  # fmt: skip
        gain = made.score(rows.instances, share=0.0, seed=seed).gain
        return replace(made, reference=quantiles(gain))

    @property
    def reference_gain(self) -> Floats:
        return self.reference

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored:
        """A kept row's gain is its expected error less people's; one that none keeps comes first.

        What none keeps and people get no budget for has the last judge's label, uncertified.
        """
        rows = len(batch)
        judge = np.full(rows, len(self.models) - 1, dtype=np.int64)
        certified = np.zeros(rows, dtype=bool)
        predicted = [model.predict(batch) for model in self.models]
        for number, threshold in enumerate(self.thresholds):
            keeps = ~certified & (1 - predicted[number][0] >= threshold.value)
            judge[keeps] = number
            certified |= keeps
        p_NJ = np.stack([p for p, _ in predicted], axis=1)
        p_err = p_NJ[np.arange(rows), judge]
        worth_NT = p_err[:, None] - np.array(self.tier_error)
        tier = choose_tier(worth_NT, self.prices)
        gain = worth_NT[np.arange(rows), tier] + OUTSIDE * ~certified
        names, parts = self._parts(judge, predicted)
        return Scored(
            gain=gain,
            p_err=p_err,
            judge=judge,
            tier=tier,
            certified=certified,
            parts=parts,
            part_names=names,
        )

    def _parts(self, judge: Any, predicted: list[Any]) -> tuple[tuple[str, ...], Floats]:
        names = sorted({name for model in self.models for name in model.columns.names})
        parts = np.zeros((len(judge), len(names)))
        for number, model in enumerate(self.models):
            mine = np.flatnonzero(judge == number)
            where = [names.index(name) for name in model.columns.names]
            if where and mine.size:
                parts[np.ix_(mine, np.array(where))] = predicted[number][1][mine]
        return tuple(names), parts

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "layout": self.layout.to_json(),
            "models": [one.to_json() for one in self.models],
            # JSON has no infinity: a judge that keeps nothing has null.
            "thresholds": [
                {**one.__dict__, "value": one.value if np.isfinite(one.value) else None}
                for one in self.thresholds
            ],
            "tier_error": list(self.tier_error),
            "risk": self.risk,
            "delta": self.delta,
            "reference": self.reference.tolist(),
            **({"prices": list(self.prices)} if self.prices else {}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CascadePolicy":
        thresholds = tuple(
            Threshold(**{**one, "value": float("inf") if one["value"] is None else one["value"]})
            for one in stored["thresholds"]
        )
        return cls(
            Layout.from_json(stored["layout"]),
            tuple(ErrorModel.from_json(one) for one in stored["models"]),
            thresholds,
            tuple(stored["tier_error"]),
            stored["risk"],
            stored["delta"],
            np.array(stored["reference"], dtype=float),
            tuple(stored.get("prices", ())),
        )


def consensus_loss(rows: DoublyLabelled, seed: int, ties: Ties = "half") -> Floats:
    """[N, J]: the loss of each judge's label from the label most people gave.

    Where two labels have as many votes, one of them by chance: the promise is about a consensus,
    and there is none to be had but by a further vote. 0 for rows without votes.
    """
    size = len(rows.instances)
    count_N3 = np.zeros((size, 3))
    np.add.at(count_N3, (rows.vote_row, rows.vote_label.astype(np.int64) + 1), 1.0)
    count_N3 += 0.5 * np.random.default_rng(seed).random((size, 3))
    consensus_N = np.argmax(count_N3, axis=1) - 1
    voted: Flags = np.bincount(rows.vote_row, minlength=size) > 0
    return np.asarray(
        losses(ties)[consensus_N[:, None] + 1, rows.instances.judge_labels + 1] * voted[:, None]
    )
