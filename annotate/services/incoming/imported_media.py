"""Imported items whose contents name media files: the files found, the parts as they are stored.

The readers leave such items as they stand in the file, because what reads ahead never touches
the database.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from annotate.interchange.dialogues import all_identical
from annotate.interchange.fitting import Fit
from annotate.interchange.records import ImportedItem, Parts, RowError, RowProblem
from annotate.kinds import InvalidValue
from annotate.media.references import Catalogue, Reference, references_in, resolve_parts
from annotate.models import Project
from annotate.services.media import find_files
from annotate.wording import Sentence

_PLACE = re.compile(r"\.(\d+)(?=\.|$)")


def resolve_items(
    *, project: Project, items: Iterable[ImportedItem], fit: Fit, keep: bool = False
) -> list[ImportedItem | RowError]:
    """The items with their files found, fitted to the project; or why not. At most one query.

    `keep` lets nobody delete the files until the transaction ends.
    """
    items = list(items)
    references = [name for item in items for name in _references(item)]
    catalogue = find_files(project=project, references=references, keep=keep)
    return [_resolved(item, catalogue, fit) for item in items]


def _references(item: ImportedItem) -> Iterator[Reference]:
    for content in (
        *(message["content"] for message in item.conversation),
        *(response.content for response in item.responses),
    ):
        if isinstance(content, Parts):
            yield from references_in(content.entries)


def _resolved(item: ImportedItem, catalogue: Catalogue, fit: Fit) -> ImportedItem | RowError:
    found = partial(_content, catalogue=catalogue)
    try:
        conversation = [{**turn, "content": found(turn["content"])} for turn in item.conversation]
        responses = tuple(
            response if response.parts is None else replace(response, parts=found(response.parts))
            for response in item.responses
        )
        if len(responses) > 1 and len({response.content for response in responses}) == 1:
            raise all_identical("responses", str(responses[0].content))
        return fit(replace(item, conversation=conversation, responses=responses, raw=None))
    except RowProblem as problem:
        return problem.at(item.line, raw=item.raw)


def _content(content: str | Parts, catalogue: Catalogue) -> str | Parts:
    """Raises RowProblem with the path in the row of what is wrong."""
    if isinstance(content, str):
        return content
    try:
        return Parts(resolve_parts(content.entries, catalogue, "content"), content.path)
    except InvalidValue as error:
        path = error.field.removeprefix("content")
        value = _value_at(content.entries, path.split(".")[1:])
        place = content.path + _PLACE.sub(r"[\1]", path)
        raise RowProblem.of(place, value, Sentence(error)) from error


def _value_at(value: Any, steps: list[str]) -> Any:
    """What stands there; of a field that is missing, what it is missing from."""
    for step in steps:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
    return value
