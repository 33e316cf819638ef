"""A review queue in an address's query: read, and written for links."""

from collections.abc import Mapping

from django.utils.http import urlencode

from annotate.models import Project
from annotate.reports.review_queue import QUEUES, SORTS, STATES, WAITING, Place, Wanted

LONGEST = 200  # characters of a text in the address


def wanted_of(project: Project, query: Mapping[str, str]) -> Wanted:
    """What the address asks for, as far as it makes sense."""
    by, state, sort = query.get("by", ""), query.get("state", ""), query.get("sort", "")
    return Wanted(
        by=by if by in QUEUES else WAITING if project.review_percent else QUEUES[1],
        state=state if state in STATES else "open",
        sort=sort if sort in SORTS else "oldest",
        person=_number(query.get("person", "")),
        stratum=query.get("stratum", "")[:LONGEST],
        language=query.get("language", "")[:LONGEST],
        each=min(max(_number(query.get("each", "")) or 5, 1), 1000),
        seed=min(_number(query.get("seed", "")) or 0, 2**31 - 1),
    )


def query_of(wanted: Wanted, **more: object) -> str:
    """The address's query for it; what stands as it is by itself is left out."""
    plain = Wanted(by=wanted.by)
    names = ("state", "sort", "person", "stratum", "language", "each", "seed")
    given = {
        name: getattr(wanted, name)
        for name in names
        if getattr(wanted, name) != getattr(plain, name)
    }
    return urlencode({"by": wanted.by, **given, **{k: v for k, v in more.items() if v is not None}})


def read_place(text: str) -> Place | None:
    """As `write_place` wrote it; None for anything else."""
    try:
        place = tuple(float(one) if "." in one else int(one) for one in text.split(","))
    except (ValueError, OverflowError):
        return None
    fits = all(0 <= one < 2**63 for one in place)
    return place if fits and len(place) <= 3 else None


def write_place(place: Place) -> str:
    return ",".join(map(repr, place))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
