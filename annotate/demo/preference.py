"""The hidden preference of simulated annotators, and the annotators who judge by it.

The demo project's annotators are programs. What they like is fixed here, so that a demo can say how
much of it a reward model has recovered. Nothing in this file knows which generator wrote a text.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Literal

from annotate.demo import traits

Verdict = Literal["prefer", "tie", "both_good", "both_bad"]

GOOD_UTILITY = 1.6
"""Responses that tie with a mean utility above this are called both good."""
BAD_UTILITY = 0.0
"""Responses that tie with a mean utility below this are called both bad."""
STRENGTH_MARGINS = (1.5, 3.5)
"""Felt margins (logits) from which a preference is called clear (2) and strong (3)."""
ORIENTATION_SECONDS = 2.0


@dataclass(frozen=True)
class HiddenPreference:
    """Weights of the traits in units of utility, and the shape of the taste for length."""

    concreteness: float = 1.0
    flattery: float = -2.0
    hedging: float = -2.0
    refusal: float = -1.8
    relevance: float = 1.0
    length_fit: float = 1.0
    repetition: float = -3.0
    closure: float = 0.4
    best_words: float = 50.0
    length_spread: float = 1.2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise ValueError(f"{field.name} is {value}; use a finite number")
        for name in ("best_words", "length_spread"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def contributions(self, prompt_text: str, response_text: str) -> dict[str, float]:
        """Each trait's weighted part of the utility, by the trait's name."""
        length = traits.length_fit(
            response_text, best_words=self.best_words, spread=self.length_spread
        )
        return {
            "concreteness": self.concreteness * traits.concreteness(response_text),
            "flattery": self.flattery * traits.flattery(response_text),
            "hedging": self.hedging * traits.hedging(response_text),
            "refusal": self.refusal * traits.refusal(response_text),
            "relevance": self.relevance * traits.relevance(prompt_text, response_text),
            "length_fit": self.length_fit * length,
            "repetition": self.repetition * traits.repetition(response_text),
            "closure": self.closure * traits.closure(response_text),
        }

    def utility(self, prompt_text: str, response_text: str) -> float:
        return math.fsum(self.contributions(prompt_text, response_text).values())


DEFAULT_PREFERENCE = HiddenPreference()
SHAPE = ("best_words", "length_spread")
TRAITS = tuple(field.name for field in fields(HiddenPreference) if field.name not in SHAPE)


@cache
def criterion_preference(name: str) -> HiddenPreference:
    """What the simulated annotators like by a criterion of that name: each trait weighs more or
    less than in the whole, by factors drawn from the name alone, so that criteria go together as
    far as people's do.
    """
    rng = random.Random(f"criterion {name}")
    factors = {trait: rng.choice((0.0, 0.5, 1.0, 2.0)) for trait in TRAITS}
    weights = {
        trait: getattr(DEFAULT_PREFERENCE, trait) * factor for trait, factor in factors.items()
    }
    return replace(DEFAULT_PREFERENCE, **weights)


def hidden_utility(prompt_text: str, response_text: str) -> float:
    """The default preference's utility, defined for any two texts and finite for all of them.

    `prompt_text` is the conversation as plain text, without roles (see `DemoPrompt.text`).
    """
    return DEFAULT_PREFERENCE.utility(prompt_text, response_text)


def preference_probability(u_a: float, u_b: float, noise: float) -> float:
    """P(a preferred to b) = 1 / (1 + exp(-(u_a - u_b) / noise)); `noise` in units of utility, > 0.

    Bradley & Terry (1952) with the utilities as log-strengths.
    """
    if not noise > 0:
        raise ValueError(f"noise is {noise}; it must be above 0")
    return _sigmoid((u_a - u_b) / noise)


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    grown = math.exp(logit)
    return grown / (1.0 + grown)


@dataclass(frozen=True)
class SimulatedAnswer:
    """`index` and `strength` (1 slight, 2 clear, 3 strong) are set with verdict `prefer` only."""

    verdict: Verdict
    index: int | None
    strength: int | None
    seconds: float


@dataclass(frozen=True)
class SimulatedAnnotator:
    """One simulated person.

    `noise` in units of utility; `position_bias` in logits in favour of the response shown first;
    `tie_width` the felt margin in logits below which nothing is preferred; `careless_rate` the
    share of tasks answered without reading.
    """

    seed: int
    noise: float
    position_bias: float
    seconds_per_100_words: float
    tie_width: float
    careless_rate: float

    def __post_init__(self) -> None:
        if not self.noise > 0:
            raise ValueError(f"noise is {self.noise}; it must be above 0")
        if not self.seconds_per_100_words > 0:
            raise ValueError(
                f"seconds_per_100_words is {self.seconds_per_100_words}; it must be above 0"
            )
        if not self.tie_width >= 0:
            raise ValueError(f"tie_width is {self.tie_width}; it must not be negative")
        if not 0 <= self.careless_rate <= 1:
            raise ValueError(f"careless_rate is {self.careless_rate}; it must lie in 0..1")
        if not math.isfinite(self.position_bias):
            raise ValueError(f"position_bias is {self.position_bias}; use a finite number")

    def generator(self) -> random.Random:
        """A fresh random generator from this annotator's seed."""
        return random.Random(self.seed)

    def judge(
        self,
        prompt_text: str,
        shown: Sequence[str],
        rng: random.Random,
        preference: HiddenPreference = DEFAULT_PREFERENCE,
    ) -> SimulatedAnswer:
        """Judge two or more responses in the order shown, by what they `feel`."""
        if len(shown) < 2:
            raise ValueError(f"{len(shown)} response(s) shown; a comparison needs at least 2")
        seconds = self.reading_seconds(prompt_text, shown, rng)
        if rng.random() < self.careless_rate:
            return self._careless_answer(len(shown), seconds, rng)
        utilities = [preference.utility(prompt_text, text) for text in shown]
        felt = self.feel(utilities, rng)
        order = sorted(range(len(shown)), key=felt.__getitem__, reverse=True)
        margin = felt[order[0]] - felt[order[1]]
        if margin < self.tie_width:
            mean = math.fsum(utilities) / len(utilities)
            return SimulatedAnswer(_tie_verdict(mean), None, None, seconds)
        return SimulatedAnswer("prefer", order[0], _strength(margin), seconds)

    def feel(self, utilities: Sequence[float], rng: random.Random) -> list[float]:
        """Scores in logits: utility / noise, plus the bias for the first, plus Gumbel noise.

        So of two unbiased responses a wins with `preference_probability` before ties are taken
        out, of K one is chosen as in Luce's model, and an order is drawn as in Plackett's.
        """
        felt = [utility / self.noise + _gumbel(rng) for utility in utilities]
        felt[0] += self.position_bias
        return felt

    def _careless_answer(self, shown: int, seconds: float, rng: random.Random) -> SimulatedAnswer:
        """Any response, the first a little more often by the annotator's bias, in a tenth of the
        reading time.
        """
        felt = self.feel([0.0] * shown, rng)
        index = max(range(shown), key=felt.__getitem__)
        return SimulatedAnswer("prefer", index, rng.randint(1, 3), max(1.0, seconds / 10))

    def reading_seconds(self, prompt_text: str, shown: Sequence[str], rng: random.Random) -> float:
        read = traits.word_count(prompt_text) + sum(traits.word_count(text) for text in shown)
        pace = self.seconds_per_100_words * math.exp(rng.gauss(0.0, 0.25))
        return ORIENTATION_SECONDS + read / 100 * pace


def _gumbel(rng: random.Random) -> float:
    """A standard Gumbel draw; the difference of two is standard logistic."""
    return -math.log(rng.expovariate(1.0) or 5e-324)


def _tie_verdict(mean_utility: float) -> Verdict:
    if mean_utility > GOOD_UTILITY:
        return "both_good"
    return "both_bad" if mean_utility < BAD_UTILITY else "tie"


def _strength(margin: float) -> int:
    return 1 + sum(margin >= threshold for threshold in STRENGTH_MARGINS)


def draw_annotators(count: int, seed: int) -> list[SimulatedAnnotator]:
    """A varied crowd: most are careful, one in ten careless, most lean to the first response.

    Deterministic; a larger crowd begins with the same people as a smaller one of the same seed.
    """
    if count < 0:
        raise ValueError(f"count is {count}; it must not be negative")
    rng = random.Random(seed)
    return [_draw_annotator(rng) for _ in range(count)]


def _draw_annotator(rng: random.Random) -> SimulatedAnnotator:
    careless = rng.random() < 0.1
    return SimulatedAnnotator(
        seed=rng.getrandbits(32),
        noise=min(2.0, max(0.25, rng.lognormvariate(math.log(0.85), 0.35))),
        position_bias=rng.gauss(0.25, 0.3),
        seconds_per_100_words=rng.uniform(12.0, 40.0),
        tie_width=rng.uniform(0.2, 1.2),
        careless_rate=rng.uniform(0.25, 0.5) if careless else rng.uniform(0.0, 0.06),
    )
