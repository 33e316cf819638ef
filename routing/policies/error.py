"""Kind `error`: each instance to the source with the lowest expected error x value + cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from routing.policies.combine import combine, fit_combination
from routing.policies.contract import (
    DoublyLabelled,
    Floats,
    Instances,
    Ints,
    Labels,
    Layout,
    Scored,
    quantiles,
)
from routing.policies.error_model import ErrorModel, fit_error_model
from routing.policies.gain_model import GainModel, fit_gain_model
from routing.policies.references import Ties, label_losses, refer
from routing.policies.tiers import choose_tier
from routing.predictor.trees import Booster


@dataclass(frozen=True)
class Costs:
    """`value`: what one wrong label costs, in the currency of the costs of one label by source.

    `prices`, by tier: what a label takes from the budget. The budget pays them, so they are no part
    of the gain, but a tier is chosen by what it saves for its price. Empty: all cost the same.
    """

    value: float = 1.0
    judges: tuple[float, ...] = (0.0,)
    tiers: tuple[float, ...] = (0.0,)
    prices: tuple[float, ...] = ()

    def check(self, layout: Layout) -> None:
        for name, given, wanted in (
            ("judges", self.judges, layout.judges), ("tiers", self.tiers, layout.tiers),
            ("prices", self.prices or self.tiers, layout.tiers),
        ):  # fmt: skip
            if len(given) != len(wanted):
                raise ValueError(f"costs.{name}: {len(given)} for {', '.join(wanted)}")
        if self.value <= 0:
            raise ValueError(f"costs.value: {self.value}, it must be above 0")

    def to_json(self) -> dict[str, Any]:
        costs = {"value": self.value, "judges": list(self.judges), "tiers": list(self.tiers)}
        return costs | ({"prices": list(self.prices)} if self.prices else {})

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Costs":
        prices = tuple(stored.get("prices", ()))
        return cls(stored["value"], tuple(stored["judges"]), tuple(stored["tiers"]), prices)

    @classmethod
    def of_prices(cls, layout: Layout, prices: Sequence[float]) -> "Costs":
        """Only what labels of people take from the budget; one tier has nothing to choose from."""
        free = (0.0,) * len(layout.judges), (0.0,) * len(layout.tiers)
        return cls(1.0, *free, tuple(prices) if len(prices) > 1 else ())


@dataclass(frozen=True)
class ErrorPolicy:
    """The judge of the lowest expected loss overall, its error, and what people would save.

    `better`: for every tier, the expected error of judge `base` less the tier's. A tier's label is
    the one that `combinations` makes of the person's and of the judge's, which is there anyway.
    """

    kind: ClassVar[str] = "error"
    layout: Layout
    base: int
    ties: Ties
    combinations: tuple[Labels, ...]
    error: ErrorModel
    better: tuple[GainModel, ...]
    costs: Costs
    reference: Floats

    @classmethod
    def fit(
        cls,
        rows: DoublyLabelled,
        layout: Layout,
        *,
        costs: Costs | None = None,
        ties: Ties = "half",
        seed: int,
        boost: Booster | None = None,
    ) -> "ErrorPolicy":
        """Fit on rows that judges and people labelled; people's error needs several votes a row."""
        costs = costs or Costs.of_prices(layout, ())
        costs.check(layout)
        known = refer(rows, layout, ties=ties)
        mean_J = known.weight_V @ known.judge_error_VJ / known.weight_V.sum()
        base = int(np.argmin(mean_J * costs.value + np.array(costs.judges)))
        base_V = known.judge_error_VJ[:, base]
        error = fit_error_model(
            rows.instances, layout, row_M=rows.vote_row, error_M=base_V,
            weight_M=known.weight_V, group_N=rows.group, seed=seed, boost=boost,
        )  # fmt: skip
        judge_V = rows.instances.judge_labels[rows.vote_row, base]
        tables, better = [], []
        for tier in range(len(layout.tiers)):
            mine = np.isfinite(known.vote_error_V) & (rows.vote_tier == tier)
            tables.append(
                fit_combination(
                    judge_V[mine], rows.vote_label[mine], known.loss_VL[mine], known.weight_V[mine]
                )
            )
            combined_V = combine(tables[-1], judge_V, rows.vote_label)
            better.append(
                fit_gain_model(
                    rows.instances, layout, row_M=rows.vote_row[mine],
                    gain_M=(base_V - label_losses(known.loss_VL, combined_V))[mine],
                    weight_M=known.weight_V[mine], group_N=rows.group, seed=seed,
                )
            )  # fmt: skip
        made = cls(layout, base, ties, tuple(tables), error, tuple(better), costs, np.zeros(201))
        gain = made.score(rows.instances, share=0.0, seed=seed).gain
        return cls(layout, base, ties, tuple(tables), error, tuple(better), costs, quantiles(gain))

    @property
    def reference_gain(self) -> Floats:
        return self.reference

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored:
        """The gain is in the currency of the costs; with a value of 1 and no costs, in errors."""
        said = [model.predict(batch) for model in self.better]
        saved_NT = np.stack([gain for gain, _ in said], axis=1) * self.costs.value
        worth_NT = saved_NT - np.array(self.costs.tiers) + self.costs.judges[self.base]
        tier = choose_tier(worth_NT, self.costs.prices)
        names, parts = self._parts(said, tier)
        return Scored(
            gain=worth_NT[np.arange(len(batch)), tier],
            p_err=self.error.predict(batch)[0],
            judge=np.full(len(batch), self.base, dtype=np.int64),
            tier=tier,
            parts=parts,
            part_names=names,
        )

    def combine(self, batch: Instances, tier: Ints, vote: Labels) -> Labels:
        """The label that stands on rows that people of `tier` [N] labelled with `vote` [N]."""
        found = np.zeros(len(batch), dtype=np.int8)
        for number, table in enumerate(self.combinations):
            mine = tier == number
            found[mine] = combine(table, batch.judge_labels[mine, self.base], vote[mine])
        return found

    def _parts(
        self, said: list[tuple[Floats, Floats]], tier: Ints
    ) -> tuple[tuple[str, ...], Floats]:
        """What adds to the gain of the chosen tier over the judge."""
        names = sorted({name for model in self.better for name in model.columns.names})
        parts = np.zeros((len(tier), len(names)))
        for number, model in enumerate(self.better):
            mine = np.flatnonzero(tier == number)
            where = [names.index(name) for name in model.columns.names]
            if where and mine.size:
                parts[np.ix_(mine, np.array(where))] = said[number][1][mine]
        return tuple(names), parts

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "layout": self.layout.to_json(),
            "base": self.base,
            "ties": self.ties,
            "combinations": [table.tolist() for table in self.combinations],
            "error": self.error.to_json(),
            "better": [one.to_json() for one in self.better],
            "costs": self.costs.to_json(),
            "reference": self.reference.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ErrorPolicy":
        return cls(
            Layout.from_json(stored["layout"]),
            stored["base"],
            stored["ties"],
            tuple(np.array(table, dtype=np.int8) for table in stored["combinations"]),
            ErrorModel.from_json(stored["error"]),
            tuple(GainModel.from_json(one) for one in stored["better"]),
            Costs.from_json(stored["costs"]),
            np.array(stored["reference"], dtype=float),
        )
