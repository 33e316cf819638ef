"""What every policy kind takes and gives. Plain arrays, so a million instances go in batches.

Labels are the preferred side as int8: 1 the first response, -1 the second, 0 a tie (also both
good and both bad), and the judge's abstention. The distance of two labels is half their
difference: a tie is half wrong beside a clear preference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from annotate.wording import Refusal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.int8]
Flags = NDArray[np.bool_]

AI, PEOPLE, EXPERT, BOTH, WAIT = ROUTES = ("ai", "people", "expert", "both", "wait")
COMMON = -1  # the judge of a signal that is known before any judge is asked


class BadBatch(Refusal):
    """Arrays that do not fit the policy's layout; says which, what came and what was wanted."""


@dataclass(frozen=True)
class Signal:
    """A numeric column, and after which judge's call it is known (its number, or COMMON)."""

    name: str
    judge: int = COMMON


@dataclass(frozen=True)
class Layout:
    """The columns of a batch. Judges stand from cheap to strong, tiers of people likewise."""

    tags: tuple[str, ...]
    signals: tuple[Signal, ...]
    judges: tuple[str, ...]
    tiers: tuple[str, ...] = ("people",)

    def signals_up_to(self, judge: int) -> list[int]:
        """The columns that are known once judges 0 .. judge have answered."""
        return [s for s, one in enumerate(self.signals) if one.judge <= judge]

    def to_json(self) -> dict[str, Any]:
        return {
            "tags": list(self.tags),
            "signals": [[one.name, one.judge] for one in self.signals],
            "judges": list(self.judges),
            "tiers": list(self.tiers),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Layout":
        return cls(
            tuple(stored["tags"]),
            tuple(Signal(name, judge) for name, judge in stored["signals"]),
            tuple(stored["judges"]),
            tuple(stored["tiers"]),
        )


@dataclass(frozen=True)
class Instances:
    """ids [N] (task ids), tags [N, T] bool, signals [N, S] (NaN unknown), judge_labels [N, J]."""

    ids: Ints
    tags: Flags
    signals: Floats
    judge_labels: Labels

    def __len__(self) -> int:
        return len(self.ids)

    def check(self, layout: Layout) -> None:
        """Raise BadBatch unless the arrays fit the layout."""
        for name, values, width in (
            ("tags", self.tags, len(layout.tags)),
            ("signals", self.signals, len(layout.signals)),
            ("judge_labels", self.judge_labels, len(layout.judges)),
        ):
            if values.shape != (len(self.ids), width):
                raise BadBatch(
                    "{name}: shape {shape}, expected {wanted}; build the "
                    "batch with the feature specification that the policy was fitted with",
                    name=name,
                    shape=str(values.shape),
                    wanted=str((len(self.ids), width)),
                )
        if self.judge_labels.size and np.abs(self.judge_labels).max() > 1:
            raise BadBatch("judge_labels: expected -1, 0 or 1")

    def take(self, rows: NDArray[Any]) -> "Instances":
        return Instances(
            self.ids[rows], self.tags[rows], self.signals[rows], self.judge_labels[rows]
        )


@dataclass(frozen=True)
class DoublyLabelled:
    """Instances that judges and people labelled, with each person's vote.

    vote_row [V] points into the instances; vote_rater [V] and vote_tier [V] number people and
    tiers; group [N] is the prompt, which never stands on both sides of a split.
    """

    instances: Instances
    vote_row: Ints
    vote_rater: Ints
    vote_tier: Ints
    vote_label: Labels
    group: Ints

    def check(self, layout: Layout) -> None:
        self.instances.check(layout)
        rows = len(self.instances)
        if len(self.group) != rows:
            raise BadBatch(
                "group: {count} values for {rows} instances", count=len(self.group), rows=rows
            )
        for name, values, end in (
            ("vote_row", self.vote_row, rows),
            ("vote_tier", self.vote_tier, len(layout.tiers)),
        ):
            if values.size and (values.min() < 0 or values.max() >= end):
                raise BadBatch("{name}: expected numbers from 0 to {last}", name=name, last=end - 1)
        if not len(self.vote_row):
            raise BadBatch("votes: there are none; a policy is fitted on rows that people labelled")

    def take(self, rows: Flags) -> "DoublyLabelled":
        """The rows of a mask [N], with their votes."""
        number_N = np.cumsum(rows) - 1
        votes = rows[self.vote_row]
        return DoublyLabelled(
            self.instances.take(rows),
            number_N[self.vote_row[votes]],
            self.vote_rater[votes],
            self.vote_tier[votes],
            self.vote_label[votes],
            self.group[rows],
        )


@dataclass(frozen=True)
class Scored:
    """What a policy thinks of each instance.

    gain: expected error (or money) saved when people label it rather than the judge; people are
        asked for the highest, and for none below 0.
    p_err: calibrated P(the judge's label is wrong), which says where exploring pays.
    judge, tier: whose label would stand on either side.
    certified: whether the AI's label falls under a tested guarantee; None if there is none.
    parts [N, C]: what each of `part_names` adds to the score, for the reasons.
    """

    gain: Floats
    p_err: Floats
    judge: Ints
    tier: Ints
    certified: Flags | None = None
    parts: Floats | None = None
    part_names: tuple[str, ...] = ()


class Policy(Protocol):
    """A fitted policy. `reference_gain`: 201 quantiles of the gain on the rows it was fitted on."""

    kind: ClassVar[str]

    @property
    def layout(self) -> Layout: ...

    @property
    def reference_gain(self) -> Floats: ...

    def score(self, batch: Instances, *, share: float, seed: int) -> Scored: ...

    def to_json(self) -> dict[str, Any]: ...


@runtime_checkable
class Combines(Protocol):
    """A policy that makes one label of a person's vote and the judge's."""

    def combine(self, batch: Instances, tier: Ints, vote: Labels) -> Labels: ...


def people_label(policy: Policy, batch: Instances, tier: Ints, vote: Labels) -> Labels:
    """[N]: the label that stands where people of `tier` voted `vote`."""
    return policy.combine(batch, tier, vote) if isinstance(policy, Combines) else vote


def distance(one: NDArray[Any], other: NDArray[Any]) -> Floats:
    """0 alike, 1/2 where one is a tie, 1 opposite."""
    return np.asarray(np.abs(np.asarray(one, float) - np.asarray(other, float)) / 2)


def quantiles(values: Sequence[float] | Floats) -> Floats:
    """The 201 quantiles 0, .005 .. 1."""
    return np.asarray(np.quantile(np.asarray(values, dtype=np.float64), np.linspace(0, 1, 201)))
