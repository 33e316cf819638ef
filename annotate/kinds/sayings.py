"""What answers say, in a form in which those of several people can be compared.

`Kind.said` takes an answer apart into these. `question` names what was asked, a criterion or a
form's question; it is empty for what the kind asks first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Level = Literal["nominal", "ordinal", "interval"]
FIRST, SECOND = "first", "second"


class Label(NamedTuple):
    """`about`: of what within the task, such as a response's id. Values of `ordinal` and `interval`
    are numbers. FIRST and SECOND are the responses that `about` then names, "<smaller id>,<other>".
    """

    question: str
    about: str
    value: str | float
    level: Level = "nominal"


class Order(NamedTuple):
    """Response ids from the best on; `rest` are below all of those, unordered themselves.

    Members of one tier are ties.
    """

    question: str
    tiers: tuple[tuple[int, ...], ...]
    rest: tuple[int, ...] = ()


class Marked(NamedTuple):
    """Stretches (start, end, type) that were marked in a part of a response; may be none."""

    question: str
    response: int
    marks: Mapping[int, Sequence[tuple[int, int, str]]]


Saying = Label | Order | Marked


def preference(question: str, value: Mapping[str, Any], response_ids: Sequence[int]) -> Label:
    """Of an answer with a `verdict` and, where that is "prefer", a `preferred` response."""
    low, high = sorted(response_ids)
    about = f"{low},{high}"
    if value["verdict"] != "prefer":
        return Label(question, about, value["verdict"])
    return Label(question, about, FIRST if value["preferred"] == low else SECOND)
