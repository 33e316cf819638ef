"""A judgement's answers of one kind: the judgement itself, or some of its form's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotate.interchange.preferences import Judged


def answers_of(row: Judged, *kinds: str) -> Iterator[tuple[Mapping[str, Any], Sequence[int]]]:
    """Each with the ids of the responses it was asked about. `row` comes with its provenance."""
    if "asked" not in row.value:
        if row.provenance["kind"] in kinds:
            yield row.value, [response.id for response in row.responses]
        return
    for asked in row.value["asked"]:
        answer = row.value["answers"].get(asked["name"])
        if asked["kind"] in kinds and answer is not None:
            yield answer, asked["responses"]
