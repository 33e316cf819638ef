"""The margin rule: the judge keeps what it is sure of, and people audit a share of that.

Pure. The audit draw is a hash of seed and task, so the same policy decides the same again.
"""

import hashlib
from dataclasses import dataclass

from routing.words.reasons import Why, why


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
    reasons: list[Why]


def uniform_draw(seed: int, task_id: int) -> float:
    """0 <= u < 1, fixed by seed and task."""
    digest = hashlib.sha256(f"{seed}:audit:{task_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def decide(
    *,
    task_id: int,
    p_first: float,
    threshold: float,
    audit_share: float,
    seed: int,
    held_out: bool = False,
) -> MarginDecision:
    """Send one task to `people`, `ai`, or `both` (the audited part of the AI's share).

    A task whose prompt is held out is never the AI's alone: the test split holds human labels
    only, and would be left with what the judge found hard. That is no audit draw.
    """
    score = max(p_first, 1 - p_first)
    if score < threshold:
        return MarginDecision("people", score, False, 1.0, [why("below", score, threshold)])
    audited = uniform_draw(seed, task_id) < audit_share
    reasons = [why("at least", score, threshold)]
    if audited:
        reasons.append(why("audit", 100 * audit_share))
    if held_out:
        reasons.append(why("held out"))
    route = "both" if audited or held_out else "ai"
    return MarginDecision(route, score, audited, 1.0 if held_out else audit_share, reasons)
