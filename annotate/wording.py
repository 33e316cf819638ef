"""Words of modules that know nothing of Django, which pages translate when they show them."""

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


class Refusal(ValueError):
    """Why something was refused, and the remedy.

    `reason` is a message of the catalogues with {names}, `values` are what stands in their place.
    `message` is the two together in English, for programs and logs. A page says it in the
    reader's words: `annotate.pages.reasons.in_words`.
    """

    def __init__(self, reason: str, /, **values: object) -> None:
        self.reason = reason
        self.values = values
        self.message = self.told(str)
        super().__init__(self.message)

    def told(
        self, translate: Callable[[str], str], number: Callable[[float], str] = in_english
    ) -> str:
        """The reason as `translate` has it, values in their place; `number` writes fractions and
        Grouped counts.

        A value that is a refusal itself is told in the same way. A reason without values may
        hold braces.
        """
        values = {}
        for name, value in self.values.items():
            if isinstance(value, Refusal):
                value = value.told(translate, number)
            elif isinstance(value, float | Grouped):
                value = number(value)
            values[name] = value
        reason = translate(self.reason)
        return reason.format_map(values) if values else reason

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; a value that JSON has no word for as its text."""
        values = {
            name: value.as_dict()
            if isinstance(value, Refusal)
            else value
            if isinstance(value, str | int | float)
            else str(value)
            for name, value in self.values.items()
        }
        return {"reason": self.reason, "values": values}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Refusal":
        """What `as_dict` gave."""
        values = {
            name: Refusal.from_dict(value) if isinstance(value, dict) else value
            for name, value in plain["values"].items()
        }
        reason = plain["reason"]
        return Refusal(reason, **values)
