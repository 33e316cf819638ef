"""What the kinds share: checks of settings and answers, and what any answer may carry.

Any answer may carry `"confidence": "absolutely" | "fairly" | "not"`: how sure its author is.
A project that asks for it gets it with every answer, one that does not takes none.
"""

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from annotate.inputs import Checks, clean_boolean, clean_choice, clean_integer, clean_text
from annotate.kinds.contract import Shown
from annotate.kinds.errors import InvalidValue

SETTINGS = "kind_settings"
CONFIDENCE = ("absolutely", "fairly", "not")
MAX_RATIONALE_CHARS = 10_000
MOST_UNKNOWN = 20  # An object with more unknown fields is of something else.
NAME_PATTERN = re.compile(r"[\w-]{1,60}")

T = TypeVar("T")


@dataclass(frozen=True)
class AnswerSettings:
    """What every kind may ask beside its own question."""

    confidence: bool = False
    rationale_min_chars: int = 0


def clean_fields(
    raw: object, defaults: type[AnswerSettings], *, choices: Mapping[str, Collection[str]] = {}
) -> dict[str, Any]:
    """The raw settings, their names, true/false fields and `choices` checked; others as they came.

    `defaults` is the dataclass of settings: its fields are the names there are, and a field
    whose default is true or false takes nothing else. Raises InvalidValue.
    """
    known = {field.name: field.default for field in fields(defaults)}
    given = clean_object(SETTINGS, raw, known)
    for name, value in given.items():
        field = f"{SETTINGS}.{name}"
        if isinstance(known[name], bool):
            clean_boolean(field, value)
        elif name in choices:
            clean_choice(field, value, choices[name])
    if "rationale_min_chars" in given:
        clean_least_rationale(given["rationale_min_chars"])
    return given


def clean_least_rationale(value: object) -> int:
    """How many characters a rationale needs. Raises InvalidValue."""
    field = f"{SETTINGS}.rationale_min_chars"
    return clean_integer(field, value, low=0, high=MAX_RATIONALE_CHARS)


def clean_object(field: str, value: object, known: Iterable[str]) -> dict[str, Any]:
    """An object without fields other than `known`. Raises InvalidValue."""
    if not isinstance(value, Mapping):
        raise InvalidValue(field, "must be a JSON object")
    refuse_unknown(field, value, known)
    return dict(value)


def refuse_unknown(field: str, value: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises InvalidValue at the fields of the object that are none of `known`."""
    names, check = frozenset(known), Checks()
    for name in itertools.islice((name for name in value if name not in names), MOST_UNKNOWN):
        path = f"{field}.{name}"
        if not names:
            check.refuse(InvalidValue(path, "unknown field; there are: none"))
        else:
            check.refuse(
                InvalidValue(
                    path, "unknown field; there are: {known}", known=", ".join(sorted(names))
                )
            )
    check.end()


def clean_list(field: str, value: object, *, low: int, high: int) -> list[Any]:
    """A list (or tuple) of low..high entries. Raises InvalidValue."""
    if not isinstance(value, list | tuple):
        raise InvalidValue(field, "must be a list")
    if not low <= len(value) <= high:
        count = len(value)
        if low == high:
            raise InvalidValue(field, "has {count} entries; it takes {low}", count=count, low=low)
        raise InvalidValue(
            field, "has {count} entries; it takes {low} to {high}", count=count, low=low, high=high
        )
    return list(value)


def clean_unique(
    field: str, value: object, *, low: int, high: int, of: Collection[str]
) -> list[Any]:
    """A list of different names out of `of`. Raises InvalidValue at the entry."""
    names = clean_list(field, value, low=low, high=high)
    for index, name in enumerate(names):
        clean_choice(f"{field}.{index}", name, of)
        if name in names[:index]:
            raise InvalidValue(
                f"{field}.{index}", "{name} stands there twice; leave one out", name=name
            )
    return names


def clean_name(field: str, value: object) -> str:
    """A name that may stand in a dotted path: letters, digits, _ and -."""
    if not isinstance(value, str) or NAME_PATTERN.fullmatch(value) is None:
        raise InvalidValue(field, "must be 1 to 60 letters, digits, _ or -")
    return value


def require_object(raw: object) -> Mapping[str, Any]:
    """The answer; {} for none. Raises InvalidValue for what is no object."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise InvalidValue("value", "must be an object of fields and values")
    return raw


def begin(
    raw: object,
    known: Iterable[str],
    *,
    settings: AnswerSettings,
    rationale: str,
    check: Checks,
) -> dict[str, Any]:
    """The answer as an object with `known` fields, or with confidence; raises InvalidValue.

    Unknown fields, and a rationale shorter than the project wants it, go to `check`.
    """
    answer = require_object(raw)
    if not answer:
        raise InvalidValue("value", "is empty: give an answer, or skip the task")
    check.of(refuse_unknown, "value", answer, [*known, "confidence"])
    check.of(require_rationale, rationale, settings)
    return dict(answer)


def require_rationale(rationale: str, settings: AnswerSettings) -> None:
    """Raises InvalidValue if it is shorter than the project wants it."""
    least = settings.rationale_min_chars
    if len(rationale.strip()) < least:
        raise InvalidValue("rationale", "needs at least {least} characters", least=least)


def confidence(
    answer: Mapping[str, Any], settings: AnswerSettings, *, within: str = "value"
) -> dict[str, str]:
    """{"confidence": …} where the project asks for it, else {}. Raises InvalidValue.

    `within` is the path of the answer, or of the part of it, that is to carry it.
    """
    field, given = f"{within}.confidence", answer.get("confidence")
    if not settings.confidence:
        if given is not None:
            raise InvalidValue(field, "is not asked for in this project; leave it out")
        return {}
    return {"confidence": clean_choice(field, given, CONFIDENCE)}


def for_responses(
    field: str,
    raw: object,
    shown: Shown,
    clean: Callable[[str, object, int], T],
    *,
    every: bool = True,
) -> dict[str, T]:
    """{"<response id>": clean(path, entry, response id)}, in the order of the ids.

    With `every`, no shown response may be missing. Raises InvalidValue, of several InvalidValues.
    """
    if not isinstance(raw, Mapping):
        raise InvalidValue(field, "must be a JSON object by response id")
    ids = {str(pk): pk for pk in sorted(shown.response_ids)}
    for key in raw:
        if key not in ids:
            raise InvalidValue(
                f"{field}.{key}", "is not the id of a shown response: {ids}", ids=", ".join(ids)
            )
    check, cleaned = Checks(), {}
    for key, pk in ids.items():
        path = f"{field}.{key}"
        if key in raw:
            entry = check.of(clean, path, raw[key], pk)
            if entry is not None:
                cleaned[key] = entry
        elif every:
            check.refuse(InvalidValue(path, "is missing; answer for every response"))
    check.end()
    return cleaned


def written(field: str, value: object, *, low: int, high: int) -> str:
    """A text of at least `low` characters, blank ones around it not counted."""
    text = clean_text(field, value, max_chars=high)
    length = len(text.strip())
    if length < low:
        raise InvalidValue(
            field, "has {length} characters; write at least {low}", length=length, low=low
        )
    return text


def mean(distances: Collection[float]) -> float:
    """Their mean; 0 of none."""
    return sum(distances) / len(distances) if distances else 0.0
