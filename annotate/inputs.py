"""Checks of single values that came from outside: text, numbers, choices, JSON.

Each returns the value or raises InvalidValue naming the field, what was wrong and the remedy.
"""

import json
from collections.abc import Collection

BIGINT_MAX = 2**63 - 1
MAX_DEPTH = 64
MAX_PATH = 500


class InvalidValue(ValueError):
    """A value is wrong: `field` (a dotted path), what is wrong with it, and the remedy."""

    def __init__(self, field: str, message: str) -> None:
        # A path may hold names that somebody sent; the error must be printable all the same.
        self.field = field[:MAX_PATH].encode("utf-8", "replace").decode()
        super().__init__(f"{self.field}: {message}")
        self.message = message


def clean_text(
    field: str, value: object, *, max_chars: int, required: bool = False, lines: bool = True
) -> str:
    """Text that the database can hold: no NUL character, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise InvalidValue(field, f"must be text, not {_name(value)}")
    problem = _text_problem(value)
    if problem:
        raise InvalidValue(field, problem)
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
    """Plain JSON that JSONB can hold, of bounded size and depth."""
    problem = unstorable(value)
    if problem:
        raise InvalidValue(field, problem)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidValue(field, f"is not plain JSON: {error}") from error
    size = len(text.encode())
    if size > max_bytes:
        raise InvalidValue(field, f"has {size} bytes; at most {max_bytes} fit")
    return value


def unstorable(value: object) -> str | None:
    """Why the database cannot hold this JSON value (a text, or any nesting of them), or None.

    Deeper nesting than MAX_DEPTH counts too: whatever walks the value later would run out of
    stack. Walks by levels itself, so that no depth hurts it.
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return f"is nested deeper than {MAX_DEPTH} levels; flatten it"
        deeper: list[object] = []
        for node in level:
            if isinstance(node, str):
                problem = _text_problem(node)
                if problem:
                    return problem
            elif isinstance(node, dict):
                deeper += [*node, *node.values()]
            elif isinstance(node, list):
                deeper += node
        level = deeper
    return None


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "contains a NUL character; remove it"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"holds half of a surrogate pair at character {error.start}; remove it"
    return None


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
