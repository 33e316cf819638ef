"""The margin rule: the judge keeps what it is sure of, and people audit a share of that.

Pure. The audit draw is a hash of seed and task, so the same policy decides the same again.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class MarginDecision:
    """`score` is the judge's probability of its own choice (0.5..1).

    `propensity` is the probability that the task got a human label under this rule; figures
    that must not be biased by the rule weigh by its inverse.
    """

    route: str
    score: float
    explored: bool
    propensity: float
    reasons: list[str]


def uniform_draw(seed: int, task_id: int) -> float:
    """0 <= u < 1, fixed by seed and task."""
    digest = hashlib.sha256(f"{seed}:audit:{task_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def decide(
    *, task_id: int, p_first: float, threshold: float, audit_share: float, seed: int
) -> MarginDecision:
    """Send one task to `people`, `ai`, or `both` (the audited part of the AI's share)."""
    score = max(p_first, 1 - p_first)
    if score < threshold:
        reason = f"the judge is {score:.2f} sure, below {threshold:.2f}"
        return MarginDecision("people", score, False, 1.0, [reason])
    audited = uniform_draw(seed, task_id) < audit_share
    reasons = [f"the judge is {score:.2f} sure, at least {threshold:.2f}"]
    if audited:
        reasons.append(f"drawn for the audit ({audit_share:.0%} of the judge's share)")
    return MarginDecision("both" if audited else "ai", score, audited, audit_share, reasons)
