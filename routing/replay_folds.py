"""What kinds of policy would have cost and given on past rows, not on prompts they learned from.

The rows are parted into folds by prompt. A policy is fitted without a fold and replayed on it, so
all rows together are replayed; several partings take out the luck of one. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from annotate.quality.intervals import t95
from routing.policies.cascade import CascadePolicy
from routing.policies.contract import DoublyLabelled, Floats, Layout, Policy
from routing.policies.decide import EXPLORE, Refusals
from routing.policies.error import Costs, ErrorPolicy
from routing.policies.plain import MarginPolicy, RandomPolicy
from routing.policies.rules import Rule
from routing.predictor.logistic import folds_of
from routing.replay import KnownErrors, known_errors, paired_difference, replay

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
REPLAYED = ("random", "margin", "error", "cascade")


@dataclass(frozen=True)
class Mean:
    """A mean over rows with its 95 % interval by prompts (Student's t)."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Point:
    """At `share` of labels to give, people were asked about `people` of the rows; more than that
    where no judge may label some alone.

    `error`: expected error of the labels that would stand; `against_chance`: that less the error of
    a random policy on the same rows; `judged` [J]: the share of rows that each judge was asked.
    """

    share: float
    people: float
    error: Mean
    against_chance: Mean | None
    judged: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "share": self.share,
            "people": self.people,
            "error": self.error.to_json(),
            "against_chance": self.against_chance and self.against_chance.to_json(),
            "judged": list(self.judged),
        }


@dataclass
class Tally:
    """Sums over partings: error_SN, asked_SN, judged_SJ, by share."""

    error_SN: Floats
    asked_SN: Floats
    judged_SJ: Floats
    turns: int = 0


@dataclass
class Replays:
    """`mean_of` what; call `add` for every parting and kind, then `points`."""

    rows: DoublyLabelled
    layout: Layout
    explore: float = EXPLORE
    risk: float = 0.15
    rules: Sequence[Rule] = ()
    refusals: Refusals | None = None
    shares: Sequence[float] = SHARES
    prices: Sequence[float] = ()  # of a label, by tier of people
    tallies: dict[str, Tally] = field(default_factory=dict)
    known: KnownErrors | None = None  # where they were found on more rows than these

    def __post_init__(self) -> None:
        self.rows.check(self.layout)
        self.errors = self.known or known_errors(self.rows, RandomPolicy(self.layout))

    def fit(self, kind: str, rows: DoublyLabelled, seed: int) -> Policy:
        """Raises ValueError where the rows are too few for the kind."""
        if kind == "random":
            return RandomPolicy(self.layout)
        if kind == "margin":
            signal = f"{self.layout.judges[-1]} is sure"
            return MarginPolicy.fit(rows.instances, self.layout, signal=signal, seed=seed)
        if kind == "error":
            costs = Costs.of_prices(self.layout, self.prices)
            return ErrorPolicy.fit(rows, self.layout, costs=costs, seed=seed)
        if kind == "cascade":
            return CascadePolicy.fit(
                rows, self.layout, risk=self.risk, prices=self.prices, seed=seed
            )
        raise ValueError(f"kind: {kind!r} is none of {', '.join(REPLAYED)}")

    def add(
        self, kind: str, *, folds: int, seed: int, step: Callable[[], None] = lambda: None
    ) -> None:
        """One parting: fit without each fold, replay on it. `step` is called after each fold."""
        fold_N = folds_of(self.rows.group, folds, seed)
        tally = self._tally(kind)
        for fold in range(folds):
            inside_N = fold_N == fold
            policy = self.fit(kind, self.rows.take(~inside_N), seed)
            self._replay(tally, policy, inside_N, seed)
            step()
        tally.turns += 1

    def add_fitted(self, name: str, policy: Policy, inside_N: np.ndarray, *, seed: int) -> None:
        """A policy that was fitted elsewhere, on rows (a mask) whose prompts it has not seen."""
        tally = self._tally(name)
        self._replay(tally, policy, inside_N, seed)
        tally.turns += 1

    def part(self, inside_N: np.ndarray) -> "Replays":
        """The rows of a mask, with what chance does on them."""
        refusals = self.refusals.take(inside_N) if self.refusals is not None else None
        tallies = {
            name: replace(
                one, error_SN=one.error_SN[:, inside_N], asked_SN=one.asked_SN[:, inside_N]
            )
            for name, one in self.tallies.items()
            if name == "random"
        }
        known = KnownErrors(self.errors.judge_NJ[inside_N], self.errors.people_N[inside_N])
        rows = self.rows.take(inside_N)
        return replace(self, rows=rows, refusals=refusals, tallies=tallies, known=known)

    def _tally(self, name: str) -> Tally:
        if name not in self.tallies:
            size, count = len(self.rows.instances), len(self.shares)
            empty = np.full((count, size), 0.0)
            judged = np.zeros((count, len(self.layout.judges)))
            self.tallies[name] = Tally(empty, empty.copy(), judged)
        return self.tallies[name]

    def _replay(self, tally: Tally, policy: Policy, inside_N: np.ndarray, seed: int) -> None:
        part = self.rows.take(inside_N)
        errors = KnownErrors(self.errors.judge_NJ[inside_N], self.errors.people_N[inside_N])
        refusals = self.refusals.take(inside_N) if self.refusals is not None else None
        judged_J = judges_asked(policy, part, seed=seed)
        for number, share in enumerate(self.shares):
            found = replay(
                policy, part, errors, share=share, seed=seed,
                rules=self.rules, refusals=refusals, explore=self.explore,
            )  # fmt: skip
            tally.error_SN[number, inside_N] += found.error_N
            tally.asked_SN[number, inside_N] += found.asked
            tally.judged_SJ[number] += judged_J * inside_N.sum()

    def points(self, name: str, inside_N: np.ndarray | None = None) -> list[Point]:
        """Of a kind that was added, over all rows or those of the mask."""
        tally, chance = self.tallies[name], self.tallies.get("random")
        inside_N = np.full(len(self.rows.instances), True) if inside_N is None else inside_N
        group_N, rows = self.rows.group[inside_N], max(1, int(inside_N.sum()))
        found = []
        for number, share in enumerate(self.shares):
            error_N = tally.error_SN[number, inside_N] / tally.turns
            apart = None
            if chance is not None and chance is not tally:
                chance_N = chance.error_SN[number, inside_N] / chance.turns
                apart = mean_over_prompts(error_N - chance_N, group_N)
            found.append(
                Point(
                    share=share,
                    people=float(tally.asked_SN[number, inside_N].mean() / tally.turns),
                    error=mean_over_prompts(error_N, group_N),
                    against_chance=apart,
                    judged=tuple(
                        (tally.judged_SJ[number] / tally.turns / rows).clip(0, 1).tolist()
                    ),
                )
            )
        return found

    def all_people(self) -> Mean:
        return mean_over_prompts(self.errors.people_N, self.rows.group)

    def all_ai(self) -> list[Mean]:
        """Of each judge alone."""
        return [mean_over_prompts(one, self.rows.group) for one in self.errors.judge_NJ.T]


def judges_asked(policy: Policy, rows: DoublyLabelled, *, seed: int) -> Floats:
    """[J]: the share of rows that each judge is asked about before the policy decides: all, but for
    a cascade, which asks a stronger one only about what the cheaper ones may not keep.
    """
    if not isinstance(policy, CascadePolicy):
        return np.ones(len(policy.layout.judges))
    kept_by_N = policy.score(rows.instances, share=0.0, seed=seed).judge
    stages = range(len(policy.layout.judges))
    return np.array([float((kept_by_N >= stage).mean()) for stage in stages])


def mean_over_prompts(value_N: Floats, group_N: np.ndarray) -> Mean:
    """Rows of one prompt may hang together; with fewer than two prompts nothing is known of it."""
    groups = len(np.unique(group_N))
    found = paired_difference(value_N, np.zeros(len(value_N)), group_N, z=t95(max(1, groups - 1)))
    return Mean(found.value, found.low, found.high)
