"""The answer scale of pairwise preference, from A much better to B much better, as a form.

One field carries a preference, so that radio buttons alone can send it:
`prefer:<response id>:<strength>`, or the verdict itself (`tie`, `both_good`, `both_bad`).
The overall preference stands in the bar; criteria, if any, in the panel beside the responses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from annotate.kinds.criteria import Criterion
from annotate.kinds.pairwise import PairwiseSettings
from annotate.pages.kinds import confidence
from annotate.pages.kinds.fields import number, written

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Which response is better?")
TEMPLATE = "annotate/kinds/pairwise.html#bar"
SIDE_TEMPLATE = "annotate/kinds/pairwise.html#side"
RESPONSE_TEMPLATE = None
SCRIPT = "js/kinds/pairwise.js"
STYLES = ("css/kinds/pairwise.css",)
MARKS_TEXT = False

_WORDS = {
    ("A", 3): (_("A is much better"), _("much better")),
    ("A", 2): (_("A is better"), _("better")),
    ("A", 1): (_("A is slightly better"), _("slightly")),
    ("B", 3): (_("B is much better"), _("much better")),
    ("B", 2): (_("B is better"), _("better")),
    ("B", 1): (_("B is slightly better"), _("slightly")),
}
_SINGLE = {"A": (_("A is better"), _("better")), "B": (_("B is better"), _("better"))}


@dataclass(frozen=True)
class Option:
    """One button: what it sends, its key, its full name, and how it looks."""

    value: str
    key: str
    name: str | Promise
    word: str | Promise
    letter: str = ""
    strength: int = 0


@dataclass(frozen=True)
class Row:
    """One preference to be given: the overall one, or by a criterion.

    `below` follows the question's prefix in the names of the fields.
    """

    below: str
    answer: str
    confidence: str
    criterion: Criterion | None = None
    reasons: Sequence[str] = ()
    own_reason: str = ""


def context(settings: PairwiseSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {}
    criteria = given.get("criteria")
    criteria = criteria if isinstance(criteria, Mapping) else {}
    options = scale(settings, [response.pk for response in task.responses])
    beside = others(settings)
    keys = [(option.key, option.name) for option in (*options, *beside)]
    keys.append(("← →", _("Along the scale")))
    keys += confidence.keys(settings)
    if any(criterion.reasons for criterion in settings.criteria):
        keys.append(("⇧ 1 … 9", _("Check a reason")))
    if settings.criteria:
        said = _("On a criterion: to the next one; it may stay open until you submit")
        keys.append(("Enter", said))
    return {
        "scale": options,
        "others": beside,
        "confidence": confidence.CHOICES if settings.confidence else (),
        "overall": _row("", given),
        "criteria": [
            _row(f".criteria.{criterion.name}", criteria.get(criterion.name), criterion)
            for criterion in settings.criteria
        ],
        "show_side": bool(settings.criteria),
        "keys": keys,
    }


def _row(below: str, given: object, criterion: Criterion | None = None) -> Row:
    given = given if isinstance(given, Mapping) else {}
    reasons = given.get("reasons")
    return Row(
        below=below,
        answer=format_answer(given),
        confidence=str(given.get("confidence", "")),
        criterion=criterion,
        reasons=reasons if isinstance(reasons, list) else (),
        own_reason=str(given.get("own_reason", "")),
    )


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    value = _read_preference(post, prefix)
    below = f"{prefix}.criteria."
    names = {name.removeprefix(below).split(".")[0] for name in post if name.startswith(below)}
    criteria = {name: _read_criterion(post, below + name) for name in sorted(names)}
    criteria = {name: answer for name, answer in criteria.items() if answer}
    if criteria:
        value["criteria"] = criteria
    return value or None


def _read_criterion(post: MultiValueDict, prefix: str) -> dict[str, Any]:
    value = _read_preference(post, prefix)
    if reasons := post.getlist(f"{prefix}.reasons"):
        value["reasons"] = reasons
    if own := written(post, f"{prefix}.own_reason"):
        value["own_reason"] = own
    return value


def _read_preference(post: MultiValueDict, prefix: str) -> dict[str, Any]:
    return parse_answer(post.get(prefix, "")) | confidence.read(post, prefix)


def scale(settings: PairwiseSettings, response_ids: Sequence[int]) -> list[Option]:
    """From A to B; keys are the digits from 1, in the order shown."""
    first, second = response_ids
    levels = range(settings.strength_levels, 0, -1)
    cells = [("A", first, level) for level in levels]
    cells += [("", 0, 0)] if settings.allow_tie else []
    cells += [("B", second, level) for level in reversed(levels)]
    options = []
    for key, (letter, response_id, level) in enumerate(cells, start=1):
        if not letter:
            word = pgettext_lazy("a place on the scale", "Tie")
            options.append(Option("tie", str(key), _("Tie: equally good"), word))
            continue
        name, word = _SINGLE[letter] if settings.strength_levels == 1 else _WORDS[(letter, level)]
        options.append(Option(f"prefer:{response_id}:{level}", str(key), name, word, letter, level))
    return options


def others(settings: PairwiseSettings) -> list[Option]:
    """Answers beside the scale."""
    options = []
    if settings.allow_both_good:
        options.append(Option("both_good", "9", _("Both are good"), _("Both good")))
    if settings.allow_both_bad:
        options.append(Option("both_bad", "0", _("Both are bad"), _("Both bad")))
    return options


def parse_answer(raw: str) -> dict:
    """The field as a value for the kind's `clean_value`, which says what is wrong with it."""
    if not raw:
        return {}
    verdict, _colon, rest = raw.partition(":")
    if verdict != "prefer":
        return {"verdict": raw}
    preferred, _colon, strength = rest.partition(":")
    return {"verdict": "prefer", "preferred": number(preferred), "strength": number(strength)}


def format_answer(value: Mapping) -> str:
    """A value as the field carries it; empty when there is no preference in it."""
    verdict = str(value.get("verdict", ""))
    if verdict != "prefer":
        return verdict
    return f"prefer:{value.get('preferred')}:{value.get('strength')}"
