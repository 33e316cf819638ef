"""Taking a judge's bias for length out of its probability."""

from dataclasses import replace
from math import log

from routing.judges import Question, Verdict
from routing.judges.probability import logit, sigmoid

COEFFICIENT = "length_coefficient"  # of a judge's config; absent: nothing is taken out
MOST = 10.0
UNSURE = 1e-9


def log_ratio(question: Question) -> float:
    """ln of (words of the first response + 1) / (words of the second + 1), of a pair."""
    first, second = (len(text.split()) for text in question.response_texts)
    return log((first + 1) / (second + 1))


def without_length(verdict: Verdict, question: Question, coefficient: float) -> Verdict:
    """logit P' = logit P - coefficient x log ratio; what it was stands beside it. Where nothing but
    the length spoke, P' is exactly a half, which is no label.
    """
    if verdict.p_first is None or not coefficient:
        return verdict
    p_first = sigmoid(logit(verdict.p_first) - coefficient * log_ratio(question))
    if abs(p_first - 0.5) < UNSURE:
        p_first = 0.5
    return replace(verdict, p_first=p_first, raw={**verdict.raw, "with_length": verdict.p_first})
