"""Checks of single values that came from outside: text, numbers, choices, JSON.

Each returns the value or raises InvalidValue naming the field, what was wrong and the remedy.
"""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from annotate.wording import Refusal, Told, translatable

BIGINT_MAX = 2**63 - 1
MAX_DEPTH = 64
MAX_PATH = 500

T = TypeVar("T")


class InvalidValue(Refusal):
    """A value is wrong: `field` (a dotted path), what is wrong with it, and the remedy."""

    def __init__(self, field: str, reason: str, /, **values: object) -> None:
        super().__init__(reason, **values)
        # A path may hold names that somebody sent; the error must be printable all the same.
        self.field = field[:MAX_PATH].encode("utf-8", "replace").decode()
        self.args = (f"{self.field}: {self.message}",)

    @property
    def with_field(self) -> Told:
        """The refusal with its field, where a text says both."""
        return Told("{field}: {why}", field=self.field, why=self.apart())

    def at(self, field: str) -> "InvalidValue":
        """The same reason at another field."""
        return InvalidValue(field, self.reason, **self.values)

    @property
    def all(self) -> "tuple[InvalidValue, ...]":
        """All that was refused together with it, itself first."""
        return (self,)


class InvalidValues(InvalidValue):
    """Several values are wrong: the first of them, and `all`."""

    def __init__(self, refused: Sequence[InvalidValue]) -> None:
        first, *_others = refused
        super().__init__(first.field, first.reason, **first.values)
        self._all = tuple(refused)

    @property
    def all(self) -> tuple[InvalidValue, ...]:
        return self._all


class Checks:
    """Goes on behind a value that is refused, so that all are told at once.

    `check.of(clean_text, …)` is what the check returns, None where it refused; `check.end()` raises
    what was refused, in the order in which it was.
    """

    def __init__(self) -> None:
        self.refused: list[InvalidValue] = []

    def of(self, check: Callable[..., T], *given: Any, **named: Any) -> T | None:
        try:
            return check(*given, **named)
        except InvalidValue as error:
            self.refuse(error)
            return None

    def refuse(self, error: InvalidValue) -> None:
        """Keep it for the end; what two checks say of one value is said once."""
        known = {(one.field, one.message) for one in self.refused}
        self.refused += [one for one in error.all if (one.field, one.message) not in known]

    def end(self) -> None:
        """Raises InvalidValue, of several InvalidValues."""
        if self.refused:
            raise self.refused[0] if len(self.refused) == 1 else InvalidValues(self.refused)


def clean_text(
    field: str, value: object, *, max_chars: int, required: bool = False, lines: bool = True
) -> str:
    """Text that the database can hold: no NUL character, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise InvalidValue(field, _NOT_TEXT.get(type(value), _NOT_TEXT[int]))
    _refuse_text(field, value)
    if not lines and ("\n" in value or "\r" in value):
        raise InvalidValue(field, "must be one line")
    if len(value) > max_chars:
        raise InvalidValue(
            field,
            "has {count} characters; at most {most} fit, shorten it",
            count=len(value),
            most=max_chars,
        )
    if required and not value.strip():
        raise InvalidValue(field, "is empty; give a text")
    return value


def clean_integer(field: str, value: object, *, low: int, high: int) -> int:
    """A whole number in low..high; true, "3" and 3.0 are none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidValue(field, "must be a whole number from {low} to {high}", low=low, high=high)
    return value


def clean_number(field: str, value: object, *, low: float, high: float) -> float:
    """A number in low..high; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidValue(
            field, "must be a number from {low} to {high}", low=plain(low), high=plain(high)
        )
    return float(value)


def clean_choice(field: str, value: object, choices: Collection[str]) -> str:
    """One of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidValue(
            field, "must be one of: {choices}", choices=", ".join(sorted(map(str, choices)))
        )
    return str(value)


def clean_boolean(field: str, value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise InvalidValue(field, "must be true or false")
    return value


def clean_time(field: str, value: object) -> datetime:
    """A time with its zone, as UTC: the database refuses some offsets that are well formed.

    One before the first time of UTC or after its last is that one.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:  # no such day or hour
        found = None
    offset = None if found is None else found.utcoffset()
    if found is not None and offset is not None:
        try:
            return found.astimezone(UTC)
        except OverflowError:
            end = datetime.min if offset > timedelta(0) else datetime.max
            return end.replace(tzinfo=UTC)
    raise InvalidValue(field, "must be a time with its zone, such as 2030-01-31T12:00:00Z")


def clean_json(field: str, value: object, *, max_bytes: int) -> object:
    """Plain JSON that JSONB can hold, of bounded size and depth."""
    refuse_unstorable(field, value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidValue(field, "is not plain JSON: {error}", error=str(error)) from error
    size = len(text.encode())
    if size > max_bytes:
        raise InvalidValue(field, "has {size} bytes; at most {most} fit", size=size, most=max_bytes)
    return value


def unstorable(value: object) -> str | None:
    """Why the database cannot hold this JSON value, in English, or None."""
    try:
        refuse_unstorable("", value)
    except InvalidValue as problem:
        return problem.message
    return None


def refuse_unstorable(field: str, value: object) -> None:
    """Raise InvalidValue if the database cannot hold this JSON value: a text, or any nesting.

    A text is named by its path below `field`, a key by its own. Deeper nesting than MAX_DEPTH
    counts too, and is told at `field`: whatever walks the value later would run out of stack.
    Walks by levels itself, so that no depth hurts it.
    """
    level: list[tuple[str, object]] = [(field, value)]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise InvalidValue(
                field, "is nested deeper than {levels} levels; flatten it", levels=MAX_DEPTH
            )
        deeper: list[tuple[str, object]] = []
        for path, node in level:
            if isinstance(node, str):
                _refuse_text(path, node)
            elif isinstance(node, dict):
                for key, within in node.items():
                    _refuse_text(_below(path, key), str(key))
                    deeper.append((_below(path, key), within))
            elif isinstance(node, list):
                deeper += [(_below(path, index), within) for index, within in enumerate(node)]
        level = deeper


def _below(path: str, step: object) -> str:
    """The path of what stands under a key or at a place; a NUL in a key is shown as its escape."""
    name = str(step).replace("\0", "\\u0000")
    return f"{path}.{name}" if path else name


def _refuse_text(field: str, text: str) -> None:
    if "\0" in text:
        raise InvalidValue(field, "contains a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(
            field,
            "holds half of a surrogate pair at character {start}; remove it",
            start=error.start,
        ) from error


def plain(number: float) -> float:
    """The number, whole ones as an int, for messages: 10 instead of 10.0."""
    return int(number) if number == int(number) else number


_NOT_TEXT = {
    dict: translatable("must be text, not an object"),
    list: translatable("must be text, not a list"),
    bool: translatable("must be text, not true or false"),
    type(None): translatable("must be text, not null"),
    int: translatable("must be text, not a number"),
}
