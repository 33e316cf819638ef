"""Told of modules that know nothing of Django, which pages translate when they show them."""

from collections.abc import Callable, Mapping
from typing import Any


def translatable(text: str) -> str:
    """The text itself; its place in the source is what puts it into the catalogues."""
    return text


class Grouped(int):
    """A count whose thousands are kept apart where it is told: 2,000,000 in English."""


def in_english(number: float) -> str:
    """A number as English messages write it."""
    return f"{number:,}" if isinstance(number, Grouped) else str(number)


def brief(number: float) -> float:
    """A whole number as such: 60.0 as 60."""
    return int(number) if number == int(number) else number


class Told:
    """What is said of something: a message of the catalogues with {names}, and their values.

    `message` is the two together in English, for programs and logs. A page says it in the
    reader's words: `annotate.pages.reasons.in_words`. The message is kept as `reason`, since most
    of them are why something was refused.
    """

    def __init__(self, reason: str, /, **values: object) -> None:
        self.reason = reason
        self.values = values
        self.message = self.told(str)

    def told(
        self, translate: Callable[[str], str], number: Callable[[float], str] = in_english
    ) -> str:
        """The reason as `translate` has it, values in their place; `number` writes fractions and
        Grouped counts.

        A value that is Told itself is told in the same way. A reason without values may
        hold braces.
        """
        values = {}
        for name, value in self.values.items():
            if isinstance(value, Told):
                value = value.told(translate, number)
            elif isinstance(value, float | Grouped):
                value = number(value)
            values[name] = value
        reason = translate(self.reason)
        return reason.format_map(values) if values else reason

    def apart(self) -> "Told":
        """The same to be kept: an error's traceback keeps alive all that its raising could see."""
        if not isinstance(self, BaseException):
            return self
        values = {
            name: value.apart() if isinstance(value, Told) else value
            for name, value in self.values.items()
        }
        return Told(self.reason, **values)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; a value that JSON has no word for as its text."""
        values = {name: _as_json(value) for name, value in self.values.items()}
        return {"reason": self.reason, "values": values}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Told":
        """What `as_dict` gave."""
        values = {name: _from_json(value) for name, value in plain["values"].items()}
        if plain.get("sentence"):
            return Sentence(values["said"])
        reason = plain["reason"]
        if "many" in plain:
            return Counted(reason, plain["many"], values["count"])
        return Told(reason, **values)


class Counted(Told):
    """A part of a message that has a form for one and others for more; both may name {count}.

    `translate` is asked for the form by its `plural`, as ngettext has it, where it has one.
    """

    def __init__(self, one: str, many: str, /, count: int) -> None:
        self.many = many
        super().__init__(one, count=count)

    def told(
        self, translate: Callable[[str], str], number: Callable[[float], str] = in_english
    ) -> str:
        count = self.values["count"]
        plural = getattr(translate, "plural", None)
        if plural is not None:
            form = plural(self.reason, self.many, count)
        else:
            form = translate(self.reason if count == 1 else self.many)
        return form.format(count=count)

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "many": self.many}


class Refusal(Told, ValueError):
    """Why something was refused, and the remedy."""

    def __init__(self, reason: str, /, **values: object) -> None:
        Told.__init__(self, reason, **values)
        self.args = (self.message,)


class Sentence(Told):
    """What a refusal says, with a capital and a full stop: it stands without its field."""

    def __init__(self, said: Told) -> None:
        super().__init__("{said}.", said=said.apart())

    def told(
        self, translate: Callable[[str], str], number: Callable[[float], str] = in_english
    ) -> str:
        text = super().told(translate, number)
        return text[:1].upper() + text[1:]

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "sentence": True}


def in_two(said: "str | Told") -> tuple[str, dict[str, Any] | None]:
    """What rows keep of it: the text in English, and what pages tell it from in other languages."""
    return (said.message, said.as_dict()) if isinstance(said, Told) else (said, None)


def _as_json(value: object) -> Any:
    if isinstance(value, Told):
        return value.as_dict()
    if isinstance(value, Grouped):
        return {"grouped": int(value)}
    return value if isinstance(value, str | int | float) else str(value)


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return Grouped(value["grouped"]) if "grouped" in value else Told.from_dict(value)
