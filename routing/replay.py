"""What a policy would have cost and gained on rows that judges and people both labelled. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.policies.budget import Budget
from routing.policies.contract import DoublyLabelled, Flags, Floats, Policy
from routing.policies.decide import EXPLORE, Refusals, decide, standing_judges
from routing.policies.references import Ties, refer
from routing.policies.rules import Rule

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class KnownErrors:
    """Of each row: the expected error of each judge's label [N, J] and of one person's vote [N].

    A vote that stands alone on its row has the mean error of all votes. Errors are unbiased, so
    single ones may lie outside 0..1; only their means say something.
    """

    judge_NJ: Floats
    people_N: Floats


def known_errors(rows: DoublyLabelled, policy: Policy, *, ties: Ties = "half") -> KnownErrors:
    """Against what the other votes on the row make likely; see policies/references.py."""
    layout = policy.layout
    known = refer(rows, layout, ties=ties)
    size = len(rows.instances)
    votes_N = np.maximum(np.bincount(rows.vote_row, minlength=size), 1)
    judge_NJ = np.stack(
        [
            np.bincount(rows.vote_row, weights=known.judge_error_VJ[:, judge], minlength=size)
            for judge in range(len(layout.judges))
        ],
        axis=1,
    )
    tier_T = known.tier_errors(rows, layout)
    vote_V = np.where(np.isfinite(known.vote_error_V), known.vote_error_V, tier_T[rows.vote_tier])
    people_N = np.bincount(rows.vote_row, weights=vote_V, minlength=size)
    return KnownErrors(judge_NJ / votes_N[:, None], people_N / votes_N)


@dataclass(frozen=True)
class Replay:
    """`error_N`: the expected error of the label that would stand; `asked`: what people would see,
    `waits` in a later window, for want of budget in this; `share`: of all rows, asked.
    """

    share: float
    error_N: Floats
    asked: Flags
    waits: Flags

    @property
    def error(self) -> float:
        return float(self.error_N.mean())


def replay(
    policy: Policy,
    rows: DoublyLabelled,
    errors: KnownErrors,
    *,
    share: float,
    seed: int,
    rules: Sequence[Rule] = (),
    refusals: Refusals | None = None,
    explore: float = EXPLORE,
) -> Replay:
    """Decide all rows as one window with people for `share` of them.

    What no judge may label alone, by `rules` and `refusals`, is people's at last: where the budget
    does not reach, it waits for them, and `share` of the result is larger than that asked for.
    """
    size = len(rows.instances)
    made = decide(
        policy,
        rows.instances,
        budget=Budget.of_share(share, size, tiers=len(policy.layout.tiers)),
        seed=seed,
        rules=rules,
        refusals=refusals,
        explore=explore,
    )
    judge_N = standing_judges(made.scored.judge, rows.instances.judge_labels)
    not_alone = made.waits
    if refusals is not None:  # of a judge that stands in too, which no budget was set aside for
        not_alone = not_alone | (refusals.number[np.arange(size), judge_N] >= 0)
    by_people, asked = made.label_by_people | not_alone, made.asks_people | not_alone
    error_N = np.where(by_people, errors.people_N, errors.judge_NJ[np.arange(size), judge_N])
    return Replay(float(asked.mean()), error_N, asked, made.waits)


@dataclass(frozen=True)
class Difference:
    """Mean error of the first less that of the second, with its 95 % interval over prompts."""

    value: float
    low: float
    high: float
    rows: int


def paired_difference(
    first_N: Floats, second_N: Floats, group_N: np.ndarray, *, z: float = 1.959963984540054
) -> Difference:
    """Over the same rows; those of one group (prompt) may hang together.

    Needs two groups: with fewer the interval is all of -1..1.
    """
    apart_N = np.asarray(first_N, float) - np.asarray(second_N, float)
    value = float(apart_N.mean()) if len(apart_N) else 0.0
    groups, which_N = np.unique(group_N, return_inverse=True)
    count = len(groups)
    if count < 2:
        return Difference(value, -1.0, 1.0, len(apart_N))
    sums_G = np.bincount(which_N, weights=apart_N - value)
    deviation = float(np.sqrt(sums_G @ sums_G * count / (count - 1))) / len(apart_N)
    return Difference(value, value - z * deviation, value + z * deviation, len(apart_N))
