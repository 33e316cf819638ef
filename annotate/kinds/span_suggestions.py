"""Marks that AI judges suggest, and what the person at the task made of each.

A stored answer of a project that shows suggestions tells it, by the mark's place in the judge's
list (from 0), and a mark that was made of one, or of the same one of several judges, names it::

    {"marks": [{…, "suggested": [{"id": 7, "mark": 0}]}],
     "suggestions": [{"id": 7, "judge": "Big model v2", "accepted": [0], "changed": [2],
                      "dismissed": [1], "undecided": []}]}

`suggestions` is empty where none was shown. Whoever answers says which suggestions were seen, what
was dismissed, and which marks are made of one; the other lists are found here, by comparing.
Evidence, and a text in its place, are not the judge's to give, so they change no suggestion; nor
does the note of a mark that is made of several.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotate.inputs import BIGINT_MAX, clean_integer
from annotate.kinds import answers
from annotate.kinds.contract import Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.span_marks import Mark, clean_mark
from annotate.kinds.span_settings import NO_EVIDENCE, SpansSettings

FIELD = "value.suggestions"
DEEDS = ("accepted", "changed", "dismissed", "undecided")
COMPARED = ("response", "part", "start", "end", "type", "severity", "note")  # the note last


@dataclass(frozen=True)
class Offer:
    """A suggestion as it may be shown: its marks by their place in the judge's list.

    Without any mark, the judge found no error.
    """

    id: int
    judge: str
    marks: Mapping[int, Mark]
    required: bool = False
    shown: bool = True


def as_suggested(settings: SpansSettings) -> SpansSettings:
    """What a suggestion is checked by: without what is left to the person who decides on it."""
    types = tuple(replace(kind, evidence=NO_EVIDENCE, correction=False) for kind in settings.types)
    return replace(
        settings,
        types=types,
        correction=False,
        submit_gate=False,
        suggestions=False,
        confidence=False,
        rationale_min_chars=0,
    )


def offers(shown: Shown, settings: SpansSettings) -> list[Offer]:
    """The suggestions by id. Marks that the project would not take, as it asks and shows now, are
    left out: of other types or severities, or not within the texts shown.
    """
    if not settings.suggestions:
        return []
    plain = as_suggested(settings)
    found = []
    for one in sorted(shown.suggestions, key=lambda one: one.id):
        listed = one.value.get("marks", ())
        marks = {
            place: mark for place, raw in enumerate(listed) if (mark := _fit(raw, shown, plain))
        }
        if marks or not listed:
            found.append(Offer(one.id, one.judge, marks, one.required, one.shown))
    return found


def as_told(shown: Shown, settings: SpansSettings) -> list[dict[str, Any]]:
    """The suggestions that pages and programs show; a mark has its place in the judge's list."""
    return [
        {
            "id": one.id,
            "judge": one.judge,
            "marks": [{"mark": place, **mark} for place, mark in sorted(one.marks.items())],
        }
        for one in offers(shown, settings)
        if one.shown
    ]


def _fit(raw: object, shown: Shown, plain: SpansSettings) -> Mark | None:
    try:
        return clean_mark("marks", raw, shown, plain)
    except InvalidValue:
        return None


def clean(
    raw: object, marks: Sequence[tuple[int, Mark]], shown: Shown, settings: SpansSettings
) -> dict[str, Any]:
    """{"suggestions": …} where the project shows any, else {}. Raises InvalidValue.

    `marks` are the answer's, each with its place in what was sent.
    """
    if not settings.suggestions:
        if raw is not None:
            raise InvalidValue(FIELD, "is not asked for in this project; leave it out")
        return {}
    known = {one.id: one for one in offers(shown, settings)}
    taken = _taken(marks, known)
    dismissed = _dismissed(raw, known, taken)
    seen = {pk for pk, _ in taken} | set(dismissed)
    if settings.decide_suggestions:
        seen |= {one.id for one in known.values() if one.required}
    told = [_told(known[pk], taken, dismissed.get(pk, ())) for pk in sorted(seen)]
    for entry in told:
        if settings.decide_suggestions and entry["undecided"]:
            raise InvalidValue(
                FIELD,
                "has {count} of {judge} undecided; accept, change or dismiss every mark",
                count=len(entry["undecided"]),
                judge=entry["judge"],
            )
    return {"suggestions": told}


def _taken(
    marks: Sequence[tuple[int, Mark]], known: Mapping[int, Offer]
) -> dict[tuple[int, int], Mark]:
    """The marks that are made of a suggestion, by its id and the place in it."""
    taken: dict[tuple[int, int], Mark] = {}
    for index, mark in marks:
        for at, named in enumerate(mark.get("suggested", ())):
            field = f"value.marks.{index}.suggested.{at}"
            pk, place = named["id"], named["mark"]
            if pk not in known or place not in known[pk].marks:
                raise _unknown(field)
            if (pk, place) in taken:
                raise InvalidValue(field, "is named twice; leave it out of one mark")
            taken[pk, place] = mark
    return taken


def _dismissed(
    raw: object, known: Mapping[int, Offer], taken: Mapping[tuple[int, int], Mark]
) -> dict[int, list[int]]:
    """The places of dismissed marks, by the id of each suggestion that is listed."""
    found: dict[int, list[int]] = {}
    listed = answers.clean_list(FIELD, () if raw is None else raw, low=0, high=1_000)
    for index, entry in enumerate(listed):
        field = f"{FIELD}.{index}"
        given = answers.clean_object(field, entry, ("id", "judge", *DEEDS))
        pk = clean_integer(f"{field}.id", given.get("id"), low=1, high=BIGINT_MAX)
        if pk not in known:
            raise _unknown(f"{field}.id")
        if pk in found:
            raise InvalidValue(f"{field}.id", "{name} stands there twice; leave one out", name=pk)
        places = answers.clean_list(
            f"{field}.dismissed", given.get("dismissed", ()), low=0, high=len(known[pk].marks)
        )
        found[pk] = []
        for at, place in enumerate(places):
            path = f"{field}.dismissed.{at}"
            clean_integer(path, place, low=0, high=BIGINT_MAX)
            if place not in known[pk].marks:
                raise _unknown(path)
            if (pk, place) in taken:
                raise InvalidValue(path, "stands among the marks; delete it there, or keep it")
            found[pk].append(place)
    return found


def _unknown(field: str) -> InvalidValue:
    return InvalidValue(field, "names no mark that was suggested for this task; leave it out")


def _told(
    offer: Offer, taken: Mapping[tuple[int, int], Mark], dismissed: Sequence[int]
) -> dict[str, Any]:
    deeds: dict[str, list[int]] = {deed: [] for deed in DEEDS}
    for place, mark in sorted(offer.marks.items()):
        made = taken.get((offer.id, place))
        if made is not None:
            deeds["accepted" if _is_same(made, mark) else "changed"].append(place)
        else:
            deeds["dismissed" if place in dismissed else "undecided"].append(place)
    return {"id": offer.id, "judge": offer.judge, **deeds}


def _is_same(made: Mark, mark: Mark) -> bool:
    names = COMPARED if len(made["suggested"]) == 1 else COMPARED[:-1]
    return all(made.get(name) == mark.get(name) for name in names)


def told_of(value: Mapping[str, Any]) -> frozenset[int]:
    """The ids of the suggestions that a stored answer, of any kind, tells of."""
    parts = [value, *(value["answers"].values() if "asked" in value else ())]
    return frozenset(entry["id"] for one in parts for entry in one.get("suggestions", ()))


def without_suggested(value: Mapping[str, Any]) -> dict[str, Any]:
    """A stored answer, of spans or of a form, without the marks that were made of a suggestion."""
    if "asked" in value:
        parts = value["answers"].items()
        return {**value, "answers": {name: without_suggested(one) for name, one in parts}}
    if "suggestions" not in value:
        return dict(value)
    return {**value, "marks": [mark for mark in value["marks"] if "suggested" not in mark]}
