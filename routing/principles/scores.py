"""How many of people's choices principles predict. Pure numpy.

Votes are +1 where a principle favours what people chose, -1 where it favours the other response,
0 where it favours neither. What is learned (the sign and the weight of each principle, the signs
of the baselines) comes from the training part alone; shares are of the part held out, whose
prompts are others. Intervals are over prompts: pairs of one prompt hang together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.quality.intervals import mean_interval, share_interval
from routing.guarantee.binomial import binomial_cdf

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_VOTES = 5  # training pairs that a principle must speak about to be in the list
MOST_LISTED = 10


@dataclass(frozen=True)
class Share:
    """Of `count` pairs (equal ones half), with a 95 % interval where there are two prompts."""

    share: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Part:
    """[I, P] votes, the prompts, how much longer the chosen one is, and whether it stands first."""

    vote_IP: Ints
    prompt_I: Ints
    longer_I: Ints
    first_I: Ints  # 1 or -1


@dataclass(frozen=True)
class Scored:
    """Of one principle. `weight`: log odds of being right in the training part, whose sign says
    whether people go by it or against it. `q`: false discovery rate of its being no coin's, held
    out, among all principles.
    """

    training: Share
    held_out: Share
    weight: float
    listed: bool
    q: float


@dataclass(frozen=True)
class Prediction:
    """Of what was held out: the share that comes out right, and by how much the list is better,
    with its interval (null for the list itself)."""

    right: Share
    difference: tuple[float, float, float] | None


@dataclass(frozen=True)
class Scores:
    principles: list[Scored]
    by_list: Prediction
    by_length: Prediction
    by_place: Prediction


def score(training: Part, held_out: Part) -> Scores:
    """Every principle, all listed ones together, and the baselines."""
    count = training.vote_IP.shape[1]
    weight_P = np.array([weight_of(training.vote_IP[:, at]) for at in range(count)])
    spoken_P = (training.vote_IP != 0).sum(0)
    q_P = false_discovery(
        [sign_test(held_out.vote_IP[:, p], held_out.prompt_I) for p in range(count)]
    )
    able = [p for p in np.argsort(-_net(training), kind="stable") if spoken_P[p] >= LEAST_VOTES]
    listed = [int(p) for p in able if weight_P[p] != 0][:MOST_LISTED]
    kept_P = np.isin(np.arange(count), listed)
    right_I = _right(held_out.vote_IP @ np.where(kept_P, weight_P, 0.0))
    by_length = _right(_sign_of(training.longer_I) * np.sign(held_out.longer_I))
    by_place = _right(_sign_of(training.first_I) * held_out.first_I)
    return Scores(
        [
            Scored(
                _agreed(training, p), _agreed(held_out, p), float(weight_P[p]), bool(kept_P[p]),
                float(q_P[p]),
            )
            for p in range(count)
        ],
        Prediction(share_of(right_I, held_out.prompt_I), None),
        *(
            Prediction(
                share_of(other_I, held_out.prompt_I),
                difference_of(right_I, other_I, held_out.prompt_I),
            )
            for other_I in (by_length, by_place)
        ),
    )  # fmt: skip


def weight_of(vote_I: Ints) -> float:
    """Log odds that the principle is right where it speaks, after one right and one wrong."""
    right, wrong = int((vote_I > 0).sum()), int((vote_I < 0).sum())
    return math.log((right + 1) / (wrong + 1))


def _net(part: Part) -> Floats:
    return np.asarray(np.abs(part.vote_IP.sum(0)), dtype=np.float64)


def _sign_of(side_I: Ints) -> float:
    """Whether the training part chose it more often, or the other."""
    return float(np.sign(np.sign(side_I).sum())) or 1.0


def _right(said_I: NDArray[Any]) -> Floats:
    return np.asarray(0.5 + 0.5 * np.sign(said_I), dtype=np.float64)


def _agreed(part: Part, place: int) -> Share:
    vote_I = part.vote_IP[:, place]
    spoken_I = vote_I != 0
    return share_of((vote_I[spoken_I] > 0).astype(np.float64), part.prompt_I[spoken_I])


def share_of(right_I: Floats, prompt_I: Ints) -> Share:
    """The mean, with its interval over prompts."""
    if not len(right_I):
        return Share(None, None, None, 0)
    found = share_interval(_clusters(right_I, prompt_I))
    low, high = found if found is not None else (None, None)
    return Share(float(right_I.mean()), low, high, len(right_I))


def difference_of(
    one_I: Floats, other_I: Floats, prompt_I: Ints
) -> tuple[float, float, float] | None:
    """one - other on the same pairs, with the ends of its interval over prompts."""
    halved_I = (1 + one_I - other_I) / 2  # into 0..1, as mean_interval has it
    found = mean_interval(_clusters(halved_I, prompt_I))
    if found is None:
        return None
    return float((one_I - other_I).mean()), 2 * found[0] - 1, 2 * found[1] - 1


def _clusters(value_I: Floats, prompt_I: Ints) -> list[tuple[float, float]]:
    _, at_I = np.unique(prompt_I, return_inverse=True)
    sums, counts = np.bincount(at_I, value_I), np.bincount(at_I)
    return list(zip(sums.tolist(), counts.tolist(), strict=True))


def sign_test(vote_I: Ints, prompt_I: Ints) -> float:
    """Two-sided p of the sign test over prompts: as many lean to what people chose as not."""
    _, at_I = np.unique(prompt_I, return_inverse=True)
    leans = np.sign(np.bincount(at_I, vote_I)) if len(vote_I) else np.zeros(0)
    hits, count = int((leans > 0).sum()), int((leans != 0).sum())
    if not count:
        return 1.0
    return min(1.0, 2 * binomial_cdf(min(hits, count - hits), count, 0.5))


def false_discovery(p_values: Sequence[float]) -> Floats:
    """q of each, by Benjamini and Hochberg (1995)."""
    p_P = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p_P)
    scaled = p_P[order] * len(p_P) / np.arange(1, len(p_P) + 1)
    q_P = np.empty(len(p_P))
    q_P[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q_P
