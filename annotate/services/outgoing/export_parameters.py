"""One parameter of an export: its name, what it may be, and the words for it.

The query of REST, the fields of the page and the command line's arguments are made from these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from annotate.inputs import InvalidValue
from annotate.services.outgoing.refused_choices import RefusedChoice, unknown

MAX_TEXT_CHARS = 4000
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "")


@dataclass(frozen=True)
class Parameter:
    """`words` says what each value of a choice means, the default first; without words it is a
    `sort` of text: "names" parted by commas, a "date", a "share" from 0 to 1, a "flag", any
    "text", or a "name" that its reader checks. `hint` tells more; both are of the catalogues.
    """

    name: str
    label: str
    words: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    sort: str = "text"

    @property
    def default(self) -> Any:
        if self.words:
            return next(iter(self.words))
        return {"flag": False, "share": 0.0}.get(self.sort, "")

    @property
    def described(self) -> str:
        """In English, for programs: the values there are, and what they mean."""
        said = f"{self.label}. {self.hint}" if self.hint else f"{self.label}."
        if self.words:
            meant = "; ".join(f"{name}: {words}" for name, words in self.words.items())
            return f"{said} {meant} (default {self.default})."
        forms = {
            "flag": " 1: yes (default 0).",
            "names": " Several with commas between them.",
            "date": " As 2026-01-31, UTC.",
            "share": " From 0 (default) to 1.",
        }
        return said + forms.get(self.sort, "")

    def read(self, text: str) -> Any:
        """The value that a query or an argument means. Raises RefusedChoice."""
        if self.sort == "flag":
            if text.lower() not in (*YES, *NO):
                raise RefusedChoice(InvalidValue(self.name, "must be 1 or 0"))
            return text.lower() in YES
        if self.sort == "share" and text:
            try:
                return float(text)
            except ValueError:
                raise self._no_share(text) from None
        return self.default if self.sort == "share" else text

    def check(self, value: Any) -> None:
        """Raises RefusedChoice for what the parameter cannot be."""
        if self.words:
            if not isinstance(value, str) or value not in self.words:
                raise unknown(self.name, value, ", ".join(self.words))
        elif self.sort == "flag":
            if not isinstance(value, bool):
                raise unknown(self.name, value, "false, true")
        elif self.sort == "share":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise self._no_share(value)
        elif self.sort != "name":
            self._check_text(value)

    def _check_text(self, value: Any) -> None:
        if not isinstance(value, str) or "\0" in value or len(value) > MAX_TEXT_CHARS:
            raise RefusedChoice(
                InvalidValue(
                    self.name, "must be a text of at most {most} characters", most=MAX_TEXT_CHARS
                )
            )
        if self.sort == "date" and value:
            try:
                is_written_so = date.fromisoformat(value).isoformat() == value
            except ValueError:
                is_written_so = False
            if not is_written_so:  # Python also reads 2026-W05-6, which the database does not
                raise RefusedChoice(
                    InvalidValue(
                        self.name,
                        "{value} is no date. Write it as 2026-01-31.",
                        value=repr(value[:40]),
                    )
                )

    def _no_share(self, value: object) -> RefusedChoice:
        return RefusedChoice(
            InvalidValue(self.name, "{value} is no number from 0 to 1.", value=repr(value)[:40])
        )


def names_of(text: str) -> list[str]:
    """Those parted by commas, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def check_all(parameters: Iterable[Parameter], values: object) -> None:
    """`values` has an attribute for each."""
    for parameter in parameters:
        parameter.check(getattr(values, parameter.name))


def read_all(parameters: Iterable[Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """The values of those that are given as texts. Raises RefusedChoice."""
    return {one.name: one.read(given[one.name]) for one in parameters if one.name in given}
