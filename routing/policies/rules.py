"""Hard rules that a manager writes; they come before every policy."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotate.wording import Told
from routing.policies.contract import EXPERT, PEOPLE, BadBatch, Flags, Instances, Ints, Layout

COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Rule:
    """Instances with any of `tags`, or whose `signal` compares so, go to people or to experts.

    A signal that is unknown does not compare. Give tags or a signal, not both.
    """

    name: str
    route: str = PEOPLE
    tags: tuple[str, ...] = ()
    signal: str = ""
    comparison: str = ">="
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.route not in (PEOPLE, EXPERT):
            raise ValueError(f"rule {self.name}: route is {self.route!r}, not people or expert")
        if bool(self.tags) == bool(self.signal):
            raise ValueError(f"rule {self.name}: name tags or a signal, and not both")
        if self.comparison not in COMPARISONS:
            raise ValueError(
                f"rule {self.name}: comparison is {self.comparison!r}, not one of "
                f"{', '.join(COMPARISONS)}"
            )

    def matches(self, batch: Instances, layout: Layout) -> Flags:
        """[N]. Raises BadBatch for a tag or signal that the layout does not have."""
        if self.tags:
            there = [self._number(layout.tags, tag, Told("tag")) for tag in self.tags]
            return np.asarray(batch.tags[:, there].any(1))
        names = [one.name for one in layout.signals]
        column = batch.signals[:, self._number(names, self.signal, Told("signal"))]
        return np.asarray(COMPARISONS[self.comparison](column, self.value) & np.isfinite(column))

    def _number(self, names: Sequence[str], wanted: str, what: Told) -> int:
        if wanted not in names:
            raise BadBatch(
                "rule {name}: no {what} is called {wanted!r}; change the rule",
                name=self.name,
                what=what,
                wanted=wanted,
            )
        return list(names).index(wanted)

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "tags": list(self.tags)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Rule":
        return cls(**{**stored, "tags": tuple(stored["tags"])})


def first_rule(rules: Sequence[Rule], batch: Instances, layout: Layout) -> Ints:
    """[N]: the number of the first rule that matches, -1 for none."""
    found = np.full(len(batch), -1, dtype=np.int64)
    for number, rule in enumerate(rules):
        found[(found < 0) & rule.matches(batch, layout)] = number
    return found
