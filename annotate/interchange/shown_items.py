"""An imported item as its kind sees what people would be shown of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.interchange.records import ImportedItem, ImportedResponse, Parts
from annotate.interchange.renaming import named_context
from annotate.kinds.contract import Shown, ShownResponse


def shown_of(
    item: ImportedItem, positions: Sequence[int], names: Mapping[int, int] | None = None
) -> Shown:
    """`names` are the ids by position; by default positions are the ids."""
    if names is None:
        names = {place: place for place in range(len(item.responses))}
    return Shown(
        responses=tuple(
            ShownResponse(names[place], _content(item.responses[place])) for place in positions
        ),
        passages=item.passages,
        context=named_context(item.context or {}, names),
    )


def identity_of(item: ImportedItem, place: int) -> tuple[str | Parts, str, str]:
    """What tells a response of an item from the others."""
    response = item.responses[place]
    return response.content, response.generator, response.generator_version


def _content(response: ImportedResponse) -> tuple[dict[str, Any], ...]:
    if response.parts is None:
        return ({"type": "text", "text": response.text},)
    return tuple(response.parts.entries)
