"""Rankings by several people: the strength of each option, and who ranks by chance. Pure numpy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from annotate.quality.dawid_skene import entropy_bits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The prior of trust, Beta(4, 1): three honest ballots before the first.
HONEST, CHANCE = 4.0, 1.0
# The prior of strengths: gamma = exp(theta) ~ Gamma(1, 1), as one stage won and one taken part in.
SHAPE = 1.0
GOLD_STEP = 3.0  # nats between neighbours of a known order: the upper wins 95 of 100 times


@dataclass(frozen=True)
class Ballot:
    """`order`: options from the best on; `rest`: those below all of these, unranked themselves.

    Options and raters are counted from 0. Who only chose the best has one option in `order`.
    """

    rater: int
    order: tuple[int, ...]
    rest: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stages:
    """Ballots as arrays: [B, K] options, ranked ones first; [B] choices each makes; [B] raters."""

    option_BK: Ints
    shown_BK: NDArray[np.bool_]
    choices_B: Ints
    rater_B: Ints

    @classmethod
    def of(cls, ballots: Sequence[Ballot], *, options: int, raters: int) -> "Stages":
        """Raises ValueError for numbers out of range, and where an option stands twice."""
        width = max((len(one.order) + len(one.rest) for one in ballots), default=1)
        option_BK = np.zeros((len(ballots), width), dtype=np.int64)
        shown_BK = np.zeros((len(ballots), width), dtype=bool)
        choices_B = np.zeros(len(ballots), dtype=np.int64)
        for row, one in enumerate(ballots):
            shown = (*one.order, *one.rest)
            if len(set(shown)) < len(shown) or len(shown) < 2 or not one.order:
                raise ValueError(f"ballot {row}: rank two options or more, each once; got {shown}")
            if not 0 <= min(shown) <= max(shown) < options or not 0 <= one.rater < raters:
                raise ValueError(
                    f"ballot {row}: options go from 0 to {options - 1}, raters to {raters - 1};"
                    f" got {shown} by {one.rater}"
                )
            option_BK[row, : len(shown)] = shown
            shown_BK[row, : len(shown)] = True
            choices_B[row] = len(one.order) - (not one.rest)
        rater_B = np.array([one.rater for one in ballots], dtype=np.int64)
        return cls(option_BK, shown_BK, choices_B, rater_B)

    def take(self, rows: Ints) -> "Stages":
        return Stages(
            self.option_BK[rows], self.shown_BK[rows], self.choices_B[rows], self.rater_B[rows]
        )

    @cached_property
    def chosen_BK(self) -> NDArray[np.bool_]:
        """Whether a place was chosen at a stage of its own (the last of a full order is not)."""
        return np.arange(self.option_BK.shape[1]) < self.choices_B[:, None]

    @cached_property
    def log_chance_B(self) -> Floats:
        """log (K - k)! / K!: what a ballot of k choices among K has by chance."""
        size_B = self.shown_BK.sum(1)
        return np.array(
            [lgamma(n - k + 1) - lgamma(n + 1)
             for n, k in zip(size_B, self.choices_B, strict=True)]
        )  # fmt: skip

    def left_BK(self, theta_O: Floats) -> Floats:
        """The summed strengths of what is still to be chosen from at each place."""
        gamma_BK = np.exp(theta_O)[self.option_BK] * self.shown_BK
        return np.asarray(np.cumsum(gamma_BK[:, ::-1], axis=1)[:, ::-1])

    def log_p_B(self, theta_O: Floats) -> Floats:
        """Plackett-Luce: sum over choices of theta - log sum of exp(theta) of what was left."""
        left_BK = np.where(self.chosen_BK, self.left_BK(theta_O), 1.0)
        terms_BK = np.where(self.chosen_BK, theta_O[self.option_BK] - np.log(left_BK), 0.0)
        return np.asarray(terms_BK.sum(1))


@dataclass(frozen=True)
class AnnotatorPlackettLuce:
    """`theta_O`: log strengths; `trust_R`: eta of each rater, 0 to 1; `honest_B`: P(this ballot
    was made by preference, not by chance)."""

    theta_O: Floats
    trust_R: Floats
    honest_B: Floats
    stages: Stages

    def best(self, options: Sequence[int], *, draws: int = 4000, seed: int = 0) -> Floats:
        """P(each of the options is the strongest of them), by Laplace's approximation.

        Strengths are normal about their mode with the inverse of the curvature of the log
        posterior (P. S. Laplace; D. R. Hunter, Annals of Statistics 32, 2004, for the
        derivatives), of these options alone; `draws` of them are counted.
        """
        mine = np.array(options, dtype=np.int64)
        place_O = np.full(len(self.theta_O), -1)
        place_O[mine] = np.arange(len(mine))
        curve = np.diag(SHAPE * np.exp(self.theta_O[mine]))
        stages = self.stages
        left_BK = stages.left_BK(self.theta_O)
        touched = (stages.shown_BK & (place_O[stages.option_BK] >= 0)).any(1)
        for row in np.flatnonzero(touched):
            shown = stages.option_BK[row, stages.shown_BK[row]]
            for stage in range(stages.choices_B[row]):
                p = np.zeros(len(mine))
                left = shown[stage:]
                inside = place_O[left] >= 0
                strength = np.exp(self.theta_O[left[inside]])
                p[place_O[left[inside]]] = strength / left_BK[row, stage]
                curve += self.honest_B[row] * (np.diag(p) - np.outer(p, p))
        rng = np.random.default_rng(seed)
        drawn = rng.multivariate_normal(self.theta_O[mine], np.linalg.inv(curve), size=draws)
        return np.bincount(drawn.argmax(1), minlength=len(mine)) / draws

    def entropy(self, options: Sequence[int]) -> float:
        """The doubt, in bits, about which of the options is the best."""
        return float(entropy_bits(self.best(options)[None, :])[0])


def annotator_plackett_luce(
    ballots: Sequence[Ballot],
    *,
    options: int,
    raters: int,
    gold: Iterable[Sequence[int]] = (),
    iterations: int = 500,
) -> AnnotatorPlackettLuce:
    """P(ballot) = eta_a PL(ballot | theta) + (1 - eta_a) / K!, by expectation maximisation.

    eta_a ~ Beta(4, 1) is a rater's trust, so its mode is (3 + sum of honest) / (3 + ballots).
    Strengths by one step of minorisation-maximisation an iteration (D. R. Hunter, Annals of
    Statistics 32, 2004), with a gamma prior as F. Caron and A. Doucet (2012, arXiv:1011.1761); the
    prior keeps options apart that never met. Plackett-Luce: R. L. Plackett, Applied Statistics 24
    (1975). Who reverses every order and who draws lots both have low trust; the model does not
    tell the one from the other.

    `gold` are known orders, best first: the strengths of their options are not fitted, but lie
    three nats apart. Raises ValueError for what `Stages.of` refuses and an option twice in gold.
    """
    stages = Stages.of(ballots, options=options, raters=raters)
    theta_O, known_O = np.zeros(options), np.zeros(options, dtype=bool)
    for order in gold:
        rows = np.array(order, dtype=np.int64)
        if known_O[rows].any() or len(set(order)) < len(order):
            raise ValueError(f"gold: an option of {list(order)} stands twice")
        theta_O[rows] = GOLD_STEP * ((len(rows) - 1) / 2 - np.arange(len(rows)))
        known_O[rows] = True
    ballots_R = np.bincount(stages.rater_B, minlength=raters)
    trust_R = np.full(raters, HONEST / (HONEST + CHANCE))
    honest_B = trust_R[stages.rater_B]
    for _ in range(iterations):
        moved_O = np.where(known_O, theta_O, step(stages, theta_O, honest_B))
        made_B = trust_R[stages.rater_B]
        by_choice_B = np.log(made_B) + stages.log_p_B(moved_O)
        by_chance_B = np.log1p(-made_B) + stages.log_chance_B
        honest_B = 1 / (1 + np.exp(np.clip(by_chance_B - by_choice_B, -700, 700)))
        sums_R = np.bincount(stages.rater_B, weights=honest_B, minlength=raters)
        trust_R = (sums_R + HONEST - 1) / (ballots_R + HONEST + CHANCE - 2)
        trust_R = np.clip(trust_R, 1e-9, 1 - 1e-9)
        change = np.abs(moved_O - theta_O).max(initial=0.0)
        theta_O = moved_O
        if change < 1e-7:
            break
    return AnnotatorPlackettLuce(theta_O, trust_R, honest_B, stages)


def step(stages: Stages, theta_O: Floats, weight_B: Floats) -> Floats:
    """[O]: log strengths after one step; a ballot counts `weight_B` times.

    gamma_i = (shape + choices won) / (shape + sum of 1 / strength left, over choices it was in).
    """
    share_BK = np.where(stages.chosen_BK, 1 / stages.left_BK(theta_O).clip(1e-300), 0.0)
    in_BK = np.cumsum(share_BK, axis=1) * stages.shown_BK * weight_B[:, None]
    won_BK = stages.chosen_BK * weight_B[:, None]
    options = len(theta_O)
    flat = stages.option_BK.ravel()
    won_O = np.bincount(flat, weights=won_BK.ravel(), minlength=options)
    in_O = np.bincount(flat, weights=in_BK.ravel(), minlength=options)
    return np.asarray(np.log((SHAPE + won_O) / (SHAPE + in_O)))
