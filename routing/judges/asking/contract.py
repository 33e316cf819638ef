"""What every way of asking is given and gives back, and the words they share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any, Protocol

from annotate.chat.completions import Completion
from annotate.inputs import InvalidValue
from annotate.wording import Told
from routing.judges import Question, Verdict
from routing.judges.quoting import RULE, mark_of, quoted

LETTER, JSON = "letter", "json"


class InvalidAnswer(Told, Exception):
    """The model answered, but not what it was asked for; says what was wrong."""

    def __init__(self, reason: str, /, **values: object) -> None:
        Told.__init__(self, reason, **values)
        self.args = (self.message,)

    @staticmethod
    def of(error: InvalidValue) -> "InvalidAnswer":
        """A value of the answer is refused."""
        told = error.with_field
        return InvalidAnswer(told.reason, **told.values)


@dataclass(frozen=True)
class Wording:
    """`principles`: by what to judge, in the manager's words. `answer`: letter or JSON, for pairs.

    `least_mass`: how much probability the two letters must hold together to be an answer.
    """

    principles: str = ""
    answer: str = LETTER
    least_mass: float = 0.5


@dataclass(frozen=True)
class Reading:
    """One call's answer: P(the first shown is better), or a value about the shown responses."""

    p_first: float | None = None
    value: dict[str, Any] | None = None
    note: dict[str, Any] = field(default_factory=dict)


Readings = Mapping[tuple[int, ...], Sequence[Reading]]


class Way(Protocol):
    """A module of `routing/judges/asking`. `VERSION` changes with every change of its words."""

    KIND: str
    VERSION: int

    def showings(self, question: Question) -> list[tuple[int, ...]]:
        """The orders in which the responses are shown, one call (or several samples) each."""

    def messages(
        self, question: Question, shown: Sequence[int], wording: Wording
    ) -> list[dict[str, str]]:
        """What the model is sent."""

    def schema(
        self, question: Question, shown: Sequence[int], wording: Wording
    ) -> dict[str, Any] | None:
        """The JSON schema of its answer; None where one letter is wanted."""

    def read(
        self, said: Completion, question: Question, shown: Sequence[int], wording: Wording
    ) -> Reading:
        """Raises InvalidAnswer."""

    def pool(self, question: Question, readings: Readings) -> Verdict:
        """One verdict from all calls of the question."""


def letters(count: int) -> str:
    return ascii_uppercase[:count]


def compose(
    question: Question, shown: Sequence[int], *, task: str, wording: Wording, extra: str = ""
) -> list[dict[str, str]]:
    """System and user message: the task and the principles, then the material, then the task again
    in one line, since long material makes models forget what they were asked.
    """
    names = letters(len(shown))
    responses = [question.text_of(pk) for pk in shown]
    turns = [turn["content"] for turn in question.conversation]
    mark = mark_of([question.system, *turns, *responses, extra])
    pieces = []
    if question.system:
        pieces.append(quoted("SYSTEM TEXT", question.system, mark))
    for number, turn in enumerate(question.conversation, 1):
        pieces.append(quoted(f"TURN {number} ({turn['role']})", turn["content"], mark))
    if extra:
        pieces.append(quoted("REFERENCES", extra, mark))
    for letter, text in zip(names, responses, strict=True):
        pieces.append(quoted(f"RESPONSE {letter}", text, mark))
    head = ["You are an impartial judge of responses that assistants wrote."]
    if wording.principles.strip():
        head.append(f"Judge by these principles:\n{wording.principles.strip()}")
    head += [RULE.format(mark=mark), task]
    return [
        {"role": "system", "content": "\n\n".join(head)},
        {"role": "user", "content": "\n\n".join([*pieces, task])},
    ]


def read_object(said: Completion) -> dict[str, Any]:
    """The JSON object of the answer; a fence around it is taken off. Raises InvalidAnswer."""
    text = said.text.strip()
    if said.finish_reason == "length":
        raise InvalidAnswer("the answer was cut at max_tokens; allow it more")
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        text = text[text.index("\n") : -3]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("the answer is not JSON: {text}", text=said.text[:200]) from error
    if not isinstance(value, dict):
        raise InvalidAnswer("the answer is no JSON object: {text}", text=said.text[:200])
    return value


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that holds exactly these properties, as strict structured output wants it."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
