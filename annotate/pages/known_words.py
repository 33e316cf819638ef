"""A stored answer in words, with letters for responses as pages have them."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from annotate import kinds
from annotate.kinds.sayings import Label, Marked, Order, Saying
from annotate.pages.consensus_words import about_words, label_words, question_words
from annotate.pages.kinds.default_words import type_words

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letters_by_place(response_ids: Sequence[int]) -> dict[int, str]:
    """Letters in the order given."""
    return dict(zip(response_ids, LETTERS, strict=False))


def answer_words(kind: str, value: Mapping, letters: Mapping[int, str]) -> list[str]:
    """A line for each thing that the answer says and others' can be compared by."""
    said = kinds.get(kind).said(value, sorted(letters))
    return [_line(one, dict(letters)) for one in said]


def _line(saying: Saying, letters: dict[int, str]) -> str:
    what = question_words(saying.question) if saying.question else ""
    if isinstance(saying, Label):
        about = about_words(saying.about, letters)
        told = label_words(saying.value, saying.about, letters)
    elif isinstance(saying, Order):
        about, told = "", _order(saying, letters)
    else:
        about, told = letters.get(saying.response, "?"), _marks(saying)
    head = " · ".join(filter(None, (what, about)))
    return f"{head}: {told}" if head else told


def _order(saying: Order, letters: dict[int, str]) -> str:
    tiers = [*saying.tiers, *([saying.rest] if saying.rest else [])]
    return " > ".join(" = ".join(letters.get(pk, "?") for pk in tier) for tier in tiers)


def _marks(saying: Marked) -> str:
    marks = [mark for _part, found in sorted(saying.marks.items()) for mark in found]
    told = ", ".join(f"{type_words(name)} {start}–{end}" for start, end, name in marks)
    return told or _("nothing marked")
