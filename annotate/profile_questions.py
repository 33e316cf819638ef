"""Questions that a project asks its members on themselves, and the answers to them.

A question is {"name", "title", "kind", "choices"}; kinds and their answers' values:

- choice: one of the choices
- multiple: a list of choices, in their order, without repetition
- text: up to 2,000 characters
- number: finite

Every one may go unanswered; `DECLINED` is the answer of who prefers not to say.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from annotate.inputs import Checks, InvalidValue, clean_choice, clean_text

KINDS = ("choice", "multiple", "text", "number")
DECLINED = None
MOST_QUESTIONS = 50
MOST_CHOICES = 200
MAX_TEXT_CHARS = 2000
LARGEST_NUMBER = 1e12
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Question:
    """`name` is what answers are kept under."""

    name: str
    title: str
    kind: str
    choices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "choices": list(self.choices)}


def read_questions(stored: Sequence[dict[str, Any]]) -> list[Question]:
    """Of what `as_dict` gave."""
    return [Question(**{**one, "choices": tuple(one["choices"])}) for one in stored]


def clean_questions(value: object) -> list[Question]:
    """From outside. Raises InvalidValue, of several InvalidValues: fields such as `2.title`."""
    if not isinstance(value, list):
        raise InvalidValue("questions", "must be a list of questions")
    if len(value) > MOST_QUESTIONS:
        raise InvalidValue(
            "questions",
            "has {count} entries; at most {most} fit",
            count=len(value),
            most=MOST_QUESTIONS,
        )
    checks = Checks()
    cleaned = [checks.of(_clean_question, str(place), one) for place, one in enumerate(value)]
    seen: set[str] = set()
    for place, one in enumerate(cleaned):
        if one is not None and one.name in seen:
            checks.refused.append(
                InvalidValue(f"{place}.name", "stands twice; give each question its own name")
            )
        seen |= {one.name} if one is not None else set()
    checks.end()
    return [one for one in cleaned if one is not None]


def _clean_question(place: str, value: object) -> Question:
    if not isinstance(value, dict):
        raise InvalidValue(place, "must be an object")
    unknown = set(value) - {"name", "title", "kind", "choices"}
    if unknown:
        raise InvalidValue(f"{place}.{min(map(str, unknown))[:40]}", "is no field of a question")
    checks = Checks()
    name = checks.of(_clean_name, f"{place}.name", value.get("name"))
    title = checks.of(
        clean_text, f"{place}.title", value.get("title"), max_chars=500, required=True, lines=False
    )
    kind = checks.of(clean_choice, f"{place}.kind", value.get("kind"), KINDS)
    choices = checks.of(_clean_choices, f"{place}.choices", value.get("choices", []), kind)
    checks.end()
    return Question(str(name), str(title).strip(), str(kind), choices or ())


def _clean_name(field: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidValue(
            field, "must be small letters, digits and _, a letter first, at most 40 of them"
        )
    return value


def _clean_choices(field: str, value: object, kind: str | None) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidValue(field, "must be a list of texts")
    if kind is None:  # refused itself
        return ()
    if kind in ("choice", "multiple"):
        if not 2 <= len(value) <= MOST_CHOICES:
            raise InvalidValue(field, "must be 2 to {most} choices", most=MOST_CHOICES)
    elif value:
        raise InvalidValue(field, "belong to questions that are answered by choice")
    checks = Checks()
    texts = [
        checks.of(clean_text, f"{field}.{place}", one, max_chars=200, required=True, lines=False)
        for place, one in enumerate(value)
    ]
    checks.end()
    stripped = tuple(text.strip() for text in texts if text is not None)
    if len(set(stripped)) < len(stripped):
        raise InvalidValue(field, "holds the same choice twice")
    return stripped


def clean_answers(questions: Sequence[Question], value: object) -> dict[str, Any]:
    """Answers by the questions' names; DECLINED where somebody prefers not to say.

    Raises InvalidValue, of several InvalidValues: each at its question's name.
    """
    if not isinstance(value, dict):
        raise InvalidValue("answers", "must be an object of answers by question")
    known = {one.name: one for one in questions}
    checks = Checks()
    cleaned = {}
    for name, answer in value.items():
        if name not in known:
            text = str(name)[:40]
            checks.refused.append(InvalidValue(text, "is no question of this project"))
        elif answer is DECLINED:
            cleaned[name] = DECLINED
        else:
            cleaned[name] = checks.of(_clean_answer, known[name], answer)
    checks.end()
    return cleaned


def _clean_answer(question: Question, value: object) -> Any:
    field = question.name
    if question.kind == "choice":
        return clean_choice(field, value, question.choices)
    if question.kind == "multiple":
        if not isinstance(value, list):
            raise InvalidValue(field, "must be a list of choices")
        for one in value:
            clean_choice(field, one, question.choices)
        return [choice for choice in question.choices if choice in value]
    if question.kind == "text":
        return clean_text(field, value, max_chars=MAX_TEXT_CHARS)
    return _clean_number(field, value)


def _clean_number(field: str, value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or abs(value) > LARGEST_NUMBER
        or not math.isfinite(value)
    ):
        raise InvalidValue(field, "must be a number")
    return value
