"""What a simulated person answers to a task, in the words of its kind: pairs, rankings, ratings."""

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.demo.preference import (
    DEFAULT_PREFERENCE,
    HiddenPreference,
    SimulatedAnnotator,
    SimulatedAnswer,
    criterion_preference,
    preference_probability,
)
from annotate.kinds import pairwise, ranking, rating
from annotate.kinds.scales import Scale

# By the strength of a preference; who prefers nothing is fairly sure of it.
SURE = {None: "fairly", 1: "not", 2: "fairly", 3: "absolutely"}
FAIR_UTILITY = 1.0
"""A response of this utility is rated in the middle of the scale."""
RATIONALE = "A simulated person gives no reason. "


class Unanswerable(ValueError):
    """The project asks for a kind that simulated people do not know."""


@dataclass(frozen=True)
class Read:
    """A task as its reader has it: the prompt's text, the responses' texts and ids, in order."""

    asked: str
    texts: Sequence[str]
    ids: Sequence[int]
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """The value as the kind takes it, the rationale it wants, and the seconds it took."""

    value: dict[str, Any]
    rationale: str
    seconds: float


def answer(
    kind: str,
    settings: Mapping[str, Any],
    read: Read,
    person: SimulatedAnnotator,
    rng: random.Random,
) -> Answer:
    """Raises Unanswerable."""
    if kind not in ANSWERERS:
        known = ", ".join(ANSWERERS)
        raise Unanswerable(f"simulated people answer {known}; this project asks for {kind}")
    clean, say = ANSWERERS[kind]
    cleaned = clean(settings)
    value, seconds = say(cleaned, read, person, rng)
    rationale = RATIONALE * math.ceil(cleaned.rationale_min_chars / len(RATIONALE.strip()))
    return Answer(value, rationale.strip(), seconds)


def _pair(
    settings: pairwise.PairwiseSettings, read: Read, person: SimulatedAnnotator, rng: random.Random
) -> tuple[dict[str, Any], float]:
    said = person.judge(read.asked, read.texts, rng)
    value = _preference(said, settings, read.ids)
    if settings.criteria:
        value["criteria"] = {
            one.name: _preference(
                person.judge(read.asked, read.texts, rng, criterion_preference(one.name)),
                settings,
                read.ids,
            )
            for one in settings.criteria
        }
    return value, said.seconds


def _preference(
    said: SimulatedAnswer, settings: pairwise.PairwiseSettings, ids: Sequence[int]
) -> dict[str, Any]:
    """In the form's own words: what the form does not offer becomes a tie."""
    value: dict[str, Any]
    if said.verdict == "prefer":
        strength = min(said.strength, settings.strength_levels)
        value = {"verdict": "prefer", "preferred": ids[said.index], "strength": strength}
    elif said.verdict != "tie" and getattr(settings, f"allow_{said.verdict}"):
        value = {"verdict": said.verdict}
    elif settings.allow_tie:
        value = {"verdict": "tie"}
    else:
        value = {"verdict": "prefer", "preferred": ids[0], "strength": 1}
    return value | ({"confidence": SURE[said.strength]} if settings.confidence else {})


def _order(
    settings: ranking.RankingSettings, read: Read, person: SimulatedAnnotator, rng: random.Random
) -> tuple[dict[str, Any], float]:
    utilities, seconds = _utilities(DEFAULT_PREFERENCE, read, person, rng)
    felt = person.feel(utilities, rng)
    order = sorted(range(len(felt)), key=felt.__getitem__, reverse=True)
    mode = ranking.offered_modes(settings, len(felt))[0]
    value: dict[str, Any] = {"verdict": mode}
    if mode == "full":
        width = person.tie_width if settings.allow_ties else -1.0
        value["tiers"] = _tiers(order, felt, width, read.ids)
    else:
        value["best"] = read.ids[order[0]]
        if mode == "best_worst":
            value["worst"] = read.ids[order[-1]]
    if settings.confidence:
        value["confidence"] = SURE[2 if felt[order[0]] - felt[order[1]] > 1.5 else 1]
    return value, seconds


def _tiers(
    order: Sequence[int], felt: Sequence[float], width: float, ids: Sequence[int]
) -> list[list[int]]:
    """Neighbours that feel closer than `width` to the one before share a tier."""
    tiers = [[ids[order[0]]]]
    for better, at in itertools.pairwise(order):
        if felt[better] - felt[at] < width:
            tiers[-1].append(ids[at])
        else:
            tiers.append([ids[at]])
    return tiers


def _ratings(
    settings: rating.RatingSettings, read: Read, person: SimulatedAnnotator, rng: random.Random
) -> tuple[dict[str, Any], float]:
    overall = settings.overall or settings.criteria[0].name
    ratings: dict[str, dict[str, Any]] = {str(pk): {} for pk in read.ids}
    seconds = 0.0
    for criterion in settings.criteria:
        is_overall = criterion.name == overall
        taste = DEFAULT_PREFERENCE if is_overall else criterion_preference(criterion.name)
        utilities, spent = _utilities(taste, read, person, rng)
        seconds = seconds or spent
        for pk, utility in zip(read.ids, utilities, strict=True):
            felt = utility + rng.gauss(0.0, person.noise)
            share = preference_probability(felt, FAIR_UTILITY, 1.0)
            ratings[str(pk)][criterion.name] = _point(share, criterion.scale)
    value: dict[str, Any] = {"ratings": ratings}
    if settings.words and read.words:
        value["words"] = {str(pk): ["no"] * len(read.words) for pk in read.ids}
    if settings.confidence:
        value["confidence"] = SURE[None]
    return value, seconds


def _point(share: float, scale: Scale) -> int | float | str:
    """The point of the scale at that share of its length."""
    if scale.type == "yes_no":
        return "yes" if share > 0.6 else "no" if share < 0.4 else "unsure"
    if scale.type == "likert":
        return min(scale.points, 1 + int(share * scale.points))
    length = scale.max - scale.min
    if not scale.step:
        return round(scale.min + share * length, 6)
    steps = math.floor(share * length / scale.step)
    return scale.min + steps * scale.step


def _utilities(
    preference: HiddenPreference, read: Read, person: SimulatedAnnotator, rng: random.Random
) -> tuple[list[float], float]:
    """What each response is worth, and the seconds of reading; the careless see no difference."""
    seconds = person.reading_seconds(read.asked, read.texts, rng)
    if rng.random() < person.careless_rate:
        return [rng.gauss(FAIR_UTILITY, 1.0) for _ in read.texts], max(1.0, seconds / 10)
    return [preference.utility(read.asked, text) for text in read.texts], seconds


Say = Callable[[Any, Read, SimulatedAnnotator, random.Random], tuple[dict[str, Any], float]]
ANSWERERS: dict[str, tuple[Callable[[Mapping[str, Any]], Any], Say]] = {
    "pairwise": (pairwise.clean_settings, _pair),
    "ranking": (ranking.clean_settings, _order),
    "rating": (rating.clean_settings, _ratings),
}
