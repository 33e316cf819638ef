"""Ballots on their way in, by their form: flat arrays, so that a million take little room. Pure."""

from array import array
from dataclasses import dataclass, field

Form = tuple[tuple[int, ...], int | None]  # sizes of the groups, best first; the unasked one


@dataclass
class Columns:
    """Ballots of one form on their way in: flat arrays of machine numbers, one entry a ballot.

    `models`, `responses` and `places` have K entries a ballot; a place is where the response was
    shown, from 0, or -1; a response is its row in whatever tells of its style, or -1.
    """

    models: "array[int]" = field(default_factory=lambda: array("q"))
    responses: "array[int]" = field(default_factory=lambda: array("q"))
    places: "array[int]" = field(default_factory=lambda: array("b"))
    author: "array[int]" = field(default_factory=lambda: array("q"))
    prompt: "array[int]" = field(default_factory=lambda: array("q"))
    category: "array[int]" = field(default_factory=lambda: array("q"))
    whole: "array[int]" = field(default_factory=lambda: array("b"))
