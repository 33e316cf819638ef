"""The settings of a form: its questions and when each is asked. See `annotate/kinds/form.py`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.kinds import chat
from annotate.kinds.answers import SETTINGS, clean_least_rationale, clean_object, refuse_unknown
from annotate.kinds.conditions import clean_wanted
from annotate.kinds.errors import InvalidValue
from annotate.kinds.labels import LabelsSettings
from annotate.kinds.parts import PARTS
from annotate.kinds.span_settings import SpansSettings

MAX_QUESTIONS = 30
MAX_TITLE = 500
SIDES = ("chosen", "rejected")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Question:
    """One question, in the words of the stored settings; `settings` are those of its kind."""

    name: str
    title: str
    kind: str
    settings: Any
    required: bool = True
    when: Mapping[str, Any] | None = None
    responses: str | Mapping[str, str] = "all"


@dataclass(frozen=True)
class FormSettings:
    """The questions in order, and the shortest rationale that goes with all of them."""

    questions: tuple[Question, ...]
    rationale_min_chars: int = 0


def clean_settings(raw: Mapping[str, Any]) -> FormSettings:
    """The settings with defaults filled in. Raises InvalidValue with the question's path."""
    given = clean_object(SETTINGS, raw, FormSettings.__dataclass_fields__)
    listed = given.get("questions")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        raise InvalidValue("kind_settings.questions", "must be a list of one question or more")
    if len(listed) > MAX_QUESTIONS:
        raise InvalidValue(
            "kind_settings.questions",
            "has more than {most} questions",
            most=MAX_QUESTIONS,
        )
    least = clean_least_rationale(given.get("rationale_min_chars", 0))
    questions: list[Question] = []
    for number, asked in enumerate(listed):
        questions.append(_clean_question(f"kind_settings.questions.{number}", asked, questions))
    settings = FormSettings(tuple(questions), least)
    _refuse_beside_a_chat(settings)
    _refuse_suggestions_twice(settings)
    _refuse_no_number_of_responses(settings)
    return settings


def response_range(settings: FormSettings) -> tuple[int, int]:
    """The least and the greatest number of responses that every question can take.

    A question about one side of an earlier answer takes what that leaves it, so it has no say.
    """
    ranges = [_range(question) for question in settings.questions if question.responses == "all"]
    low, high = max(low for low, _high in ranges), min(high for _low, high in ranges)
    return (1 if low == 0 < high else low), high


def _range(question: Question) -> tuple[int, int]:
    """That of its kind; labels of the task as a whole go beside a question without responses."""
    low, high = PARTS[question.kind].RESPONSES
    of_task = isinstance(question.settings, LabelsSettings) and question.settings.scope == "task"
    return (0 if of_task else low), high


def suggesting(settings: FormSettings) -> Question | None:
    """The question at which people are shown what AI judges suggest; at most one of a form."""
    return next((one for one in settings.questions if _suggests(one)), None)


def _suggests(question: Question) -> bool:
    return isinstance(question.settings, SpansSettings) and question.settings.suggestions


def needs_content(settings: FormSettings) -> bool:
    """Whether any question's kind looks into contents."""
    return any(PARTS[question.kind].NEEDS_CONTENT for question in settings.questions)


def _clean_question(field: str, raw: object, earlier: Sequence[Question]) -> Question:
    if not isinstance(raw, Mapping):
        raise InvalidValue(field, "must be an object with name, kind and settings")
    refuse_unknown(field, raw, Question.__dataclass_fields__)
    name, title = raw.get("name"), raw.get("title", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidValue(
            f"{field}.name", "must be a small letter, then up to 39 small letters, digits or _"
        )
    if any(question.name == name for question in earlier):
        raise InvalidValue(f"{field}.name", "{name!r} is there twice; names must differ", name=name)
    if not isinstance(title, str) or len(title) > MAX_TITLE:
        raise InvalidValue(
            f"{field}.title",
            "must be a text of at most {most} characters",
            most=MAX_TITLE,
        )
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in PARTS:
        raise InvalidValue(
            f"{field}.kind", "must be one of: {choices}", choices=", ".join(sorted(PARTS))
        )
    required = raw.get("required", True)
    if not isinstance(required, bool):
        raise InvalidValue(f"{field}.required", "must be true or false")
    return Question(
        name=name,
        title=title,
        kind=kind,
        settings=_clean_part(field, kind, raw.get("settings", {})),
        required=required,
        when=_clean_condition(f"{field}.when", raw.get("when"), earlier),
        responses=_clean_responses(f"{field}.responses", raw.get("responses", "all"), earlier),
    )


def _clean_part(field: str, kind: str, raw: Any) -> Any:
    try:
        return PARTS[kind].clean_settings(raw)
    except InvalidValue as error:
        path = error.field.replace("kind_settings", f"{field}.settings", 1)
        raise error.at(path) from error


def _clean_condition(
    field: str, raw: object, earlier: Sequence[Question]
) -> Mapping[str, Any] | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise InvalidValue(
            field, 'must be an object such as {"question": "overall", "verdict": ["prefer"]}'
        )
    condition = {"question": _clean_earlier(f"{field}.question", raw.get("question"), earlier)}
    for path, values in raw.items():
        if path == "question":
            continue
        condition[path] = clean_wanted(f"{field}.{path}", values)
    return condition


def _clean_responses(
    field: str, raw: object, earlier: Sequence[Question]
) -> str | Mapping[str, str]:
    if raw == "all":
        return "all"
    if not isinstance(raw, Mapping):
        raise InvalidValue(
            field, 'must be "all", or an object such as {"of": "overall", "side": "rejected"}'
        )
    refuse_unknown(field, raw, ("of", "side"))
    side = raw.get("side")
    if side not in SIDES:
        raise InvalidValue(f"{field}.side", "must be one of: {choices}", choices=", ".join(SIDES))
    return {"of": _clean_earlier(f"{field}.of", raw.get("of"), earlier), "side": str(side)}


def _clean_earlier(field: str, raw: object, earlier: Sequence[Question]) -> Any:
    names = [question.name for question in earlier]
    if raw not in names:
        if not names:
            raise InvalidValue(
                field, "must be the name of a question before this one, and this is the first one"
            )
        raise InvalidValue(
            field,
            "must be the name of a question before this one; there are: {names}",
            names=", ".join(names),
        )
    return raw


def _refuse_beside_a_chat(settings: FormSettings) -> None:
    """A conversation's replies are no responses of the task, and a person holds one at a task."""
    chats = [question for question in settings.questions if question.kind == chat.NAME]
    for number, question in enumerate(settings.questions):
        field = f"kind_settings.questions.{number}.kind"
        if chats[1:] and question is chats[1]:
            raise InvalidValue(field, "is chat again; a form holds one conversation, leave one out")
        if chats and question.responses == "all" and _range(question)[0] > 0:
            raise InvalidValue(
                field,
                "needs responses, and a form with a chat has none; beside a chat ask for labels of "
                "the whole task, and rate its end by the chat's own criteria",
            )


def _refuse_suggestions_twice(settings: FormSettings) -> None:
    """A judge suggests marks for one question, so only one of them can show any."""
    at = [number for number, one in enumerate(settings.questions) if _suggests(one)]
    if at[1:]:
        raise InvalidValue(
            f"kind_settings.questions.{at[1]}.settings.suggestions",
            "is on at question {first} already; one question of a form shows what judges suggest",
            first=settings.questions[at[0]].name,
        )


def _refuse_no_number_of_responses(settings: FormSettings) -> None:
    low, high = response_range(settings)
    if low > high:
        raise InvalidValue(
            "kind_settings.questions",
            "no number of responses fits all: one needs {low} or more, another {high} at most",
            low=low,
            high=high,
        )
