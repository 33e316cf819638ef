"""The kinds of feedback. One module a kind; `get` finds it by name.

A kind module is pure: plain values in, plain values out. `contract.Kind` tells what it has.
`parts` lists those that stand alone, `form` combines them.
"""

from typing import Any

from annotate.kinds import context, form, pairwise, ranking, rating, spans
from annotate.kinds.contract import Kind
from annotate.kinds.errors import InvalidValue
from annotate.kinds.parts import PARTS

KINDS: dict[str, Kind] = {**PARTS, form.NAME: form}


def get(name: str) -> Kind:
    """The kind's module. Raises KeyError with the names there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise KeyError(f"unknown kind {name!r}; there are: {', '.join(sorted(KINDS))}") from None


def response_range(kind: Kind, settings: Any) -> tuple[int, int]:
    """The least and the greatest number of responses of a task; a form's parts decide its own."""
    if isinstance(settings, form.FormSettings):
        return form.response_range(settings)
    return kind.RESPONSES


def needs_content(kind: Kind, settings: Any) -> bool:
    """Whether `clean_value` needs more than the responses' ids; a form's parts decide its own."""
    if isinstance(settings, form.FormSettings):
        return form.needs_content(settings)
    return kind.NEEDS_CONTENT


def strength_levels(kind: Kind, settings: Any) -> int:
    """How many steps of strength its pairs tell apart: 0 if it makes none, 1 if all count alike.

    A form's are those of the first question that makes pairs.
    """
    if isinstance(settings, form.FormSettings):
        found = (strength_levels(PARTS[asked.kind], asked.settings) for asked in settings.questions)
        return next((levels for levels in found if levels), 0)
    if kind.NAME in (pairwise.NAME, context.NAME):
        return int(settings.strength_levels)
    return {ranking.NAME: 1, rating.NAME: 3}.get(kind.NAME, 0)


__all__ = [
    "KINDS",
    "PARTS",
    "InvalidValue",
    "Kind",
    "get",
    "needs_content",
    "pairwise",
    "response_range",
    "spans",
    "strength_levels",
]
