"""The kinds that learn nothing: `random`, `rule` and `margin`. What the others are measured by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from routing.policies.contract import Floats, Instances, Ints, Layout, Scored, quantiles
from routing.policies.draws import uniform_draws


def _strongest(layout: Layout, rows: int) -> Ints:
    return np.full(rows, len(layout.judges) - 1, dtype=np.int64)


@dataclass(frozen=True)
class RandomPolicy:
    """People get a share by chance: the gain is a draw in 0..1 by seed and id."""

    kind: ClassVar[str] = "random"
    layout: Layout

    @property
    def reference_gain(self) -> Floats:
        return np.linspace(0, 1, 201)

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored:
        rows = len(batch)
        return Scored(
            gain=uniform_draws(seed, batch.ids, purpose=3),
            p_err=np.full(rows, 0.5),
            judge=_strongest(self.layout, rows),
            tier=np.zeros(rows, dtype=np.int64),
        )

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "layout": self.layout.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RandomPolicy":
        return cls(Layout.from_json(stored["layout"]))


@dataclass(frozen=True)
class RulePolicy:
    """What no hard rule sends to people is the judge's, but for what is explored."""

    kind: ClassVar[str] = "rule"
    layout: Layout

    @property
    def reference_gain(self) -> Floats:
        return np.full(201, -1.0)

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored:
        rows = len(batch)
        return Scored(
            gain=np.full(rows, -1.0),
            p_err=np.full(rows, 0.5),
            judge=_strongest(self.layout, rows),
            tier=np.zeros(rows, dtype=np.int64),
        )

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "layout": self.layout.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RulePolicy":
        return cls(Layout.from_json(stored["layout"]))


@dataclass(frozen=True)
class MarginPolicy:
    """People get what the judge is least sure of, by one signal in 0..1 (NaN: not sure at all).

    Equal confidences are parted by chance, not by their order in the batch.
    """

    kind: ClassVar[str] = "margin"
    layout: Layout
    signal: str
    reference: Floats

    @classmethod
    def fit(cls, batch: Instances, layout: Layout, *, signal: str, seed: int) -> "MarginPolicy":
        """Keeps the spread of the signal on these rows. Raises ValueError for an unknown signal."""
        names = [one.name for one in layout.signals]
        if signal not in names:
            raise ValueError(f"signal: {signal!r} is none of {', '.join(names)}")
        made = cls(layout, signal, np.zeros(201))
        return cls(layout, signal, quantiles(made.score(batch, share=0.0, seed=seed).gain))

    @property
    def reference_gain(self) -> Floats:
        return self.reference

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored:
        column = [one.name for one in self.layout.signals].index(self.signal)
        doubt = 1 - np.nan_to_num(np.asarray(batch.signals[:, column], dtype=float), nan=0.0)
        rows = len(batch)
        return Scored(
            gain=doubt + 1e-6 * uniform_draws(seed, batch.ids, purpose=4) + 1e-9,
            p_err=np.clip(doubt, 0.0, 1.0),
            judge=_strongest(self.layout, rows),
            tier=np.zeros(rows, dtype=np.int64),
            parts=doubt[:, None],
            part_names=(f"1 - {self.signal}",),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "layout": self.layout.to_json(),
            "signal": self.signal,
            "reference": self.reference.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MarginPolicy":
        layout = Layout.from_json(stored["layout"])
        return cls(layout, stored["signal"], np.array(stored["reference"], dtype=float))
