"""Pairwise preference under a criterion, or in a situation, that the task states.

The task's context gives one or both, as text::

    context: {"criterion": "Which answer is more concise?", "situation": "The reader is a child."}

Value, version 1: that of `pairwise`, and what it was judged under (the criterion, or else the
situation), added by `clean_value`::

    {"verdict": "prefer", "preferred": 3, "strength": 1, "under": "Which answer is more concise?"}

Context-aware preference modelling: Pitis, Xiao, Le Roux and Sordoni (2024, arXiv 2407.14916).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.inputs import clean_text
from annotate.kinds import pairwise
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue

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
    statements = statements_of(shown)
    under = next(statements[name] for name in STATEMENTS if name in statements)
    if isinstance(raw, Mapping) and "under" in raw:
        if raw["under"] != under:
            raise InvalidValue("value.under", "is not what the task states; leave it out")
        raw = {name: entry for name, entry in raw.items() if name != "under"}
    value = pairwise.clean_value(raw, shown=shown, settings=settings, rationale=rationale)
    return {**value, "under": under}


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
    """The one preference of the answer. It holds under `value["under"]`, not in general."""
    return pairwise.pairs(value, response_ids)


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """As of `pairwise`; answers under different statements are compared all the same."""
    return pairwise.distance(a, b, response_ids)
