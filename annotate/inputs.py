"""Checks of single values that came from outside: text, numbers, choices, JSON.

Each returns the value or raises InvalidValue naming the field, what was wrong and the remedy.
"""

import json
from collections.abc import Collection

from annotate.kinds import InvalidValue

BIGINT_MAX = 2**63 - 1


def clean_text(
    field: str, value: object, *, max_chars: int, required: bool = False, lines: bool = True
) -> str:
    """Text that the database can hold: no NUL character, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise InvalidValue(field, f"must be text, not {_name(value)}")
    _storable(field, value)
    if not lines and ("\n" in value or "\r" in value):
        raise InvalidValue(field, "must be one line")
    if len(value) > max_chars:
        raise InvalidValue(
            field, f"has {len(value)} characters; at most {max_chars} fit, shorten it"
        )
    if required and not value.strip():
        raise InvalidValue(field, "is empty; give a text")
    return value


def clean_integer(field: str, value: object, *, low: int, high: int) -> int:
    """A whole number in low..high; true, "3" and 3.0 are none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidValue(field, f"must be a whole number from {low} to {high}")
    return value


def clean_number(field: str, value: object, *, low: float, high: float) -> float:
    """A number in low..high; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidValue(field, f"must be a number from {low:g} to {high:g}")
    return float(value)


def clean_choice(field: str, value: object, choices: Collection[str]) -> str:
    """One of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidValue(field, f"must be one of: {', '.join(sorted(map(str, choices)))}")
    return str(value)


def clean_boolean(field: str, value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise InvalidValue(field, "must be true or false")
    return value


def clean_json(field: str, value: object, *, max_bytes: int) -> object:
    """Plain JSON that JSONB can hold, of bounded size."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(field, f"is not plain JSON: {error}") from error
    if "\\u0000" in text:
        raise InvalidValue(field, "contains a NUL character; remove it")
    _storable(field, text)
    size = len(text.encode())
    if size > max_bytes:
        raise InvalidValue(field, f"has {size} bytes; at most {max_bytes} fit")
    return value


def _storable(field: str, text: str) -> None:
    if "\0" in text:
        raise InvalidValue(field, "contains a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(
            field, f"holds half of a surrogate pair at character {error.start}; remove it"
        ) from error


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
