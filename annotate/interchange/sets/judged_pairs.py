"""Judgements of two responses, as published sets of comparisons tell them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from annotate.interchange.asked_answers import named_answers_of
from annotate.interchange.preferences import Judged, ResponseText
from annotate.kinds import pairwise


class Compared(NamedTuple):
    """One answer about two responses, in the order in which they are stored."""

    row: Judged
    value: Mapping[str, Any]
    first: ResponseText
    second: ResponseText


def compared(row: Judged) -> Iterator[tuple[str, Compared]]:
    """The judgement's, or those of its form, with the names of their questions."""
    responses = {response.id: response for response in row.responses}
    for name, value, (first, second) in named_answers_of(row, pairwise.NAME):
        yield name, Compared(row, value, responses[first], responses[second])


def comparisons(rows: Iterable[Judged]) -> Iterator[list[Compared]]:
    """One task's answers, those to one question about the same two responses together."""
    groups: dict[tuple[str, int, int], list[Compared]] = {}
    for row in rows:
        for name, one in compared(row):
            groups.setdefault((name, one.first.id, one.second.id), []).append(one)
    yield from groups.values()


def points(value: Mapping[str, Any], first: int) -> int:
    """From -3, the first is much better, to 3, the second is; 0 where neither is."""
    if value["verdict"] != "prefer":
        return 0
    strength: int = value["strength"]
    return -strength if value["preferred"] == first else strength


def said_by(row: Judged) -> str:
    """A pseudonym, or the name of the AI judge; empty where no file said."""
    return row.provenance["annotator"] or row.provenance["judge"] or ""
