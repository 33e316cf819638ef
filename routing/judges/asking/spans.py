"""Marked errors in each response: suggestions, which people confirm.

The model quotes what it marks, since models do not count characters; the quotation is looked up in
the text. Evidence and corrections are left to the person who confirms.
"""

from collections.abc import Sequence
from typing import Any

from annotate.chat.completions import Completion
from annotate.inputs import clean_integer, clean_text
from annotate.kinds import answers
from annotate.kinds.contract import ShownResponse
from annotate.kinds.errors import InvalidValue
from annotate.kinds.span_settings import SpansSettings
from annotate.kinds.span_suggestions import as_suggested
from annotate.kinds.spans import MAX_MARKS, MAX_NOTE_CHARS, clean_value
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
from routing.judges.asking.single import alone, showings

__all__ = ["KIND", "VERSION", "messages", "pool", "read", "schema", "showings"]

KIND = "spans"
VERSION = 1
FIELDS = ("quote", "occurrence", "type", "severity", "note")


def messages(question: Question, shown: Sequence[int], wording: Wording) -> list[dict[str, str]]:
    settings: SpansSettings = question.settings
    types = "\n".join(
        f"- {kind.name}: {': '.join(filter(None, [kind.title, kind.description]))}"
        for kind in settings.types
    )
    severity = ""
    if settings.severities:
        severity = f', "severity": one of {", ".join(settings.severities)}'
    task = (
        "Mark every error in response A to the last turn. Types of error; where several fit, take "
        f"the first:\n{types}\nAnswer with one JSON object: "
        '{"marks": [{"quote": the marked words exactly as they stand there, "occurrence": 1 for '
        f'their first place, 2 for the second, "type": "…"{severity}, "note": why}}]}}. '
        "Keep quotes short. An empty list says that there is no error."
    )
    return compose(question, shown, task=task, wording=wording, extra=_passages(question))


def _passages(question: Question) -> str:
    listed = question.shown.passages if question.shown else ()
    return "\n\n".join(
        "\n".join([f"{number}. {passage.get('title', '')}", *passage["sentences"]])
        for number, passage in enumerate(listed, 1)
    )


def schema(question: Question, shown: Sequence[int], wording: Wording) -> dict[str, Any] | None:
    settings: SpansSettings = question.settings
    properties: dict[str, Any] = {
        "quote": {"type": "string"},
        "occurrence": {"type": "integer"},
        "type": {"type": "string", "enum": [kind.name for kind in settings.types]},
    }
    if settings.severities:
        properties["severity"] = {"type": "string", "enum": list(settings.severities)}
    properties["note"] = {"type": "string"}
    marks = {"type": "array", "items": object_schema(properties)}
    return object_schema({"marks": marks})


def read(said: Completion, question: Question, shown: Sequence[int], wording: Wording) -> Reading:
    whole = alone(question, shown)
    [response] = whole.responses
    try:
        listed = answers.clean_list("marks", read_object(said).get("marks"), low=0, high=MAX_MARKS)
        marks = [_mark(f"marks.{n}", one, response) for n, one in enumerate(listed)]
        value = clean_value(
            {"marks": marks, "no_error": not marks},
            shown=whole,
            settings=as_suggested(question.settings),
        )
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value=value)


def _mark(field: str, raw: object, response: ShownResponse) -> dict[str, Any]:
    given = answers.clean_object(field, raw, FIELDS)
    quote = clean_text(f"{field}.quote", given.get("quote"), max_chars=100_000, required=True)
    nth = clean_integer(f"{field}.occurrence", given.get("occurrence", 1), low=1, high=10_000)
    part, start = _place(f"{field}.quote", quote, nth, response)
    note = clean_text(f"{field}.note", given.get("note") or "", max_chars=MAX_NOTE_CHARS)
    mark: dict[str, Any] = {
        "response": response.id,
        "part": part,
        "start": start,
        "end": start + len(quote),
    }
    mark |= {"type": given.get("type"), "note": note}
    return mark | ({"severity": given["severity"]} if given.get("severity") else {})


def _place(field: str, quote: str, nth: int, response: ShownResponse) -> tuple[int, int]:
    """Part and start (in code points) of the nth occurrence, counted through all parts."""
    for part, content in enumerate(response.parts):
        text = content.get("text")
        start = text.find(quote) if isinstance(text, str) else -1
        while isinstance(text, str) and start >= 0:
            nth -= 1
            if nth == 0:
                return part, start
            start = text.find(quote, start + 1)
    raise InvalidValue(field, "does not stand in the response so often: {quote}", quote=quote[:80])


def pool(question: Question, readings: Readings) -> Verdict:
    """The marks of all responses together."""
    marks = []
    for listed in readings.values():
        assert listed[0].value is not None
        marks += listed[0].value["marks"]
    value = {"marks": marks, "missing": [], "corrected": {}, "no_error": not marks}
    return Verdict(question.task_id, None, {"marks": len(marks)}, value=value)
