"""Words that the kinds' defaults bring, and names that presets bring without a title.

A project keeps them in English. Where nobody gave others, readers get them in their language.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, pgettext

from annotate.kinds.chat import ChatSettings
from annotate.kinds.labels import Label, LabelsSettings
from annotate.kinds.rating import RatingSettings
from annotate.kinds.span_settings import SpansSettings
from annotate.presets import words


def _brought() -> Iterator[str]:
    spans = SpansSettings()
    yield from (one.title or one.name for one in (*spans.types, *spans.missing_types))
    yield from (one.title or one.name for one in RatingSettings().criteria)
    yield from (one.title or one.name for one in LabelsSettings().tree)
    yield from ChatSettings().final_criteria


DEFAULTS = frozenset(_brought())
TYPES = {one.name: one.title for one in SpansSettings().types}


def said(text: str) -> str:
    """In the reader's language if a kind or a preset brought it, else as it is."""
    if text in words.chat_criteria():
        return pgettext(words.CONTEXT, text)
    return gettext(text) if text in DEFAULTS else text


def type_words(name: str) -> str:
    """Of a type of marks where answers name no more of it; as it is if no kind brought it."""
    return said(TYPES.get(name, name))


def in_readers_words(settings: Any) -> Any:
    """The settings with what they bring said in the reader's language. Names stay."""
    if isinstance(settings, SpansSettings):
        types = tuple(_titled(one) for one in settings.types)
        missing = tuple(_titled(one) for one in settings.missing_types)
        return replace(settings, types=types, missing_types=missing)
    if isinstance(settings, RatingSettings):
        return replace(settings, criteria=tuple(_titled(one) for one in settings.criteria))
    if isinstance(settings, LabelsSettings):
        return replace(settings, tree=tuple(_labelled(one) for one in settings.tree))
    return settings


def _titled(one: Any) -> Any:
    title = one.title or one.name
    return replace(one, title=said(title)) if title in DEFAULTS else one


def _labelled(label: Label) -> Label:
    return replace(_titled(label), children=tuple(_labelled(one) for one in label.children))
