"""Who may label an item: by language, skill, tier, once each, and never what one wrote oneself."""

from collections.abc import Iterable
from enum import StrEnum

from annotate.assignment.contract import Item, Person


class Obstacle(StrEnum):
    """Why a person may not label an item."""

    OWN_TEXT = "own text"
    SEEN = "seen"
    LANGUAGE = "language"
    SKILL = "skill"
    TIER = "tier"


def obstacle(person: Person, item: Item) -> Obstacle | None:
    """The first that holds, in the order of Obstacle; None where the person may label it."""
    if person.id in item.authors:
        return Obstacle.OWN_TEXT
    if person.id in item.annotators:
        return Obstacle.SEEN
    known = person.languages
    if item.language and known and not any(speaks(one, item.language) for one in known):
        return Obstacle.LANGUAGE
    if not item.skills <= person.skills:
        return Obstacle.SKILL
    if item.tier not in ("", person.tier):
        return Obstacle.TIER
    return None


def next_for(person: Person, order: Iterable[Item]) -> Item | None:
    """The first item of an order that the person may label."""
    return next((item for item in order if obstacle(person, item) is None), None)


def speaks(known: str, wanted: str) -> bool:
    """Whether who knows one language tag can read texts of another, case aside.

    "pt" reads "pt-BR" and the other way round; "pt-BR" does not answer for "pt-PT", nor "zh-Hans"
    for "zh-Hant": the shorter must be the start of the longer, subtag by subtag (the basic
    filtering of RFC 4647, section 3.3.1, either way).
    """
    one, other = known.lower().split("-"), wanted.lower().split("-")
    size = min(len(one), len(other))
    return one[:size] == other[:size]
