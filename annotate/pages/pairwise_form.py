"""The answer scale of pairwise preference, from A much better to B much better, as a form.

One field carries the answer, so that radio buttons alone can send it:
`prefer:<response id>:<strength>`, or the verdict itself (`tie`, `both_good`, `both_bad`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.kinds.pairwise import PairwiseSettings

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
            options.append(Option("tie", str(key), _("Tie: equally good"), _("Tie")))
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
    return {"verdict": "prefer", "preferred": _number(preferred), "strength": _number(strength)}


def format_answer(value: Mapping) -> str:
    """A stored value as the field carries it."""
    if value["verdict"] != "prefer":
        return value["verdict"]
    return f"prefer:{value['preferred']}:{value['strength']}"


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
