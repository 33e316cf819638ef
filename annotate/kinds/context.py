"""Pairwise preference under a criterion, or in a situation, that the task states.

The task's context gives one or both, as text::

    context: {"criterion": "Which answer is more concise?", "situation": "The reader is a child."}

Value, version 1: that of `pairwise`, and what it was judged under (the criterion, or else the
situation), added by `clean_value`::

    {"verdict": "prefer", "preferred": 3, "strength": 1, "under": "Which answer is more concise?"}

Context-aware preference modelling: Pitis, Xiao, Le Roux and Sordoni (2024, arXiv 2407.14916). Where
a model reads the context in its prompt (`prompt_under`) is our choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from annotate.inputs import clean_text
from annotate.kinds import pairwise
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Saying

NAME = "context"
SCHEMA_VERSION = 1
RESPONSES = (2, 2)
NEEDS_CONTENT = True
STATEMENTS = ("criterion", "situation")
MAX_STATEMENT_CHARS = 5000

clean_settings = pairwise.clean_settings


def clean_value(
    raw: object, *, shown: Shown, settings: pairwise.PairwiseSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue, also for a task that states nothing."""
    under = under_of(shown)
    if isinstance(raw, Mapping) and "under" in raw:
        if raw["under"] != under:
            raise InvalidValue("value.under", "is not what the task states; leave it out")
        raw = {name: entry for name, entry in raw.items() if name != "under"}
    value = pairwise.clean_value(raw, shown=shown, settings=settings, rationale=rationale)
    return {**value, "under": under}


def under_of(shown: Shown) -> str:
    """What an answer's `under` is: the criterion, or else the situation. Raises InvalidValue."""
    statements = statements_of(shown)
    return next(statements[name] for name in STATEMENTS if name in statements)


def statements_of(shown: Shown) -> dict[str, str]:
    """The task's criterion and situation, one at least. Raises InvalidValue for a wrong task."""
    given = shown.context or {}
    stated = {
        name: clean_text(
            f"context.{name}", given[name], max_chars=MAX_STATEMENT_CHARS, required=True
        )
        for name in STATEMENTS
        if name in given
    }
    if not stated:
        raise InvalidValue("context.criterion", "is missing; the task must state what to judge by")
    return stated


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """The one preference of the answer. It holds under what the task states, not in general."""
    return [replace(pair, stated=True) for pair in pairwise.pairs(value, response_ids)]


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """As of `pairwise`, under whatever the task states."""
    return pairwise.said(value, response_ids)


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """As of `pairwise`; answers under different statements are compared all the same."""
    return pairwise.distance(a, b, response_ids)


def stated_text(context: Mapping[str, Any]) -> str:
    """The situation and then the criterion, a blank line between them; empty without any."""
    given = [context.get(name) for name in reversed(STATEMENTS)]
    return "\n\n".join(text.strip() for text in given if isinstance(text, str) and text.strip())


def prompt_under(
    turns: Sequence[Mapping[str, Any]], context: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The turns as a model is to read them under what a task states: at the end of the last turn,
    or in a user's turn of its own where the last is not a user's. As they are if nothing is stated.

    A turn's content is a text or a list of parts.
    """
    text = stated_text(context)
    found = [dict(turn) for turn in turns]
    if not text:
        return found
    if not found or found[-1]["role"] != "user":
        return [*found, {"role": "user", "content": text}]
    said = found[-1]["content"]
    if isinstance(said, str):
        found[-1]["content"] = f"{said}\n\n{text}"
    else:
        found[-1]["content"] = [*said, {"type": "text", "text": text}]
    return found
