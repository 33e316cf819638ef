"""What strategies are told of an item and of a person."""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """`votes`: the labels given so far; `doubt`: of its label in bits, None where nobody knows.

    `language` "" and `tier` "" fit everybody; `skills` are wanted, all of them. `authors` wrote its
    texts and `annotators` have it or had it: neither may label it.
    """

    id: int
    votes: tuple[Hashable, ...] = ()
    stratum: str = ""
    doubt: float | None = None
    language: str = ""
    tier: str = ""
    skills: frozenset[str] = frozenset()
    authors: frozenset[int] = frozenset()
    annotators: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Person:
    """Languages as BCP 47 tags ("de", "pt-BR"); of whom none is known, none is a bar."""

    id: int
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    tier: str = "crowd"
