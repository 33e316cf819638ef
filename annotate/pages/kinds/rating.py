"""Rating of each response, under it: a row of radio buttons or a number by criterion or word.

Fields, below the question's prefix::

    .ratings.<response id>               empty; says that the response is rated here
    .ratings.<response id>.<criterion>   a point, a number, "yes", "no", "unsure" or "na"
    .na.<response id>.<criterion>        "na", beside a number
    .words.<response id>                 how many words there are
    .words.<response id>.<index>         "yes", "no" or "unsure"
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.kinds.contract import Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.rating import MAX_WORDS, Criterion, RatingSettings, words_of
from annotate.kinds.scales import Scale
from annotate.pages.kinds import confidence

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Rate each response")
TEMPLATE = confidence.TEMPLATE
SIDE_TEMPLATE = None
RESPONSE_TEMPLATE = "annotate/kinds/rating.html"
SCRIPT = "js/kinds/rating.js"
STYLES = ("css/kinds/parts.css", "css/kinds/rating.css")
MARKS_TEXT = False

# More points than this are typed.
MOST_BUTTONS = 10
NUMBER = re.compile(r"-?\d{1,17}(\.\d{1,17})?(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Option:
    """One button: what it sends, its key, its full name, what stands on it, and a label."""

    value: str
    key: str
    name: str | Promise
    word: str | Promise
    label: str = ""


YES_NO = (
    Option("yes", "1", _("Yes"), _("Yes")),
    Option("no", "2", _("No"), _("No")),
    Option("unsure", "3", _("Unsure"), _("Unsure")),
)
NOT_APPLICABLE = Option("na", "x", _("Does not apply"), _("n/a"))


@dataclass(frozen=True)
class Row:
    """What is rated of one response. Without `options` it is a number from `low` to `high`.

    `below` follows the question's prefix in the names of the fields, `name` is the criterion's.
    """

    below: str
    name: str
    title: str
    given: str
    description: str = ""
    options: Sequence[Option] = ()
    low: str = ""
    high: str = ""
    step: str = ""
    required: bool = True
    na: Option | None = None
    na_below: str = ""

    @property
    def id(self) -> str:
        return self.below.replace(".", "-")

    @property
    def ends(self) -> tuple[str, str] | None:
        """The labels of the lowest and the highest point."""
        labels = [option.label for option in self.options]
        return (labels[0], labels[-1]) if any(labels) else None


def context(settings: RatingSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {}
    ratings, marks = _mapping(given.get("ratings")), _mapping(given.get("words"))
    words = _words(settings, task)
    by_response = {}
    for response in task.responses:
        pk = response.pk
        rated = _mapping(ratings.get(str(pk)))
        by_response[pk] = {
            "rows": [_row(criterion, pk, rated) for criterion in settings.criteria],
            "words": _word_rows(words, pk, marks.get(str(pk))),
        }
    return {
        **confidence.context(settings, value),
        "by_response": by_response,
        "keys": _keys(settings, words),
    }


def _words(settings: RatingSettings, task: "ShownTask") -> tuple[str, ...]:
    """The words asked about; of a task whose words are wrong, none: its answer is refused."""
    if not settings.words:
        return ()
    try:
        return words_of(Shown((), context=task.context))
    except InvalidValue:
        return ()


def _keys(settings: RatingSettings, words: Sequence[str]) -> list[tuple[str, Any]]:
    keys: list[tuple[str, Any]] = [("1 … 9", _("Rate, and on to the next"))]
    if words or any(criterion.scale.type == "yes_no" for criterion in settings.criteria):
        keys.append(("1 2 3", _("Yes, no, unsure")))
    if any(criterion.allow_na for criterion in settings.criteria):
        keys.append((NOT_APPLICABLE.key, NOT_APPLICABLE.name))
    keys += [("↑ ↓", _("To the one before, the next")), ("← →", _("Along the scale"))]
    return keys + confidence.keys(settings)


def _row(criterion: Criterion, pk: int, rated: Mapping) -> Row:
    name, scale = criterion.name, criterion.scale
    given = ""
    if name in rated:
        given = NOT_APPLICABLE.value if rated[name] is None else _as_text(rated[name])
    low, high, step = _range(scale)
    return Row(
        below=f".ratings.{pk}.{name}",
        name=name,
        title=criterion.title or name,
        description=criterion.description,
        given=given,
        options=_options(scale),
        low=low,
        high=high,
        step=step,
        required=criterion.required,
        na=NOT_APPLICABLE if criterion.allow_na else None,
        na_below=f".na.{pk}.{name}",
    )


def _as_text(rating: object) -> str:
    """As an option's value has it: 2 for 2.0."""
    if isinstance(rating, float) and rating.is_integer():
        return str(int(rating))
    return str(rating)


def _options(scale: Scale) -> Sequence[Option]:
    if scale.type == "yes_no":
        return YES_NO
    if scale.type == "number":
        return [Option(str(one), str(one), str(one), str(one)) for one in _whole_values(scale)]
    if scale.points > MOST_BUTTONS:
        return ()
    options = []
    for point in range(1, scale.points + 1):
        label = scale.labels[point - 1] if scale.labels else ""
        name = f"{point}: {label}" if label else str(point)
        options.append(Option(str(point), str(point % 10), name, str(point), label))
    return options


def _whole_values(scale: Scale) -> Sequence[int]:
    """The values of a number scale that one digit each can choose; else none."""
    ends = (scale.min, scale.max, scale.step)
    if not all(isinstance(end, int | float) and float(end).is_integer() for end in ends):
        return ()
    low, high, step = (int(end) for end in ends)
    return range(low, high + 1, step) if step > 0 and low >= 0 and high <= 9 else ()


def _range(scale: Scale) -> tuple[str, str, str]:
    """Least, greatest and step, as number fields take them."""
    if scale.type == "number":
        return str(scale.min), str(scale.max), str(scale.step) if scale.step else "any"
    return "1", str(scale.points), "1"


def _word_rows(words: Sequence[str], pk: int, marks: object) -> list[Row]:
    given = marks if isinstance(marks, list) else []
    return [
        Row(
            below=f".words.{pk}.{index}",
            name=str(index),
            title=word,
            given=str(given[index]) if index < len(given) else "",
            options=YES_NO,
        )
        for index, word in enumerate(words)
    ]


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    ratings: dict[str, dict[str, Any]] = {}
    for pk, name, text in _fields(post, f"{prefix}.ratings."):
        rated = ratings.setdefault(pk, {})
        if name and text:
            rated[name] = _rating(text)
    for pk, name, text in _fields(post, f"{prefix}.na."):
        rated = ratings.setdefault(pk, {})
        if text:
            # Both a number and that it does not apply: refused, with both in it.
            rated[name] = f"{text} {rated[name]}" if name in rated else None
    words: dict[str, list[str | None]] = {}
    for pk, name, text in _fields(post, f"{prefix}.words."):
        if not name and _is_count(text):
            marks = (post.get(f"{prefix}.words.{pk}.{index}") for index in range(int(text)))
            words[pk] = [mark or None for mark in marks]
    value: dict[str, Any] = confidence.read(post, prefix)
    if any(ratings.values()) or any(any(marks) for marks in words.values()):
        value["ratings"] = ratings
        if words:
            value["words"] = words
    return value or None


def _fields(post: MultiValueDict, start: str) -> Iterator[tuple[str, str, str]]:
    """(response id, the rest of the name, text) of the fields whose names start so."""
    for field in sorted(name for name in post if name.startswith(start)):
        pk, _dot, name = field.removeprefix(start).partition(".")
        yield pk, name, post.get(field) or ""


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MAX_WORDS


def _rating(text: str) -> int | float | str | None:
    if text == NOT_APPLICABLE.value:
        return None
    if NUMBER.fullmatch(text) is None:
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(text) if text.removeprefix("-").isdigit() else number


def _mapping(value: object) -> Mapping:
    return value if isinstance(value, Mapping) else {}
