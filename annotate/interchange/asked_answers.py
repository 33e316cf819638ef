"""A judgement's answers of one kind: the judgement itself, or some of its form's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotate.interchange.preferences import Judged


def answers_of(row: Judged, *kinds: str) -> Iterator[tuple[Mapping[str, Any], Sequence[int]]]:
    """Each with the ids of the responses it was asked about. `row` comes with its provenance."""
    for _, answer, responses in named_answers_of(row, *kinds):
        yield answer, responses


def named_answers_of(
    row: Judged, *kinds: str
) -> Iterator[tuple[str, Mapping[str, Any], Sequence[int]]]:
    """The same, with the names of the form's questions; without a form the name is empty."""
    if "asked" not in row.value:
        if row.provenance["kind"] in kinds:
            yield "", row.value, [response.id for response in row.responses]
        return
    for asked in row.value["asked"]:
        answer = row.value["answers"].get(asked["name"])
        if asked["kind"] in kinds and answer is not None:
            yield asked["name"], answer, asked["responses"]
