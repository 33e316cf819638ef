"""One marked span, checked: where it stands, its type, and what belongs to it."""

from collections.abc import Mapping
from typing import Any

from annotate.inputs import BIGINT_MAX, clean_choice, clean_integer, clean_text
from annotate.kinds import answers
from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.errors import InvalidValue
from annotate.kinds.span_settings import (
    EARLIER_TEXT,
    NO_EVIDENCE,
    MissingType,
    SpansSettings,
    SpanType,
)

MAX_NOTE_CHARS = 2_000
MAX_CORRECTED_CHARS = 1_000_000
MAX_SUGGESTED = 100
MARK_FIELDS = (
    *("response", "part", "start", "end", "type", "severity", "evidence", "note", "replacement"),
    "suggested",
)

Mark = dict[str, Any]


def clean_mark(field: str, raw: object, shown: Shown, settings: SpansSettings) -> Mark:
    """The mark in its stored form. Raises InvalidValue with a path that begins with `field`."""
    given = answers.clean_object(field, raw, MARK_FIELDS)
    response = response_of(f"{field}.response", given, shown)
    part = _part(f"{field}.part", given.get("part", 0), response)
    text = response.text_of(part, f"{field}.part")
    start, end = _range(field, given, len(text))
    if not text[start:end].strip():
        raise InvalidValue(f"{field}.end", "marks only white space; mark the words in question")
    types = {kind.name: kind for kind in settings.types}
    kind = types[clean_choice(f"{field}.type", given.get("type"), types)]
    mark: Mark = {"response": response.id, "part": part, "start": start, "end": end}
    mark["type"] = kind.name
    mark |= _severity(f"{field}.severity", given.get("severity"), settings)
    mark |= clean_evidence(f"{field}.evidence", given.get("evidence"), kind, shown, start)
    mark |= _words(field, given, kind)
    mark |= _suggested(f"{field}.suggested", given.get("suggested"), settings)
    return mark


def _suggested(field: str, raw: object, settings: SpansSettings) -> Mark:
    """The marks of suggestions that it was made of: a suggestion's id, the place among its marks.

    Several judges may say the same.
    """
    if raw is None:
        return {}
    if not settings.suggestions:
        raise InvalidValue(field, "is not asked for in this project; leave it out")
    found = []
    for index, entry in enumerate(answers.clean_list(field, raw, low=1, high=MAX_SUGGESTED)):
        path = f"{field}.{index}"
        given = answers.clean_object(path, entry, ("id", "mark"))
        pk = clean_integer(f"{path}.id", given.get("id"), low=1, high=BIGINT_MAX)
        place = clean_integer(f"{path}.mark", given.get("mark"), low=0, high=BIGINT_MAX)
        found.append({"id": pk, "mark": place})
    return {"suggested": found}


def response_of(field: str, given: Mapping[str, Any], shown: Shown) -> ShownResponse:
    """The response that is named; where only one is shown it need not be."""
    only = shown.response_ids[0] if len(shown.responses) == 1 else None
    return shown.response(given.get("response", only), field)


def _part(field: str, value: object, response: ShownResponse) -> int:
    if not response.parts:
        raise InvalidValue(field, "response {response} has no part to mark", response=response.id)
    return clean_integer(field, value, low=0, high=len(response.parts) - 1)


def _range(field: str, given: Mapping[str, Any], length: int) -> tuple[int, int]:
    """The start and end within a text of that length. Raises InvalidValue."""
    start = clean_integer(f"{field}.start", given.get("start"), low=0, high=length)
    end = clean_integer(f"{field}.end", given.get("end"), low=0, high=length)
    if start >= end:
        raise InvalidValue(f"{field}.end", "must lie behind the start ({start})", start=start)
    return start, end


def _severity(field: str, value: object, settings: SpansSettings) -> Mark:
    if settings.severities:
        return {"severity": clean_choice(field, value, settings.severities)}
    if value is not None:
        raise InvalidValue(field, "is not asked for in this project; leave it out")
    return {}


def clean_evidence(
    field: str, raw: object, kind: SpanType | MissingType, shown: Shown, start: int
) -> Mark:
    """{"evidence": …} as the type wants it; sentences are wanted only where there are passages."""
    if kind.evidence == NO_EVIDENCE or (kind.evidence != EARLIER_TEXT and not shown.passages):
        if raw is not None:
            if kind.evidence == NO_EVIDENCE:
                raise InvalidValue(field, "is not asked for with this type; leave it out")
            raise InvalidValue(field, "has no passage to point at; leave it out")
        return {}
    if kind.evidence == EARLIER_TEXT:
        if raw is None:
            raise InvalidValue(
                field, "is missing; mark the earlier text for {type}", type=kind.name
            )
        given = answers.clean_object(field, raw, ("start", "end"))
        first, end = _range(field, given, start)
        return {"evidence": {"start": first, "end": end}}
    if raw is None:
        raise InvalidValue(
            field, "is missing; choose a passage's sentences for {type}", type=kind.name
        )
    return {"evidence": _sentences(field, raw, shown)}


def _sentences(field: str, raw: object, shown: Shown) -> dict[str, Any]:
    given = answers.clean_object(field, raw, ("passage", "sentences"))
    count = len(shown.passages)
    number = clean_integer(f"{field}.passage", given.get("passage"), low=1, high=count)
    last = len(shown.passages[number - 1]["sentences"])
    path = f"{field}.sentences"
    chosen = answers.clean_list(path, given.get("sentences"), low=1, high=last + 1)
    numbers: list[int] = []
    for index, sentence in enumerate(chosen):
        one = clean_integer(f"{path}.{index}", sentence, low=0, high=last)
        if one in numbers:
            raise InvalidValue(
                f"{path}.{index}", "{name} stands there twice; leave one out", name=one
            )
        numbers.append(one)
    return {"passage": number, "sentences": sorted(numbers)}


def _words(field: str, given: Mapping[str, Any], kind: SpanType) -> Mark:
    """The note, if not blank, and the replacement, which may be empty: to be deleted."""
    words: Mark = {}
    note, replacement = given.get("note"), given.get("replacement")
    if note is not None:
        note = clean_text(f"{field}.note", note, max_chars=MAX_NOTE_CHARS)
        words |= {"note": note} if note.strip() else {}
    if replacement is not None:
        path = f"{field}.replacement"
        words["replacement"] = clean_text(path, replacement, max_chars=MAX_CORRECTED_CHARS)
    elif kind.correction:
        raise InvalidValue(
            f"{field}.replacement",
            "is missing; {type} wants a text in its place, which may be empty",
            type=kind.name,
        )
    return words


def place_of(mark: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Response, part, start and end: what marks are ordered by."""
    return mark["response"], mark["part"], mark["start"], mark["end"]
