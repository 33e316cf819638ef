"""Joint preference: which of two (prompt, response) pairs with different prompts is better.

The task's own prompt is that of every response which its context does not give another one::

    context: {"prompts": {"<response id>": <text or list of {"role", "content"}>}}

Value, version 1, as that of `pairwise`::

    {"verdict": "prefer", "preferred": <response id>, "strength": 1 | 2 | 3}
    {"verdict": "tie" | "both_good" | "both_bad"}

The judgements of DOVE (Bansal et al., Comparing Bad Apples to Good Oranges, 2024, arXiv
2404.00530), whose loss takes each response with its own prompt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.kinds import answers, pairwise
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue

NAME = "joint"
SCHEMA_VERSION = 1
RESPONSES = (2, 2)
NEEDS_CONTENT = True

clean_settings = pairwise.clean_settings
distance = pairwise.distance
said = pairwise.said


def clean_value(
    raw: object, *, shown: Shown, settings: pairwise.PairwiseSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue, also for a task with but one prompt."""
    prompts_of(shown)
    return pairwise.clean_value(raw, shown=shown, settings=settings, rationale=rationale)


def prompts_of(shown: Shown) -> dict[int, Any]:
    """The prompt of each response by its id; None is the task's own. Raises InvalidValue."""
    field = "context.prompts"
    raw = (shown.context or {}).get("prompts")
    given = answers.for_responses(field, raw, shown, lambda path, entry, pk: entry, every=False)
    for key, prompt in given.items():
        if not isinstance(prompt, str | list) or not prompt:
            raise InvalidValue(f"{field}.{key}", "must be a text or a list of messages")
    prompts = {pk: given.get(str(pk)) for pk in shown.response_ids}
    first, *others = prompts.values()
    if first in others:
        raise InvalidValue(field, "gives both responses one prompt; use the kind pairwise for it")
    return prompts


def joint_pair(value: Mapping[str, Any], response_ids: Sequence[int]) -> Pair:
    """The preference, for an export that writes each response with its own prompt."""
    return pairwise.to_pair(value, response_ids)


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: trainers take a pair as two answers to one prompt. See `joint_pair`."""
    return []
