"""How much a judge is drawn to length beyond what people prefer: a GLM with length as covariate.

Source: Dubois et al. 2024 (Length-Controlled AlpacaEval, arXiv:2404.04475), which regresses the
judge's preference on the difference of lengths beside what it should follow. Deviations: the
covariate is the difference of log lengths, unbounded; in the place of models and prompts stands
what people said of the very pair; there is no intercept, since both orders are averaged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.quality.intervals import t95
from annotate.quality.newton import Local, NotSettled, climb
from annotate.wording import Refusal
from routing.predictor.logistic import sigmoid

Floats = NDArray[np.float64]
AT_REST = 1e-6
LEAST_BEND = 1e-12  # of a row: where preferences are parted, steps end there
# A coefficient beyond it, or a smaller mean of p (1 - p): the columns part the preferences fully.
MOST = 50.0
LEAST_SPREAD = 1e-6


class NotTold(Refusal):
    """The rows do not tell it; says why and what would."""


@dataclass(frozen=True)
class Coefficient:
    """Logits for each natural logarithm of (longer / shorter), with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def odds_by_doubling(self) -> float:
        """By how much the odds of a response grow when it is twice as long."""
        return float(np.exp(self.value * np.log(2)))


def length_coefficient(
    p_first_N: ArrayLike, log_ratio_N: ArrayLike, group_N: ArrayLike, people_N: ArrayLike = ()
) -> Coefficient:
    """b in logit P(first) = b log_ratio + a people, by maximum quasi-likelihood.

    p_first: probabilities (0..1) that the first is better; log_ratio: ln(words of the first / words
    of the second); people: -1..1, who people prefer, 1 for the first (left out: not held fixed).
    The interval is by the sandwich over groups (prompts) with Student's t.
    Raises NotTold with fewer than ten groups, without any difference of lengths, or where length
    parts the preferences fully.
    """
    target_N = np.asarray(p_first_N, dtype=np.float64)
    columns = [np.asarray(log_ratio_N, dtype=np.float64)]
    held = np.asarray(people_N, dtype=np.float64)
    if held.size and np.ptp(held) > 0:
        columns.append(held)
    x_NC = np.stack(columns, axis=1)
    groups, which_N = np.unique(np.asarray(group_N), return_inverse=True)
    if len(groups) < 10:
        raise NotTold(
            "{count} prompts tell nothing of length; ten are the least", count=len(groups)
        )
    if not np.abs(x_NC[:, 0]).max() > 1e-9:
        raise NotTold("the responses of every pair are equally long")
    if np.linalg.matrix_rank(x_NC) < x_NC.shape[1]:
        raise NotTold("people prefer by length alone, so the judge's part cannot be told from it")
    beta_C = _fit(x_NC, target_N)
    p_N = sigmoid(x_NC @ beta_C)
    bread_CC = np.linalg.inv((x_NC.T * (p_N * (1 - p_N))) @ x_NC)
    score_GC = np.zeros((len(groups), x_NC.shape[1]))
    np.add.at(score_GC, which_N, x_NC * (target_N - p_N)[:, None])
    count = len(groups)
    spread_CC = bread_CC @ (score_GC.T @ score_GC) @ bread_CC * count / (count - 1)
    half = t95(count - 1) * float(np.sqrt(spread_CC[0, 0]))
    value = float(beta_C[0])
    return Coefficient(value, value - half, value + half)


def _fit(x_NC: Floats, target_N: Floats) -> Floats:
    """The most likely coefficients. Raises NotTold where they have no end."""

    def likelihood(beta_C: Floats) -> Local:
        z_N = x_NC @ beta_C
        p_N = sigmoid(z_N)
        value = float(np.sum(target_N * z_N - np.logaddexp(0.0, z_N)))
        bend_N = np.maximum(p_N * (1 - p_N), LEAST_BEND)
        return Local(value, x_NC.T @ (target_N - p_N), (x_NC.T * bend_N) @ x_NC)

    parted = NotTold("length parts the preferences fully; pairs on which it does not are needed")
    try:
        beta_C, _ = climb(likelihood, np.zeros(x_NC.shape[1]), at_rest=AT_REST)
    except NotSettled as error:
        raise parted from error
    p_N = sigmoid(x_NC @ beta_C)
    if np.abs(beta_C).max() > MOST or float((p_N * (1 - p_N)).mean()) < LEAST_SPREAD:
        raise parted
    return beta_C
