"""What a row tells beside an answer: why it was given, when, and how long that took.

In rows of our own under the names of raw rows, beside the label or in it::

    {"rationale": text, "submitted_at": "2026-01-31T12:00:00+00:00", "seconds_active": 14.2}

Times are kept as UTC. Published sets write them in their ways, which `published`
takes: without a zone they are UTC, and seconds out of range, such as those of a page
that was left open for days, are left out.
"""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from annotate.interchange import fields
from annotate.interchange.records import Given, RowProblem
from annotate.interchange.streams import Limits

OWN = {name: name for name in ("rationale", "submitted_at", "seconds_active")}
NAMES = frozenset(OWN)
MAX_SECONDS = 86_400
FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_APART = timedelta(days=1)  # of the two installations


def given_of(
    row: Mapping[str, Any], limits: Limits, path: str = "", columns: Mapping[str, str] = OWN
) -> Given | None:
    """None where the row says nothing of it. `path` stands before the names of wrong fields, which
    are ours or those of the `columns`.
    """
    if row.keys().isdisjoint(NAMES if columns is OWN else columns.values()):
        return None
    why, when, seconds = (columns.get(name, "") for name in OWN)
    time = row.get(when)
    found = Given(
        reason(row.get(why), f"{path}{why}", limits),
        None if time is None or time == "" else time_of(time, f"{path}{when}"),
        seconds_of(row.get(seconds), f"{path}{seconds}"),
    )
    return None if found == Given() else found


def reason(value: Any, name: str, limits: Limits) -> str:
    """A rationale; empty without one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RowProblem(
            name,
            value,
            "Expected a text, got {kind}. Write the reason as one text, or leave the field out.",
            kind=fields.kind_of(value),
        )
    return fields.text(value, name, limits) if value.strip() else ""


def seconds_of(value: Any, name: str) -> float | None:
    """A number, also as a table writes it."""
    if value is None or value == "":
        return None
    seconds = fields.number(_number(value), name)
    if not 0 <= seconds <= MAX_SECONDS:
        raise RowProblem(name, seconds, "Expected seconds, from 0 to {most}.", most=MAX_SECONDS)
    return seconds


def time_of(value: Any, name: str) -> str:
    """With its zone, in UTC."""
    found = _parsed(value)
    if found is None or found.tzinfo is None:
        raise RowProblem(name, value, "Expected a time with its zone: 2026-01-31T12:00:00+00:00.")
    return _in_range(found, value, name)


def published(
    limits: Limits,
    *,
    why: tuple[Any, str] = (None, ""),
    when: tuple[Any, str] = (None, ""),
    seconds: Any = None,
) -> dict[str, Any]:
    """What an entry of a published set tells, under our names. `why` and `when` come with the
    names of their fields; `when` is an ISO text or seconds since 1970.
    """
    found: dict[str, Any] = {}
    if rationale := reason(*why, limits):
        found["rationale"] = rationale
    value, name = when
    if value is not None and value != "":
        found["submitted_at"] = _published_time(value, name)
    measured = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if measured and math.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS:
        found["seconds_active"] = seconds
    return found


def together(said: Iterable[Given | None]) -> Given | None:
    """Of several votes that make one answer: all reasons, the latest time, all seconds. What was
    told once for all of them counts once.
    """
    told = [one for one in dict.fromkeys(said) if one is not None]
    if len(told) < 2:
        return told[0] if told else None
    seconds = [one.seconds_active for one in told if one.seconds_active is not None]
    return Given(
        "\n\n".join(dict.fromkeys(one.rationale for one in told if one.rationale)),
        max((one.submitted_at for one in told if one.submitted_at), default=None),
        min(sum(seconds), float(MAX_SECONDS)) if seconds else None,
    )


def entry_of(given: Given | None) -> dict[str, Any]:
    """As a row says it, without what is not known."""
    if given is None:
        return {}
    said = {
        "rationale": given.rationale or None,
        "submitted_at": given.submitted_at,
        "seconds_active": given.seconds_active,
    }
    return {name: value for name, value in said.items() if value is not None}


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, int | float) else value


def _published_time(value: Any, name: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found: datetime | None = datetime.fromtimestamp(value, UTC)
        except (OverflowError, ValueError, OSError):
            found = None
    else:
        found = _parsed(value)
    if found is None:
        raise RowProblem(
            name,
            value,
            "Expected a time such as 2026-01-31T12:00:00+00:00, or seconds since 1970. Correct it, "
            "or leave the field out.",
        )
    return _in_range(found if found.tzinfo else found.replace(tzinfo=UTC), value, name)


def _parsed(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value.strip())
    except (AttributeError, ValueError):
        return None


def _in_range(found: datetime, value: Any, name: str) -> str:
    if not FIRST_TIME < found < datetime.now(UTC) + CLOCKS_APART:
        raise RowProblem(name, value, "Expected a time after 1970 that has come already.")
    return found.astimezone(UTC).isoformat()
