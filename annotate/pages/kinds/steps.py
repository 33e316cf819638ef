"""Steps of each response, shown under it one by one: right, neutral, wrong, or the first wrong.

Fields, below the question's prefix::

    .steps.<response id>             how many steps it has; says that it is judged here
    .label.<response id>.<step>      "1", "0" or "-1", where every step is judged
    .first.<response id>             the number of the first wrong step, or "none"
    .critique.<response id>.<step>   what is wrong with it
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from annotate.kinds.errors import InvalidValue
from annotate.kinds.steps import MAX_CRITIQUE_CHARS, MAX_STEPS, StepsSettings, split_steps
from annotate.pages.kinds import confidence
from annotate.pages.kinds.fields import written
from annotate.rendering import render_markdown

if TYPE_CHECKING:
    from annotate.pages.shown import ShownResponse, ShownTask

TITLE = _("Judge each step")
TEMPLATE = confidence.TEMPLATE
SIDE_TEMPLATE = None
RESPONSE_TEMPLATE = "annotate/kinds/steps.html"
SCRIPT = "js/kinds/steps.js"
STYLES = ("css/kinds/parts.css", "css/kinds/steps.css")
MARKS_TEXT = False

NONE = "none"
TEXT_PARTS = ("text", "steps")
NUMBER = re.compile(r"-?[0-9]{1,6}")


@dataclass(frozen=True)
class Option:
    """One button: what it sends, its key, its name, and the sign before it."""

    value: str
    key: str
    name: str | Promise
    sign: str


LABELS = (
    Option("1", "1", _("Right"), "+"),
    Option("0", "2", _("Neutral"), "○"),
    Option("-1", "3", _("Wrong"), "−"),
)


@dataclass(frozen=True)
class Step:
    """A step, its label as the field sends it, and its critique; where both are in the answer."""

    number: int
    html: SafeString
    label: str
    critique: str
    label_below: str
    critique_below: str

    @property
    def place(self) -> int:
        """As people count."""
        return self.number + 1


def context(settings: StepsSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {}
    labels, critiques = _mapping(given.get("labels")), _mapping(given.get("critiques"))
    by_response = {}
    for response in task.responses:
        pk = str(response.pk)
        steps = _steps(settings, response, labels.get(pk), _mapping(critiques.get(pk)))
        by_response[response.pk] = {
            "steps": steps,
            "first": _first_wrong(labels.get(pk), len(steps)),
            "replaces": _replaces(response),
        }
    return {
        **confidence.context(settings, value),
        "by_response": by_response,
        "options": LABELS,
        "each": settings.mode == "each",
        "critiques": settings.critiques != "none",
        "most_chars": MAX_CRITIQUE_CHARS,
        "keys": _keys(settings),
    }


def _keys(settings: StepsSettings) -> list[tuple[str, Any]]:
    if settings.mode == "each":
        keys = [(option.key, option.name) for option in LABELS]
    else:
        keys = [
            ("1", _("Right so far, on to the next step")),
            ("3", _("This is the first wrong step")),
            ("0", _("No step is wrong")),
        ]
    keys.append(("↑ ↓", _("To the step before, the next")))
    if settings.critiques != "none":
        keys.append(("c", _("Say what is wrong (Esc leaves)")))
    return keys + confidence.keys(settings)


def _steps(
    settings: StepsSettings, response: "ShownResponse", labels: object, critiques: Mapping
) -> list[Step]:
    """Of a response whose steps are no texts there are none: the answer is refused."""
    try:
        texts = split_steps(response.content, settings.split)
    except InvalidValue:
        return []
    given = labels if isinstance(labels, list) else []
    return [
        Step(
            number=number,
            html=render_markdown(text),
            label="" if number >= len(given) or given[number] is None else str(given[number]),
            critique=str(critiques.get(str(number), "")),
            label_below=f".labels.{response.pk}.{number}",
            critique_below=f".critiques.{response.pk}.{number}",
        )
        for number, text in enumerate(texts)
    ]


def _first_wrong(labels: object, count: int) -> str:
    if not isinstance(labels, list) or len(labels) != count:
        return ""
    if -1 in labels:
        return str(labels.index(-1))
    return NONE if labels == [1] * count else ""


def _replaces(response: "ShownResponse") -> bool:
    """Whether the steps say all that the response does, and nobody marks its text."""
    return not response.marked and all(part.get("type") in TEXT_PARTS for part in response.content)


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    labels: dict[str, list[Any]] = {}
    critiques: dict[str, dict[str, str]] = {}
    touched = False
    start = f"{prefix}.steps."
    for field in sorted(name for name in post if name.startswith(start)):
        pk, count = field.removeprefix(start), _count(post.get(field) or "")
        judged = _labels(post, prefix, pk, count)
        if judged is not None:
            labels[pk] = judged
            touched = touched or count > 0
        texts = _critiques(post, f"{prefix}.critique.{pk}.")
        if texts:
            critiques[pk] = texts
    value: dict[str, Any] = confidence.read(post, prefix)
    if touched or critiques:
        value["labels"] = labels
    if critiques:
        value["critiques"] = critiques
    return value or None


def _labels(post: MultiValueDict, prefix: str, pk: str, count: int) -> list[Any] | None:
    """The labels of one response, None while it is untouched."""
    first = post.get(f"{prefix}.first.{pk}")
    if first == NONE:
        return [1] * count
    if first:
        number = _number(first)
        if not isinstance(number, int) or not 0 <= number < count:
            return [first]
        return [1] * number + [-1] + [None] * (count - number - 1)
    given = [post.get(f"{prefix}.label.{pk}.{number}") for number in range(count)]
    if count and not any(given):
        return None
    return [_number(text) if text else None for text in given]


def _critiques(post: MultiValueDict, start: str) -> dict[str, str]:
    texts = {
        name.removeprefix(start): written(post, name) for name in post if name.startswith(start)
    }
    return {number: text for number, text in texts.items() if text.strip()}


def _count(text: str) -> int:
    number = _number(text)
    return number if isinstance(number, int) and 0 <= number <= MAX_STEPS else 0


def _number(text: str) -> int | str:
    return int(text) if NUMBER.fullmatch(text) else text


def _mapping(value: object) -> Mapping:
    return value if isinstance(value, Mapping) else {}
