"""Probabilities of judges: from tokens, from samples, and over both orders."""

import math
from collections.abc import Mapping, Sequence

LEAST = 1e-6  # probabilities are kept this far from 0 and 1


def logit(p: float) -> float:
    """ln(p / (1 - p)), p cut to LEAST .. 1 - LEAST."""
    p = min(1 - LEAST, max(LEAST, p))
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    grown = math.exp(x)
    return grown / (1 + grown)


def both_orders(p_forward: float, p_backward: float) -> tuple[float, float]:
    """P(first response better) without the place's part, and that part in logits.

    `p_forward` is P(the one shown first is better) with the responses in order, `p_backward` the
    same with them swapped. A bias b for the place adds to both logits:
    logit p_forward = m + b, logit p_backward = -m + b. So m is half their difference, b half
    their sum; averaging in logits takes out exactly what averaging probabilities would not.
    """
    forward, backward = logit(p_forward), logit(p_backward)
    return sigmoid((forward - backward) / 2), (forward + backward) / 2


def of_letters(
    top: Sequence[tuple[str, float]], letters: tuple[str, str] = ("A", "B")
) -> tuple[float, float] | None:
    """P(first letter) renormalised over the two, and how much of all probability they hold.

    `top` are the likeliest tokens with their natural log-probabilities; " A" and "A" are the same
    letter. A letter that is not among them has at most the probability of the least of them, which
    is taken for it. None if neither is there.
    """
    mass = dict.fromkeys(letters, 0.0)
    for token, logprob in top:
        if token.strip() in mass:
            mass[token.strip()] += math.exp(min(0.0, logprob))
    held = sum(mass.values())
    if held == 0:
        return None
    least = min(math.exp(min(0.0, logprob)) for _, logprob in top)
    first, second = (mass[letter] or least for letter in letters)
    return first / (first + second), min(1.0, held)


def of_samples(votes: Mapping[bool, int]) -> float:
    """P(first better) from hard verdicts for the first (True) and the second (False).

    (n + 1/2) / (N + 1), the estimate of Krichevsky and Trofimov (1981): one verdict counts as 3/4
    and never as certainty. Opposite counts in the two orders pool to exactly 1/2.
    """
    first, second = votes.get(True, 0), votes.get(False, 0)
    return (first + 0.5) / (first + second + 1)
