"""Everything that is wrong with a form, where the kinds stop at the first thing.

What is wrong is put right in a copy, for the time being, and the copy is checked again.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from annotate.kinds import InvalidValue
from annotate.pages.builder.asked import FIRST_KIND, Asked, Json, rename

MOST = 50
_GONE = object()
_DEFAULTS: Json = {
    "title": "",
    "settings": {},
    "required": True,
    "when": None,
    "responses": "all",
}


def every_error(asked: Asked) -> list[InvalidValue]:
    """In the order of the form, each with the path of its field; none if the form is right."""
    errors: list[InvalidValue] = []
    error = _error(asked)
    while error is not None and len(errors) < MOST:
        errors.append(error)
        mended = _mended(asked, error.field, len(errors))
        if mended is None:
            break
        asked, error = mended
    return errors


def _error(asked: Asked) -> InvalidValue | None:
    try:
        asked.form()
    except InvalidValue as error:
        return error
    return None


def _mended(asked: Asked, path: str, number: int) -> tuple[Asked, InvalidValue | None] | None:
    """A copy without the error at the path, and its next one; None where nothing helps."""
    for at, value in _remedies(asked, path, number):
        copy = deepcopy(asked)
        if not _put(copy, at, value):
            continue
        error = _error(copy)
        if error is None or not _is_at(error.field, at):
            return copy, error
    return None


def _remedies(asked: Asked, path: str, number: int) -> Iterator[tuple[str, Any]]:
    """Places and what to put there: something right for the field, else for what it is part of."""
    if path.endswith(".kind"):
        yield path, FIRST_KIND  # With its settings at their defaults.
    yield path, _GONE
    yield path, f"x{number}"  # A name that is not there yet.
    steps = path.split(".")
    for count in range(len(steps) - 1, 2, -1):
        yield ".".join(steps[:count]), _GONE


def _put(asked: Asked, path: str, value: Any) -> bool:
    """Whether there was such a place. Entries of lists stay, so that later paths stay right."""
    if path == "rationale_min_chars":
        asked.least = 0
        return True
    above, _dot, last = path.rpartition(".")
    node = asked.at(above)
    if isinstance(node, list) and last.isdigit() and int(last) < len(node) and value is not _GONE:
        node[int(last)] = value
        return True
    if not isinstance(node, dict):
        return False
    if any(node is question for question in asked.questions):
        return _put_into_question(asked, node, last, value)
    if value is _GONE:
        return node.pop(last, _GONE) is not _GONE
    node[last] = value
    return True


def _put_into_question(asked: Asked, question: Json, name: str, value: Any) -> bool:
    """A question keeps all its fields; those after it go on naming it."""
    if value is _GONE and name not in _DEFAULTS:
        return False
    if name == "name":
        rename(asked.questions, question["name"], value)
    elif name == "kind":
        question["settings"] = {}
    question[name] = deepcopy(_DEFAULTS[name]) if value is _GONE else value
    return True


def _is_at(path: str, place: str) -> bool:
    """Whether the path is that place, inside it, or around it."""
    return f"{path}.".startswith(f"{place}.") or f"{place}.".startswith(f"{path}.")
