"""Ratings that published sets bring, under the criteria that a project asks for.

Readers give them as answers of the kind `rating`, each name with the scale that it is on::

    {"ratings": {"0": {"helpfulness": 3}}, "scales": {"helpfulness": [0, 4]}}

A criterion takes the ratings of its name, or those that somebody chose for it, if its scale has a
point for each of theirs: 0 to 4 are moved to 1 to 5, but not to 1 to 7.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from annotate.interchange.records import ImportedAnswer, ImportedItem, RowProblem
from annotate.kinds import InvalidValue, form, rating, scales
from annotate.kinds.rating import Criterion, RatingSettings
from annotate.kinds.scales import Scale, Stored
from annotate.wording import Sentence, Told, translatable

PREFIX = "rating."  # of a criterion's name in a mapping
LISTED = 100
# What a criterion may be called that rates what HelpSteer calls so.
ATTRIBUTES = {
    "helpfulness": ("helpfulness", "helpful"),
    "correctness": ("correctness", "correct"),
    "coherence": ("coherence", "coherent"),
    "complexity": ("complexity", "complex"),
    "verbosity": ("verbosity", "verbose"),
}
# Why ratings stay metadata.
NO_RATINGS = translatable("the project asks no ratings")
NO_CRITERION = translatable("no criterion is called so, or none was chosen")
OTHER_SCALE = translatable("the criterion’s scale has no point for each of theirs")
OTHER_TASKS = translatable("not asked here of as many responses, or only after other answers")


def fewer_asked(settings: Any) -> Any:
    """Under which files' ratings are checked: they may leave criteria out, and say of any that it
    does not apply.
    """
    if isinstance(settings, form.FormSettings):
        questions = tuple(
            replace(question, settings=fewer_asked(question.settings))
            for question in settings.questions
        )
        return replace(settings, questions=questions)
    if not isinstance(settings, RatingSettings):
        return settings
    criteria = tuple(
        replace(criterion, required=False, allow_na=True) for criterion in settings.criteria
    )
    return replace(settings, criteria=criteria)


class NoSuchCriterion(Exception):
    """A mapping names a criterion that the project does not ask for, and `why`."""

    def __init__(self, why: Told) -> None:
        super().__init__(why.message)
        self.why = why


@dataclass(slots=True)
class RatingUse:
    """What the ratings of one name became: rows in which they are answers, or metadata.

    `why` they are metadata, where they are.
    """

    name: str
    scale: Stored
    criteria: tuple[str, ...]
    why: str
    answers: int = 0
    metadata: int = 0

    @property
    def scale_in_words(self) -> Told:
        if isinstance(self.scale, str):
            return Told("yes / no / unsure")
        return Told("{low} to {high}", low=self.scale[0], high=self.scale[1])

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "scale": self.scale,
            "criteria": list(self.criteria),
            "answers": self.answers,
            "metadata": self.metadata,
        }


class Criteria:
    """A project's, without `settings` none, and what was chosen for each (`rating.NAME`)."""

    def __init__(self, settings: RatingSettings | None, mapping: Mapping[str, str]) -> None:
        self.settings = settings
        self.listed = settings.criteria if settings else ()
        self.uses: dict[str, RatingUse] = {}  # as `count` found them
        self._chosen: dict[str, list[Criterion]] | None = None
        names = [key.removeprefix(PREFIX) for key in mapping if key.startswith(PREFIX)]
        known = {criterion.name: criterion for criterion in self.listed}
        for name in names:
            if name not in known:
                raise NoSuchCriterion(
                    Told(
                        "The mapping names the criterion {name!r}, which the project does not ask "
                        "for. It asks for: {known}.",
                        name=name,
                        known=", ".join(known) or Told("(none)"),
                    )
                )
        if names:
            self._chosen = {}
            for name in names:
                self._chosen.setdefault(mapping[PREFIX + name], []).append(known[name])

    def split(
        self, answer: ImportedAnswer
    ) -> tuple[ImportedAnswer | None, ImportedAnswer | None, ImportedAnswer | None]:
        """The answer that the project takes, the part of the file's that it is made of, and the
        rest. Raises RowProblem for a rating that is no point of its criterion's scale.
        """
        taken: dict[str, dict[str, Any]] = {}
        parts: tuple[dict[str, dict[str, Any]], ...] = ({}, {})
        for place, ratings in answer.value["ratings"].items():
            for name, said in ratings.items():
                scale = answer.value["scales"][name]
                found = self.taking(name, scale)
                parts[not found].setdefault(place, {})[name] = said
                for criterion in found:
                    path = answer.path.format(place=place, name=name)
                    point = _point(said, scale, criterion, path)
                    taken.setdefault(place, {})[criterion.name] = point
        made, left = (_part(answer, ratings) for ratings in parts)
        if made is None:
            return None, None, left
        fitted = replace(answer, value={"ratings": taken})
        return fitted, made, left and replace(left, given=None)

    def taking(self, name: str, scale: Stored) -> tuple[Criterion, ...]:
        return tuple(one for one in self._named(name) if _holds(one.scale, _key(scale)))

    def count(self, item: ImportedItem, fitted: ImportedItem) -> None:
        """In `uses`: what became of the item's ratings."""
        rated = [said for said in item.answers if said.kind == rating.NAME and said.origin is None]
        if not rated:
            return
        entries = (fitted.aside or {}).get("answers", ())
        aside = {name for entry in entries for name in entry["value"].get("scales", ())}
        scale_of = {name: scale for said in rated for name, scale in said.value["scales"].items()}
        for name, scale in scale_of.items():
            use = self.uses.get(name)
            if use is None:
                if len(self.uses) == LISTED:
                    return
                use = self.uses[name] = self._use(name, scale)
            use.metadata += name in aside
            use.answers += name not in aside

    def _use(self, name: str, scale: Stored) -> RatingUse:
        names = tuple(criterion.name for criterion in self.taking(name, scale))
        why = OTHER_TASKS if names else OTHER_SCALE if self._named(name) else NO_CRITERION
        return RatingUse(name, scale, names, why if self.settings else NO_RATINGS)

    def _named(self, name: str) -> list[Criterion]:
        if self._chosen is not None:
            return self._chosen.get(name, [])
        for called in (name, *ATTRIBUTES.get(_plain(name), ())):
            for criterion in self.listed:
                if _plain(criterion.name) == _plain(called):
                    return [criterion]
        return []


def _part(answer: ImportedAnswer, ratings: dict[str, dict[str, Any]]) -> ImportedAnswer | None:
    names = {name for said in ratings.values() for name in said}
    if not names:
        return None
    kept = {name: scale for name, scale in answer.value["scales"].items() if name in names}
    return replace(answer, value={"ratings": ratings, "scales": kept})


def _point(said: Any, scale: Stored, criterion: Criterion, path: str) -> Any:
    if said is None:
        return None
    point = said
    if _key(scale) != _key(criterion.scale.stored):
        point = _moved(said, scale, criterion.scale.stored)
    try:
        return scales.clean_rating(path, point, criterion.scale)
    except InvalidValue as error:
        raise RowProblem.of(error.field, said, Sentence(error)) from error


def _moved(said: Any, scale: Any, onto: Any) -> int | float:
    low, high, first, last = (Fraction(str(end)) for end in (*scale, *onto))
    place = first + (Fraction(str(said)) - low) * (last - first) / (high - low)
    return int(place) if place.denominator == 1 else float(place)


@lru_cache(maxsize=1000)
def _holds(scale: Scale, theirs: str | tuple[float, ...]) -> bool:
    """Whether every whole step of theirs has a point on it."""
    if theirs == _key(scale.stored):
        return True
    if isinstance(theirs, str) or scale.type == "yes_no":
        return False
    if scale.type == "number" and not scale.step:
        return True
    low, high = theirs
    if not float(low).is_integer() or not float(high).is_integer():
        return False
    if high - low >= scales.MAX_POINTS:
        return False
    try:
        for step in range(int(low), int(high) + 1):
            scales.clean_rating("", _moved(step, theirs, scale.stored), scale)
    except InvalidValue:
        return False
    return True


def _key(scale: Stored) -> str | tuple[float, ...]:
    return scale if isinstance(scale, str) else tuple(scale)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold())
