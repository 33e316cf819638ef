"""Ranking as a form: the way to answer, the best and the worst, a place for every response.

Fields by what follows the question's prefix: nothing, the verdict; `.best` and `.worst`, response
ids; `.place.<id>`, a number or `unrankable`; `.reason.<id>`, why it is; `.confidence`. Equal
places are ties, and gaps between places mean nothing. The first way to answer is checked from the
start, so it is no answer by itself. The script keeps its order in the same fields.

A form may ask about some of the task's responses, which turn out on the page: of two, the script
offers the order in the place of best and worst.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.kinds.ranking import MODES, RankingSettings, offered_modes, offered_verdicts
from annotate.pages.kinds import confidence
from annotate.pages.kinds.fields import number

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Rank the responses.")
TEMPLATE = "annotate/kinds/ranking.html#bar"
SIDE_TEMPLATE = None
RESPONSE_TEMPLATE = None
SCRIPT = "js/kinds/ranking.js"
STYLES = ("css/kinds/parts.css", "css/kinds/ranking.css", "css/kinds/ranking-order.css")
MARKS_TEXT = False

UNRANKABLE = "unrankable"
ENDS = ("best", "worst")

# Key, and the word on the button.
_WAYS = {
    "best_worst": ("", _("Best and worst")),
    "full": ("", _("Whole order")),
    "best": ("", _("Best")),
    "tie": ("=", _("All equal")),
    "all_good": ("+", _("All good")),
    "all_bad": ("-", _("All bad")),
}
_KEYS = {
    "best": [("1 … 9, 0", _("The best is A … I, J"))],
    "worst": [("⇧ 1 … 0", _("The worst is A … J"))],
    "full": [
        ("1 … 9, 0", _("Next in the order: A … I, J")),
        ("← →", _("Choose a response in the order")),
        ("⇧ ← →", _("Move it: better, worse")),
        ("t", _("Tie it with the one before, or untie it")),
        ("x", _("It cannot be ranked")),
        ("⌫", _("Take it out of the order")),
        ("y", _("The order shown is right")),
    ],
}


@dataclass(frozen=True)
class Way:
    """A way to answer, or an answer that ranks nothing: what it sends, its key, its name."""

    value: str
    key: str
    name: str | Promise


@dataclass(frozen=True)
class Row:
    """A response in the order: its key, its place as the field carries it, why it has none."""

    pk: int
    letter: str
    key: str
    place: str
    reason: str

    @property
    def below(self) -> str:
        """Where its answer keeps why it has no place."""
        return f".unrankable.{self.pk}"


def context(settings: RankingSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {}
    count = len(task.responses)
    modes = offered_modes(settings, count)
    verdicts = offered_verdicts(settings, count)
    verdict = given.get("verdict")
    places = _places(given)
    reasons = given.get("unrankable")
    reasons = reasons if isinstance(reasons, Mapping) else {}
    return {
        "modes": [Way(name, *_WAYS[name]) for name in modes],
        "answers": [Way(name, *_WAYS[name]) for name in verdicts if name not in modes],
        "verdict": verdict if verdict in verdicts else modes[0],
        "ends": [
            (name, given.get(name)) for name in ENDS if name in modes or "best_worst" in modes
        ],
        "rows": [
            Row(
                pk=response.pk,
                letter=response.letter,
                key=str(index % 10),
                place=places.get(str(response.pk), ""),
                reason=str(reasons.get(str(response.pk), "")),
            )
            for index, response in enumerate(task.responses, start=1)
        ],
        "places": [str(place) for place in range(1, count + 1)],
        "has_order": "full" in modes,
        "of_two": _of_two(settings, modes),
        "unrankable": UNRANKABLE if settings.allow_unrankable else "",
        "ties": settings.allow_ties,
        **confidence.context(settings, value),
        "show_bar": True,
        "keys": [*_keys(modes, verdicts), *confidence.keys(settings)],
    }


def _of_two(settings: RankingSettings, modes: tuple[str, ...]) -> list[Way]:
    """The ways that come in only if two of more responses are asked about."""
    return [Way(name, *_WAYS[name]) for name in offered_modes(settings, 2) if name not in modes]


def _keys(modes: tuple[str, ...], verdicts: tuple[str, ...]) -> Iterable[tuple[str, str | Promise]]:
    if "best" in modes or "best_worst" in modes:
        yield from _KEYS["best"]
    if "best_worst" in modes:
        yield from _KEYS["worst"]
    if "full" in modes:
        yield from _KEYS["full"]
    if len(modes) > 1:
        yield "m", _("Another way to answer")
    for name in verdicts:
        if name not in modes:
            yield _WAYS[name]


def _places(given: Mapping[str, Any]) -> dict[str, str]:
    """The place of each response by its id, both as the fields carry them."""
    places = {}
    tiers = given.get("tiers")
    for place, tier in enumerate(tiers if isinstance(tiers, list) else (), start=1):
        for pk in tier if isinstance(tier, list) else ():
            places[str(pk)] = str(place)
    unrankable = given.get("unrankable")
    for pk in unrankable if isinstance(unrankable, Mapping) else ():
        places[str(pk)] = UNRANKABLE
    return places


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    verdict = post.get(prefix, "")
    value: dict[str, Any] = {}
    if verdict == "full":
        value = _read_order(post, prefix)
    elif verdict in MODES:
        ends = ENDS if verdict == "best_worst" else ENDS[:1]
        value = {name: number(pk) for name in ends if (pk := post.get(f"{prefix}.{name}"))}
    value |= confidence.read(post, prefix)
    if not verdict or (verdict in MODES and not value):
        return value or None
    return {"verdict": verdict, **value}


def _read_order(post: MultiValueDict, prefix: str) -> dict[str, Any]:
    """The tiers that the places make; a place that is no number stays for `clean_value`."""
    below = f"{prefix}.place."
    tiers: dict[int, list[int | str]] = {}
    senseless = []
    unrankable = {}
    for name in post:
        place = post.get(name)
        if not name.startswith(below) or not place:
            continue
        pk = name.removeprefix(below)
        if place == UNRANKABLE:
            unrankable[pk] = post.get(f"{prefix}.reason.{pk}", "")
        elif isinstance(at := number(place), int):
            tiers.setdefault(at, []).append(number(pk))
        else:
            senseless.append(place)
    if not (tiers or unrankable or senseless):
        return {}
    order: dict[str, Any] = {"tiers": [*(tiers[at] for at in sorted(tiers)), *senseless]}
    return order | ({"unrankable": unrankable} if unrankable else {})
