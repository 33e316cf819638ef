"""A critique of each response in words and, where the project asks for it, a better response."""

from collections.abc import Sequence
from typing import Any

from annotate.chat.completions import Completion
from annotate.kinds.critique import clean_value
from annotate.kinds.errors import InvalidValue
from routing.judges import Question, Verdict
from routing.judges.asking.contract import (
    InvalidAnswer,
    Reading,
    Readings,
    Wording,
    compose,
    object_schema,
    read_object,
)
from routing.judges.asking.single import alone, showings, without_extras

__all__ = ["KIND", "VERSION", "messages", "pool", "read", "schema", "showings"]

KIND = "critique"
VERSION = 1


def messages(question: Question, shown: Sequence[int], wording: Wording) -> list[dict[str, str]]:
    task = (
        "Write a critique of response A to the last turn: what is wrong with it and what is good. "
        'Answer with one JSON object: {"critique": "…"}.'
    )
    if _wants_refined(question):
        task = (
            "Write a critique of response A to the last turn: what is wrong with it and what is "
            "good. Then write the whole response anew, better by that critique. Answer with one "
            'JSON object: {"critique": "…", "refined": "…"}.'
        )
    return compose(question, shown, task=task, wording=wording)


def _wants_refined(question: Question) -> bool:
    return bool(question.settings.refinement == "required")


def schema(question: Question, shown: Sequence[int], wording: Wording) -> dict[str, Any] | None:
    names = ("critique", "refined") if _wants_refined(question) else ("critique",)
    return object_schema({name: {"type": "string"} for name in names})


def read(said: Completion, question: Question, shown: Sequence[int], wording: Wording) -> Reading:
    [pk] = shown
    try:
        value = clean_value(
            {"responses": {str(pk): read_object(said)}},
            shown=alone(question, shown),
            settings=without_extras(question.settings),
        )
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value=value)


def pool(question: Question, readings: Readings) -> Verdict:
    found: dict[str, Any] = {}
    for listed in readings.values():
        assert listed[0].value is not None
        found |= listed[0].value["responses"]
    value = {"responses": dict(sorted(found.items(), key=lambda one: int(one[0])))}
    return Verdict(question.task_id, None, {}, value=value)
