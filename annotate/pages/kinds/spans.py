"""Marking spans: types in the bar, marks and passages beside the responses, corrections below.

Fields, below the question's prefix: the prefix itself, with the whole answer as JSON, and
`.confidence`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.critique import text_of
from annotate.kinds.span_settings import (
    PASSAGE_SENTENCES,
    MissingType,
    SpansSettings,
    SpanType,
)
from annotate.kinds.span_suggestions import as_told
from annotate.pages.kinds import confidence, json_field
from annotate.rendering.passages import render_passages

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Mark what is wrong")
TEMPLATE = "annotate/kinds/spans.html"
RESPONSE_TEMPLATE = "annotate/kinds/spans_response.html"
SIDE_TEMPLATE = "annotate/kinds/spans_side.html"
SCRIPT = "js/kinds/spans.js"
STYLES = ("css/kinds/spans.css", "css/kinds/spans-side.css")
MARKS_TEXT = True

# What the page and the confidence leave free; further types are chosen by pointer or by Tab.
TYPE_KEYS = "123456789hijkotxyz"


@dataclass(frozen=True)
class TypeButton:
    """A type of error as it is offered. `label` stands on its marks beside their colour."""

    name: str
    title: str
    description: str
    color: int
    key: str
    label: str


def context(settings: SpansSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    suggestions = _suggestions(settings, task)
    return {
        **confidence.context(settings, value),
        "show_bar": True,
        "show_responses": settings.correction,
        "json": _as_json(value),
        "suggestions": suggestions,
        "suggestions_json": json.dumps(suggestions),
        "types": [_button(kind, place) for place, kind in enumerate(settings.types)],
        "missing_types": [
            (kind.name, kind.title or kind.name, kind.description)
            for kind in settings.missing_types
        ],
        "severities": settings.severities,
        "passages": render_passages(task.passages, choosable=_takes_sentences(settings)),
        "passage_count": len(task.passages),
        "response_count": len(task.responses),
        "by_response": {
            response.pk: {"original": text_of(ShownResponse(response.pk, tuple(response.content)))}
            for response in task.responses
        },
        "keys": _keys(settings, bool(task.passages), any(one["marks"] for one in suggestions)),
    }


def _suggestions(settings: SpansSettings, task: "ShownTask") -> list[dict[str, Any]]:
    if not settings.suggestions:
        return []
    responses = (ShownResponse(one.pk, tuple(one.content)) for one in task.responses)
    return as_told(Shown(tuple(responses), suggestions=tuple(task.suggestions)), settings)


def _button(kind: SpanType, place: int) -> TypeButton:
    key = TYPE_KEYS[place] if place < len(TYPE_KEYS) else ""
    title = kind.title or kind.name
    return TypeButton(kind.name, title, kind.description, kind.color, key, key or str(place + 1))


def _takes_sentences(settings: SpansSettings) -> bool:
    kinds: list[SpanType | MissingType] = [*settings.types, *settings.missing_types]
    return any(kind.evidence == PASSAGE_SENTENCES for kind in kinds)


def _as_json(value: object) -> str:
    """What the script starts from; nothing where the value is none that it could have written."""
    if not isinstance(value, Mapping):
        return ""
    answer = {name: entry for name, entry in value.items() if name != "confidence"}
    try:
        # Escaped, since a lone surrogate cannot be sent as it is.
        return json.dumps(answer, allow_nan=False) if answer else ""
    except (ValueError, RecursionError):
        return ""


def _keys(
    settings: SpansSettings, has_passages: bool, has_suggestions: bool
) -> list[tuple[str, Any]]:
    keys: list[tuple[str, Any]] = [
        ("1 … 9", _("Mark the selected text, or give the chosen mark another type")),
        ("← → ↑ ↓", _("Move the cursor in a response; with Ctrl by words and sentences")),
        ("⇧ ← →", _("Select")),
        ("[ ]", _("To the mark before, the next one")),
        ("Del", _("Delete the chosen mark")),
        ("Ctrl Z", _("Take the last mark back")),
    ]
    if has_suggestions:
        keys.append(("+", _("Accept the chosen suggestion; a type's key changes it")))
        keys.append(("Del", _("Dismiss the chosen suggestion")))
        keys.append(("*", _("Accept all suggestions")))
    if settings.missing_types:
        keys.append(("m", _("Add what is missing")))
    if has_passages:
        keys.append(("v", _("Passages, and back to the marks")))
    if settings.correction:
        keys.append(("c", _("Correct the text")))
    keys.append(("0", _("No error")))
    return keys + confidence.keys(settings)


def read(post: MultiValueDict, prefix: str) -> object:
    value = json_field.read(post, prefix)
    sure = confidence.read(post, prefix)
    if not sure or not isinstance(value, dict | None):
        return value
    return {**(value or {}), **sure}
