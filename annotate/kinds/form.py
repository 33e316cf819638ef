"""Several questions about one task, in order, each of a kind of its own.

Settings::

    {"questions": [
        {"name": "overall", "title": "Which is better?", "kind": "pairwise", "settings": {…}},
        {"name": "errors", "kind": "spans", "settings": {…}, "required": false,
         "when": {"question": "overall", "verdict": ["prefer"]},
         "responses": {"of": "overall", "side": "rejected"}}]}

`when` names an earlier question and what its stored answer must be like for this one to be asked
(`annotate/kinds/conditions.py`). `responses` narrows a
question to the responses that an earlier answer put above all others, or below; where that
answer ties, the question is not asked. A question that is asked and required must be answered,
one that is not asked must be absent.

Value, version 1; `asked` is added by `clean_value`, so that a value can be read without the form::

    {"answers": {<name>: <value of its kind>},
     "asked": [{"name": <name>, "kind": <kind>, "responses": [<response id>, …]}, …]}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotate.inputs import Checks
from annotate.kinds import answers
from annotate.kinds.conditions import holds
from annotate.kinds.contract import Kind, Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.form_settings import (
    FormSettings,
    Question,
    clean_settings,
    needs_content,
    response_range,
    suggesting,
)
from annotate.kinds.parts import PARTS
from annotate.kinds.sayings import Saying

NAME = "form"
SCHEMA_VERSION = 1
# What any form may have; `response_range` and `kinds.needs_content` tell what this one has.
RESPONSES = (1, 10)
NEEDS_CONTENT = True

__all__ = [
    "NAME",
    "NEEDS_CONTENT",
    "RESPONSES",
    "SCHEMA_VERSION",
    "FormSettings",
    "Question",
    "clean_settings",
    "clean_value",
    "distance",
    "needs_content",
    "pairs",
    "response_range",
    "said",
    "suggesting",
]


@dataclass(frozen=True)
class _Answered:
    """An answered question: its kind, the responses it was about, the stored answer."""

    name: str
    kind: Kind
    responses: tuple[int, ...]
    value: Mapping[str, Any]


def clean_value(
    raw: object, *, shown: Shown, settings: FormSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answers in their stored form, or InvalidValue with the path of the question."""
    sent = answers.require_object(raw)
    given = sent.get("answers")
    if not given:
        raise InvalidValue("value", "is empty: answer the questions of the form")
    if not isinstance(given, Mapping):
        raise InvalidValue("value.answers", "must be an object: each question's name, its answer")
    extra = set(sent) - {"answers", "asked"}
    if extra:
        raise InvalidValue(f"value.{min(map(str, extra))}", "unknown field; leave it out")
    known = {question.name for question in settings.questions}
    unknown = set(given) - known
    if unknown:
        raise InvalidValue(
            f"value.answers.{min(map(str, unknown))}",
            "unknown question; there are: {known}",
            known=", ".join(sorted(known)),
        )
    done: dict[str, _Answered] = {}
    check, open_questions = Checks(), set[str]()
    check.of(answers.require_rationale, rationale, settings)
    for question in settings.questions:
        if open_questions & _follows(question):  # what is asked then, nobody can tell
            open_questions.add(question.name)
            continue
        before = len(check.refused)
        answer = check.of(_clean_answer, question, given, done, shown, rationale)
        if answer is not None:
            done[question.name] = answer
        elif len(check.refused) > before:
            open_questions.add(question.name)
    check.end()
    value = {
        "answers": {name: answer.value for name, answer in done.items()},
        "asked": [
            {"name": name, "kind": answer.kind.NAME, "responses": list(answer.responses)}
            for name, answer in done.items()
        ],
    }
    if "asked" in sent and sent["asked"] != value["asked"]:
        raise InvalidValue("value.asked", "does not fit the answers; leave it out")
    return value


def _clean_answer(
    question: Question,
    given: Mapping[str, Any],
    done: Mapping[str, _Answered],
    shown: Shown,
    rationale: str,
) -> _Answered | None:
    field = f"value.answers.{question.name}"
    responses = _asked_about(question, done, shown.response_ids)
    if responses is None:
        if question.name in given:
            raise InvalidValue(field, "is not asked after the answers before it; leave it out")
        return None
    if question.name not in given:
        if question.required:
            raise InvalidValue(field, "is missing: this question must be answered")
        return None
    kind = PARTS[question.kind]
    about = replace(shown, responses=tuple(shown.response(pk, field) for pk in responses))
    try:
        value = kind.clean_value(
            given[question.name], shown=about, settings=question.settings, rationale=rationale
        )
    except InvalidValue as error:
        check = Checks()
        for one in error.all:
            inside = one.field == "value" or one.field.startswith("value.")
            check.refuse(one.at(field + one.field.removeprefix("value")) if inside else one)
        check.end()
    return _Answered(question.name, kind, responses, value)


def _follows(question: Question) -> set[str]:
    """The questions whose answers settle whether it is asked, and about what."""
    names = set()
    if question.when is not None:
        names.add(question.when["question"])
    if not isinstance(question.responses, str):
        names.add(question.responses["of"])
    return names


def _asked_about(
    question: Question, done: Mapping[str, _Answered], response_ids: Sequence[int]
) -> tuple[int, ...] | None:
    """The responses that the question is about; None when it is not asked."""
    if question.when is not None:
        earlier = done.get(question.when["question"])
        if earlier is None or not holds(question.when, earlier.value):
            return None
    if isinstance(question.responses, str):
        return tuple(response_ids)
    earlier = done.get(question.responses["of"])
    if earlier is None:
        return None
    best, worst = extremes(earlier.kind.pairs(earlier.value, earlier.responses))
    side = best if question.responses["side"] == "chosen" else worst
    return tuple(pk for pk in response_ids if pk in side) or None


def extremes(found: Sequence[Pair]) -> tuple[set[int], set[int]]:
    """Responses that win a pair and lose none, and those that lose one and win none."""
    won = {pair.chosen for pair in found if not pair.tie}
    lost = {pair.rejected for pair in found if not pair.tie}
    return won - lost, lost - won


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """Those of the first question whose answer holds any; later ones only explain it."""
    for answer in _read(value, response_ids):
        found = answer.kind.pairs(answer.value, answer.responses)
        if found:
            return found
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """What each answer says, its question's name before what the kind asks."""
    return [
        saying._replace(question=".".join(filter(None, (answer.name, saying.question))))
        for answer in _read(value, response_ids)
        for saying in answer.kind.said(answer.value, answer.responses)
    ]


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """The mean over the questions that both answered about the same responses; 1 without any.

    A question that only one of them was asked follows from an earlier answer, which counts.
    """
    others = {answer.name: answer for answer in _read(b, response_ids)}
    found = []
    for answer in _read(a, response_ids):
        other = others.get(answer.name)
        if other and (other.kind, other.responses) == (answer.kind, answer.responses):
            found.append(answer.kind.distance(answer.value, other.value, answer.responses))
    return sum(found) / len(found) if found else 1.0


def _read(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[_Answered]:
    """The stored answers in the form's order, responses in the order of `response_ids`."""
    return [
        _Answered(
            asked["name"],
            PARTS[asked["kind"]],
            tuple(pk for pk in response_ids if pk in asked["responses"]),
            value["answers"][asked["name"]],
        )
        for asked in value["asked"]
    ]
