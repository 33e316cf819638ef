"""Ratings of each response by the project's criteria."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from annotate.chat.completions import Completion
from annotate.kinds import scales
from annotate.kinds.errors import InvalidValue
from annotate.kinds.rating import Criterion, clean_value
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

KIND = "rating"
VERSION = 1


def messages(question: Question, shown: Sequence[int], wording: Wording) -> list[dict[str, str]]:
    listed = "\n".join(map(_described, question.settings.criteria))
    example = json.dumps({criterion.name: "…" for criterion in question.settings.criteria})
    task = (
        f"Rate response A to the last turn by each of these criteria:\n{listed}\n"
        f"Answer with one JSON object that gives each criterion its rating: {example}."
    )
    return compose(question, shown, task=task, wording=wording)


def _described(criterion: Criterion) -> str:
    scale = criterion.scale
    if scale.type == "yes_no":
        points = '"yes", "no" or "unsure"'
    elif scale.type == "likert":
        named = "; ".join(f"{n} = {label}" for n, label in enumerate(scale.labels, 1))
        points = f"a whole number from 1 (worst) to {scale.points} (best)"
        points += f" ({named})" if named else ""
    else:
        step = f" in steps of {scale.step:g}" if scale.step else ""
        points = f"a number from {scale.min:g} to {scale.max:g}{step}"
    null = ", or null if it does not apply" if criterion.allow_na else ""
    told = ": ".join(filter(None, [criterion.title or criterion.name, criterion.description]))
    return f"- {json.dumps(criterion.name)} ({told}): {points}{null}"


def schema(question: Question, shown: Sequence[int], wording: Wording) -> dict[str, Any] | None:
    properties = {}
    for criterion in question.settings.criteria:
        of_type = {"likert": "integer", "number": "number", "yes_no": "string"}
        kind: Any = of_type[criterion.scale.type]
        properties[criterion.name] = {"type": [kind, "null"] if criterion.allow_na else kind}
        if criterion.scale.type == "yes_no":
            null = [None] if criterion.allow_na else []
            properties[criterion.name]["enum"] = [*scales.YES_NO, *null]
    return object_schema(properties)


def read(said: Completion, question: Question, shown: Sequence[int], wording: Wording) -> Reading:
    given: Mapping[str, Any] = read_object(said)
    whole = alone(question, shown)
    [pk] = shown
    try:
        value = clean_value(
            {"ratings": {str(pk): given}},
            shown=whole,
            settings=without_extras(question.settings),
        )
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value=value)


def pool(question: Question, readings: Readings) -> Verdict:
    """All responses' ratings in one answer. Of several samples the first counts."""
    values = [listed[0].value for listed in readings.values()]
    ratings: dict[str, Any] = {}
    for value in values:
        assert value is not None
        ratings |= value["ratings"]
    value = {**(values[0] or {}), "ratings": dict(sorted(ratings.items(), key=lambda r: int(r[0])))}
    return Verdict(question.task_id, None, {"ratings": ratings}, value=value)
