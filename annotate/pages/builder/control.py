"""One control of the builder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise


@dataclass
class Control:
    """One field, or a group or list of them, named as the form sends it.

    `widget`: checkbox, number, text, area, select, order, group, list or hidden. `redraws` tells
    that other controls come and go with its value; `sends` is what a checked box sends.
    """

    name: str
    widget: str
    label: str | Promise = ""
    help: str | Promise = ""
    value: Any = ""
    choices: Sequence[tuple[str, str | Promise]] = ()
    low: float | None = None
    high: float | None = None
    parts: Sequence["Control"] = ()
    item: str | Promise = ""
    redraws: bool = False
    sends: str = "on"
    error: str = ""

    @property
    def id(self) -> str:
        return "at-" + self.name.replace(".", "-")

    @property
    def step(self) -> str:
        return "any" if self.widget == "decimal" else "1"

    def all(self) -> Iterator["Control"]:
        yield self
        for part in self.parts:
            yield from part.all()
