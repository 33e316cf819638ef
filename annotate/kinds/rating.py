"""Rating of each response by each criterion: Likert points, numbers, or yes / no / unsure.

Value, version 1; ids are those of responses, in keys as texts::

    {"ratings": {"3": {"helpful": 4, "correct": "yes", "tone": null}, "5": {…}},
     "words": {"3": ["yes", "no", "unsure"], "5": […]},
     "overall": "helpful",
     "scales": {"helpful": [1, 5], "correct": "yes_no", "tone": [1, 5]}}

null says that the criterion does not apply; a criterion that need not be rated may be missing.
`words`, where the project asks for it, says of every word that the task's context names
(`{"words": [text, …]}`, such as those of an image's prompt) whether the response fulfils it, as
in Gecko (Wiles et al., 2024). `overall` is the criterion that makes preferences. `clean_value`
adds `overall` and `scales`, so that an answer can be read without the settings of its time.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate.inputs import Checks, clean_boolean, clean_choice, clean_text
from annotate.kinds import answers, scales
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Label, Level, Saying
from annotate.kinds.scales import Scale
from annotate.wording import translatable

NAME = "rating"
SCHEMA_VERSION = 1
RESPONSES = (1, 10)
NEEDS_CONTENT = True
MAX_CRITERIA = 50
MAX_WORDS = 1000


@dataclass(frozen=True)
class Criterion:
    """What is rated. `name` stands in the answers, `title` and `description` on the page."""

    name: str
    title: str = ""
    description: str = ""
    scale: Scale = field(default_factory=Scale)
    required: bool = True
    allow_na: bool = False


@dataclass(frozen=True)
class RatingSettings(AnswerSettings):
    """`overall` is the name of a criterion; empty, the first one makes the preferences."""

    criteria: tuple[Criterion, ...] = (Criterion(translatable("overall")),)
    overall: str = ""
    words: bool = False


def clean_settings(raw: Mapping[str, Any]) -> RatingSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, RatingSettings)
    if "criteria" in given:
        given["criteria"] = _criteria(f"{SETTINGS}.criteria", given["criteria"])
    settings = RatingSettings(**given)
    choices = ["", *(criterion.name for criterion in settings.criteria)]
    clean_choice(f"{SETTINGS}.overall", settings.overall, choices)
    return settings


def _criteria(path: str, raw: object) -> tuple[Criterion, ...]:
    listed = answers.clean_list(path, raw, low=1, high=MAX_CRITERIA)
    criteria = tuple(_criterion(f"{path}.{i}", entry) for i, entry in enumerate(listed))
    names = [criterion.name for criterion in criteria]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidValue(
                f"{path}.{index}.name",
                "{name} is the name of an earlier criterion; choose another",
                name=name,
            )
    return criteria


def _criterion(path: str, raw: object) -> Criterion:
    given = answers.clean_object(path, raw, Criterion.__dataclass_fields__)
    given["name"] = answers.clean_name(f"{path}.name", given.get("name"))
    for name, limit in (("title", 200), ("description", 2000)):
        if name in given:
            clean_text(f"{path}.{name}", given[name], max_chars=limit)
    for name in ("required", "allow_na"):
        if name in given:
            clean_boolean(f"{path}.{name}", given[name])
    if "scale" in given:
        given["scale"] = scales.clean_scale(f"{path}.scale", given["scale"])
    return Criterion(**given)


def clean_value(
    raw: object, *, shown: Shown, settings: RatingSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    check = Checks()
    answer = answers.begin(
        raw,
        ("ratings", "words", "overall", "scales"),
        settings=settings,
        rationale=rationale,
        check=check,
    )
    added: dict[str, Any] = {
        "overall": settings.overall or settings.criteria[0].name,
        "scales": {criterion.name: criterion.scale.stored for criterion in settings.criteria},
    }
    for name, right in added.items():
        if answer.get(name) not in (None, right):
            raise InvalidValue(
                f"value.{name}", "is not as the project's settings have it; leave it out"
            )

    def clean(field: str, entry: object, pk: int) -> dict[str, Any]:
        return _ratings(field, entry, settings)

    given = answer.get("ratings")
    ratings = check.of(answers.for_responses, "value.ratings", given, shown, clean) or {}
    words = check.of(_words, answer.get("words"), shown, settings) or {}
    confidence = check.of(answers.confidence, answer, settings) or {}
    check.end()
    if not words and not any(ratings.values()):
        raise InvalidValue("value.ratings", "is empty: rate a response, or skip the task")
    return {"ratings": ratings, **words, **added, **confidence}


def _ratings(field: str, raw: object, settings: RatingSettings) -> dict[str, Any]:
    given = answers.clean_object(field, raw, [criterion.name for criterion in settings.criteria])
    check = Checks()
    cleaned: dict[str, int | float | str | None] = {}
    for criterion in settings.criteria:
        path = f"{field}.{criterion.name}"
        if criterion.name not in given:
            if criterion.required:
                check.refuse(InvalidValue(path, "is missing; rate every required criterion"))
        elif given[criterion.name] is None:
            if not criterion.allow_na:
                check.refuse(
                    InvalidValue(path, "is null; this criterion applies to every response")
                )
            cleaned[criterion.name] = None
        else:
            cleaned[criterion.name] = check.of(
                scales.clean_rating, path, given[criterion.name], criterion.scale
            )
    check.end()
    return cleaned


def _words(raw: object, shown: Shown, settings: RatingSettings) -> dict[str, Any]:
    words = words_of(shown) if settings.words else ()
    if not words:
        if raw is not None:
            raise InvalidValue("value.words", "no words are asked about here; leave it out")
        return {}

    def clean(field: str, entry: object, pk: int) -> list[str]:
        marks = answers.clean_list(field, entry, low=len(words), high=len(words))
        return [
            clean_choice(f"{field}.{index}", mark, tuple(scales.YES_NO))
            for index, mark in enumerate(marks)
        ]

    return {"words": answers.for_responses("value.words", raw, shown, clean)}


def words_of(shown: Shown) -> tuple[str, ...]:
    """The words that the task asks about; may be none. Raises InvalidValue for a wrong task."""
    raw = (shown.context or {}).get("words", ())
    words = answers.clean_list("context.words", raw, low=0, high=MAX_WORDS)
    for index, word in enumerate(words):
        clean_text(f"context.words.{index}", word, max_chars=200, required=True)
    return tuple(words)


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """Every two responses with a rating by the overall criterion; equal ratings are ties.

    Strength is 1, 2 or 3 for a gap of less than one third, less than two thirds, or more of the
    scale. "unsure" and null compare with nothing.
    """
    overall, found = value["overall"], []
    for first, second in itertools.combinations(response_ids, 2):
        ratings = [value["ratings"].get(str(pk), {}).get(overall) for pk in (first, second)]
        if None in ratings or "unsure" in ratings:
            continue
        a, b = (scales.position(rating, value["scales"][overall]) for rating in ratings)
        if a == b:
            found.append(Pair(chosen=first, rejected=second, strength=0, tie=True))
            continue
        chosen, rejected = (first, second) if a > b else (second, first)
        strength = 1 + min(2, int(3 * abs(a - b) + 1e-9))
        found.append(Pair(chosen=chosen, rejected=rejected, strength=strength, tie=False))
    return found


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """Each response's rating by each criterion, null left out; and what is said of words.

    Ratings on a scale of whole numbers are ordinal.
    """
    found: list[Saying] = []
    for pk in map(str, response_ids):
        for name, rating in value["ratings"].get(pk, {}).items():
            if rating is not None:
                found.append(Label(name, pk, rating, _level(value["scales"][name], rating)))
        marks = value.get("words", {}).get(pk, ())
        found += [Label("words", f"{pk}.{place}", mark) for place, mark in enumerate(marks)]
    return found


def _level(scale: scales.Stored, rating: float | str) -> Level:
    if isinstance(scale, str):
        return "nominal"
    whole = all(float(one).is_integer() for one in (*scale, float(rating)))
    return "ordinal" if whole else "interval"


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """The mean gap, as a share of the scale, over all that both answers rate.

    Of null ("does not apply") and a rating the gap is 1; "unsure" is half-way between yes and no.
    What only one of them rated is left out; without anything in common they are at 1.
    """
    ours, theirs = _positions(a, response_ids), _positions(b, response_ids)
    gaps = [_gap(ours[cell], theirs[cell]) for cell in ours.keys() & theirs.keys()]
    return answers.mean(sorted(gaps)) if gaps else 1.0


def _gap(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return 0.0 if a is b else 1.0
    return abs(a - b)


def _positions(
    value: Mapping[str, Any], response_ids: Sequence[int]
) -> dict[tuple[int, str | int], float | None]:
    """Where each rating lies on its scale, by response and criterion or number of the word."""
    found: dict[tuple[int, str | int], float | None] = {}
    for pk in response_ids:
        for name, rating in value["ratings"].get(str(pk), {}).items():
            scale = value["scales"][name]
            found[pk, name] = None if rating is None else scales.position(rating, scale)
        for index, mark in enumerate(value.get("words", {}).get(str(pk), ())):
            found[pk, index] = scales.YES_NO[mark]
    return found
