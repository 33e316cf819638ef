"""What ratings, marks and critiques share: each response is looked at alone.

So there is no order that could play a part, and no other response to compare with.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from annotate.kinds.contract import Shown
from routing.judges import Question


def showings(question: Question) -> list[tuple[int, ...]]:
    return [(pk,) for pk in question.response_ids]


def alone(question: Question, shown: Sequence[int]) -> Shown:
    """The one response, as the kind's module wants it. Words of an image's prompt, which a task's
    context may ask about, are people's to check.
    """
    whole = question.shown or Shown.of_ids(question.response_ids)
    [pk] = shown
    return replace(whole, responses=(whole.response(pk, "response"),), context=None)


def without_extras(settings: Any) -> Any:
    """The settings without what only people are asked for: rationale and confidence."""
    return replace(settings, confidence=False, rationale_min_chars=0)
