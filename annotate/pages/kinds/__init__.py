"""How each kind is asked on the work page: one module a kind. See docs/adding-a-kind.md."""

from annotate.pages.kinds import (
    chat,
    context,
    critique,
    joint,
    labels,
    pairwise,
    ranking,
    rating,
    similarity,
    spans,
    steps,
)
from annotate.pages.kinds.contract import PagePart

PAGE_PARTS: dict[str, PagePart] = {
    "chat": chat,
    "context": context,
    "critique": critique,
    "joint": joint,
    "labels": labels,
    "pairwise": pairwise,
    "ranking": ranking,
    "rating": rating,
    "similarity": similarity,
    "spans": spans,
    "steps": steps,
}


def get(kind: str) -> PagePart:
    """The kind's page part. Raises KeyError with the names there are."""
    try:
        return PAGE_PARTS[kind]
    except KeyError:
        there_are = ", ".join(sorted(PAGE_PARTS))
        raise KeyError(f"no page for kind {kind!r}; there are: {there_are}") from None


__all__ = ["PAGE_PARTS", "PagePart", "get"]
