"""When a loop must not go on by itself. Pure: figures in, findings out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Any

from annotate.quality.intervals import Z95

ROUNDING = 1e-9  # 0.45 - 0.30 is a little more than 0.15

PEOPLE, PEOPLE_SHARE, DIVERSITY, GAP, FAILED = (
    *("people", "people_share", "diversity", "gap"),
    "failed_run",
)
GUARDS = (PEOPLE, PEOPLE_SHARE, DIVERSITY, GAP, FAILED)


@dataclass(frozen=True)
class Bounds:
    """What a loop may do before a person has to look. Shares from 0 to 1.

    `people`, `people_share`: the least number and share of people's labels among those that are
    new in the round's snapshot; imported ones are people's. 0 asks for none.
    `diversity_drop`: by how much the diversity of new responses may lie below that of the loop's
    first round, as a share of it. `gap`: by how much the reward model's win rate of the new
    responses may lie above people's on the same pairs. 1 allows everything.
    `gap_rows`: pairs that people have judged; fewer say nothing.
    """

    people: int = 1
    people_share: float = 0.2
    diversity_drop: float = 0.3
    gap: float = 0.15
    gap_rows: int = 20

    def __post_init__(self) -> None:
        for name in ("people_share", "diversity_drop", "gap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give 0 to 1")
        if self.people < 0 or self.gap_rows < 1:
            raise ValueError("people must be 0 or more and gap_rows at least 1")


@dataclass(frozen=True)
class Finding:
    """What a guard found. `passed` is None where there is too little to tell, which stops nothing.

    `figure` and `limit` are counts or shares as the guard's name says; `rows`: what the figure
    was taken from; `detail`: values for the words of a page.
    """

    name: str
    passed: bool | None
    figure: float | None = None
    limit: float | None = None
    rows: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        return self.passed is False

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def people_findings(people: int, others: int, bounds: Bounds) -> list[Finding]:
    """Of the labels that are new in a round's snapshot: people's, and judges' (`others`)."""
    rows = people + others
    share = people / rows if rows else 0.0
    return [
        Finding(PEOPLE, people >= bounds.people, people, bounds.people, rows),
        Finding(
            PEOPLE_SHARE,
            share >= bounds.people_share - ROUNDING if rows else None,
            share if rows else None,
            bounds.people_share,
            rows,
        ),
    ]


def diversity_finding(now: float | None, first: float | None, bounds: Bounds) -> Finding:
    """`figure`: the share by which diversity fell since the loop's first round; below 0 it rose."""
    detail = {"now": now, "first": first}
    if now is None or not first:
        return Finding(DIVERSITY, None, None, bounds.diversity_drop, detail=detail)
    drop = 1 - now / first
    fits = drop <= bounds.diversity_drop + ROUNDING
    return Finding(DIVERSITY, fits, drop, bounds.diversity_drop, detail=detail)


def gap_finding(pairs: Sequence[tuple[float, float]], bounds: Bounds) -> Finding:
    """The proxy parts from gold when the reward model believes in wins that people do not see.

    `pairs`: of each pair the reward model's probability that the new response is preferred, and
    the share of people who preferred it. `figure`: the mean difference; the 95 % interval in
    `detail` takes pairs for independent (normal approximation). Over-optimisation as in Gao,
    Schulman & Hilton (2022, arXiv:2210.10760), with people as the gold judge.
    """
    rows = len(pairs)
    if rows < bounds.gap_rows:
        return Finding(GAP, None, None, bounds.gap, rows, {"least": bounds.gap_rows})
    differences = [proxy - gold for proxy, gold in pairs]
    mean = sum(differences) / rows
    spread = sum((one - mean) ** 2 for one in differences) / (rows - 1) if rows > 1 else 0.0
    half = Z95 * sqrt(spread / rows)
    detail = {
        "proxy": sum(proxy for proxy, _ in pairs) / rows,
        "gold": sum(gold for _, gold in pairs) / rows,
        "low": mean - half,
        "high": mean + half,
    }
    return Finding(GAP, mean <= bounds.gap + ROUNDING, mean, bounds.gap, rows, detail)


def failed_finding(
    phase: str,
    message: str,
    refused: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
) -> Finding:
    """A job of the round failed or was cancelled; going on without it would be another loop.

    For pages to tell: `refused`, the field and the refusal, where one was the cause; else `told`,
    what the message was made from.
    """
    detail: dict[str, Any] = {"phase": phase, "message": message}
    if refused:
        detail["refused"] = refused
    elif told:
        detail["told"] = told
    return Finding(FAILED, False, detail=detail)
