"""Which of two responses is closer to the third, as one row of radio buttons.

The field carries `closer:<response id>` or `cant_tell`. The anchor is the task's, never sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.errors import InvalidValue
from annotate.kinds.similarity import SimilaritySettings, anchor_of
from annotate.pages.kinds import confidence
from annotate.pages.kinds.fields import number

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Which response is more similar?")
TEMPLATE = "annotate/kinds/similarity.html#bar"
SIDE_TEMPLATE = None
RESPONSE_TEMPLATE = None
SCRIPT = "js/kinds/similarity.js"
STYLES = ("css/kinds/parts.css", "css/kinds/similarity.css")
MARKS_TEXT = False


@dataclass(frozen=True)
class Option:
    """One button: what it sends, its key, its name, the letter of the response it names."""

    value: str
    key: str
    name: str | Promise
    letter: str = ""


def context(settings: SimilaritySettings, task: "ShownTask", value: object) -> dict[str, Any]:
    """A task whose context names no shown response as the anchor has none, and no answers."""
    letters = {response.pk: response.letter for response in task.responses}
    anchor = _anchor(task)
    options = []
    if anchor is not None:
        options = _options(settings, {pk: letters[pk] for pk in letters if pk != anchor})
    return {
        "anchor": None if anchor is None else letters[anchor],
        "options": options,
        "given": format_answer(value) if isinstance(value, Mapping) else "",
        **confidence.context(settings, value),
        "show_bar": True,
        "keys": [
            *((option.key, option.name) for option in options),
            ("← →", _("Along the scale")),
            *confidence.keys(settings),
        ],
    }


def _anchor(task: "ShownTask") -> int | None:
    responses = tuple(ShownResponse(response.pk) for response in task.responses)
    try:
        return anchor_of(Shown(responses, context=task.context))
    except InvalidValue:
        return None


def _options(settings: SimilaritySettings, others: Mapping[int, str]) -> list[Option]:
    """In the order shown, with "can't tell" between; keys are the digits from 1."""
    found = [
        (f"closer:{pk}", format_lazy(_("{letter} is closer"), letter=letter), letter)
        for pk, letter in others.items()
    ]
    if settings.allow_cant_tell:
        found.insert(1, ("cant_tell", _("Can't tell"), ""))
    return [
        Option(value, str(key), name, letter)
        for key, (value, name, letter) in enumerate(found, start=1)
    ]


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    value = parse_answer(post.get(prefix, "")) | confidence.read(post, prefix)
    return value or None


def parse_answer(raw: str) -> dict[str, Any]:
    """The field as a value for the kind's `clean_value`, which says what is wrong with it."""
    if not raw:
        return {}
    verdict, _colon, closer = raw.partition(":")
    if verdict != "closer":
        return {"verdict": raw}
    return {"verdict": "closer", "closer": number(closer)}


def format_answer(value: Mapping[str, Any]) -> str:
    """A value as the field carries it; empty when it says nothing."""
    verdict = str(value.get("verdict", ""))
    return f"closer:{value.get('closer')}" if verdict == "closer" else verdict
