"""What every kind of feedback is given and gives back. Plain values; see `annotate/kinds`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Saying


@dataclass(frozen=True)
class ShownResponse:
    """A response as its judge saw it. `parts` is the stored content: {"type", "text" | …}.

    Empty for a kind without NEEDS_CONTENT, which is told the ids alone.
    """

    id: int
    parts: tuple[Mapping[str, Any], ...] = ()

    def text_of(self, part: int, field: str) -> str:
        """The text that offsets count in. Raises InvalidValue, naming `field`."""
        if not 0 <= part < len(self.parts):
            raise InvalidValue(field, "must be from 0 to {last}", last=len(self.parts) - 1)
        text = self.parts[part].get("text")
        if not isinstance(text, str):
            raise InvalidValue(field, "is a part without text")
        return text


@dataclass(frozen=True)
class Suggested:
    """What an AI judge proposes as the answer: `value` as the kind stores it.

    `required`: whoever answers has surely seen it. Without `shown` it has given way to another
    one, but a page that is open may still show it.
    """

    id: int
    judge: str
    value: Mapping[str, Any]
    required: bool = False
    shown: bool = True


@dataclass(frozen=True)
class Shown:
    """What an answer may name: responses in the order shown, passages, the task's own context.

    A passage is {"title", "sentences": [str, …]}. `context` is what the task says beside its
    prompt, such as the criterion drawn for it. `suggestions` are those of the form that shows any.
    """

    responses: tuple[ShownResponse, ...]
    passages: tuple[Mapping[str, Any], ...] = ()
    context: Mapping[str, Any] | None = None
    suggestions: tuple[Suggested, ...] = ()

    @classmethod
    def of_ids(cls, response_ids: Sequence[int]) -> "Shown":
        return cls(tuple(ShownResponse(pk) for pk in response_ids))

    @property
    def response_ids(self) -> tuple[int, ...]:
        return tuple(response.id for response in self.responses)

    def response(self, pk: object, field: str) -> ShownResponse:
        """The shown response of that id. Raises InvalidValue, naming `field`."""
        for response in self.responses:
            if type(pk) is int and response.id == pk:
                return response
        ids = ", ".join(map(str, self.response_ids))
        raise InvalidValue(field, "must be the id of a shown response: {ids}", ids=ids)


@dataclass(frozen=True)
class Pair:
    """A preference as trainers want it. `tie` keeps the two in the order they were given.

    `stated`: it holds under what its task states (`annotate/kinds/context.py`), not in general.
    """

    chosen: int
    rejected: int
    strength: int
    tie: bool
    stated: bool = False


class Kind(Protocol):
    """A module of `annotate/kinds`.

    `RESPONSES` is the least and the greatest number of responses that a task may have.
    `NEEDS_CONTENT`: `clean_value` looks into the responses' parts, the passages or the context.
    A form has these by its settings: ask `kinds.response_range` and `kinds.needs_content`.
    """

    NAME: str
    SCHEMA_VERSION: int
    RESPONSES: tuple[int, int]
    NEEDS_CONTENT: bool

    def clean_settings(self, raw: Mapping[str, Any]) -> Any:
        """The settings (a frozen dataclass) with defaults filled in. Raises InvalidValue.

        `dataclasses.asdict` of them, through JSON, is what is stored and cleaned again.
        """

    def clean_value(
        self, raw: object, *, shown: Shown, settings: Any, rationale: str = ""
    ) -> dict[str, Any]:
        """The answer in its stored form. Raises InvalidValue; an empty answer is no answer."""

    def pairs(self, value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
        """The preferences between two responses that a stored answer holds; may be none.

        `response_ids` are all responses of the task, in an order that is the same for everybody.
        """

    def said(self, value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
        """The parts of a stored answer that others' can be compared with, by what was asked.

        None of what cannot be: words, and what nobody else was asked.
        """

    def distance(
        self, a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]
    ) -> float:
        """0 (the same answer) .. 1 (opposite), for agreement."""
