"""Query parameters by type: unknown names and wrong values are refused with the remedy."""

from collections.abc import Collection
from datetime import datetime

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from annotate.inputs import BIGINT_MAX, clean_integer, clean_time, unstorable
from annotate.kinds import InvalidValue

YES_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def flag_parameter(name: str, text: str) -> OpenApiParameter:
    """What `read_flag` reads, for the document."""
    return OpenApiParameter(name, str, enum=list(YES_NO), description=text)


def integer_parameter(
    name: str, text: str, *, low: int = 0, high: int = BIGINT_MAX
) -> OpenApiParameter:
    """What `read_integer` reads, for the document."""
    shape = {"type": "integer", "minimum": low, "maximum": high}
    return OpenApiParameter(name, shape, description=text)


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Also refuses values that the database could not hold."""
    for name, values in request.query_params.lists():
        if name not in known and name != "fields":  # which every view reads: see views.py
            raise InvalidValue(name[:100], f"is unknown here; known: {', '.join(sorted(known))}")
        problem = unstorable(values)
        if problem:
            raise InvalidValue(name, problem)


def read_flag(request: Request, name: str) -> bool:
    """False when the parameter is not given."""
    text = request.query_params.get(name, "0").lower()
    if text not in YES_NO:
        raise InvalidValue(name, "must be 1 or 0")
    return YES_NO[text]


def read_integer(
    request: Request, name: str, default: int | None, *, low: int = 0, high: int = BIGINT_MAX
) -> int | None:
    """From `low` to `high`; `default` when the parameter is not given."""
    text = request.query_params.get(name)
    if text is None:
        return default
    # Python reads no number of thousands of digits, and none is meant.
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(BIGINT_MAX))
    return clean_integer(name, int(text) if plain else text, low=low, high=high)


def time_parameter(name: str, text: str) -> OpenApiParameter:
    """What `read_time` reads, for the document."""
    return OpenApiParameter(name, OpenApiTypes.DATETIME, description=text)


def read_time(request: Request, name: str) -> datetime | None:
    """With its zone. None when the parameter is not given."""
    text = request.query_params.get(name)
    return None if text is None else clean_time(name, text)


def read_pairs(request: Request, name: str) -> dict[str, str]:
    """A parameter given several times as `key:value`."""
    pairs: dict[str, str] = {}
    for text in request.query_params.getlist(name):
        key, colon, value = text.partition(":")
        if not colon or not key or not value:
            raise InvalidValue(name, f"must read key:value, got {text[:80]!r}")
        pairs[key] = value
    return pairs
