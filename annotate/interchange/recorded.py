"""Answers of raw rows: given in Tandem, so they may say all that was asked then.

What the project asks beyond a preference, such as criteria and confidence, is taken where the
answer says it and not missed where it does not. What it does not ask, such as a criterion by
another name, is refused: the answer would be another one without it.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from annotate import kinds
from annotate.inputs import InvalidValue, clean_number
from annotate.interchange.records import ImportedAnswer
from annotate.interchange.renaming import named_value
from annotate.kinds import form, spans
from annotate.kinds.contract import Shown
from annotate.kinds.pairwise import PairwiseSettings
from annotate.kinds.relaxed import relaxed

MOST_MARGIN = 1e15
NAMING = ("preferred", "best", "worst", "closer", "anchor")


def recorded_value(
    kind: str, answer: ImportedAnswer, shown: Shown, settings: Any
) -> dict[str, Any]:
    """The answer in its stored form. Raises InvalidValue for what the project does not take."""
    value = dict(answer.value)
    margin = value.pop("margin", None) if kind == kinds.pairwise.NAME else None
    if margin is not None:
        margin = clean_number("value.margin", margin, low=-MOST_MARGIN, high=MOST_MARGIN)
    asked = settings_for(settings, value)
    rationale = answer.origin.rationale if answer.origin else ""
    found = kinds.get(kind).clean_value(value, shown=shown, settings=asked, rationale=rationale)
    return found if margin is None else {**found, "margin": margin}


def settings_for(settings: Any, value: Mapping[str, Any]) -> Any:
    """The project's, with what this answer says and without what it leaves out."""
    if isinstance(settings, form.FormSettings):
        answers = value.get("answers")
        said = answers if isinstance(answers, Mapping) else {}
        questions = tuple(
            replace(
                question,
                required=False,
                settings=settings_for(question.settings, _object(said.get(question.name))),
            )
            for question in settings.questions
        )
        return replace(settings, questions=questions, rationale_min_chars=0)
    found = relaxed(settings)
    changes: dict[str, Any] = {}
    if "confidence" in value and "confidence" in {field.name for field in fields(settings)}:
        changes["confidence"] = True
    if isinstance(settings, PairwiseSettings):
        named = _object(value.get("criteria"))
        unknown = set(named) - {criterion.name for criterion in settings.criteria}
        if unknown:
            raise InvalidValue(
                "value.criteria",
                "This project does not ask {criterion}. Add the criterion, or leave it out of the "
                "row.",
                criterion=min(unknown),
            )
        changes["criteria"] = tuple(one for one in settings.criteria if one.name in named)
    return replace(found, **changes)


def renamed_value(kind: str, value: Mapping[str, Any], names: Mapping[int, Any]) -> dict[str, Any]:
    """An answer of any kind with other ids of responses, a form's without what was `asked`.

    Raises KeyError, TypeError or ValueError where it names a response that is not there.
    """
    if kind == form.NAME:
        answers = {
            name: renamed_value(_kind_of(answer), answer, names)
            for name, answer in value["answers"].items()
        }
        return {"answers": answers}
    for field in NAMING:
        if value.get(field) is not None and value[field] not in names:
            raise KeyError(value[field])  # another's id must not pass for a position
    named = named_value(kind, value, names, None)
    if isinstance(value.get("criteria"), Mapping):
        criteria = value["criteria"].items()
        named["criteria"] = {name: renamed_value("", said, names) for name, said in criteria}
    return named


def _kind_of(answer: Mapping[str, Any]) -> str:
    """Spans name responses in their own way; the others need no telling apart."""
    return spans.NAME if "marks" in answer else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
