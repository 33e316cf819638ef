"""Read a dataset folder of judgements as they are: `train.jsonl`, `test.jsonl`, `origins.jsonl`.

The rows are those of a snapshot that holds judgements (docs/formats.md); `origins.jsonl` tells of
each who gave it and which category each type of span had in its form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from annotate.finegrained.parts import flatten
from annotate.kinds import context, form, spans
from annotate.media.as_text import as_text, text_turns
from training.data.conversation import Message
from training.recipes.errors import DatasetError

NEEDED = ("id", "prompt_id", "prompt", "responses", "kind", "value", "source")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question, and the responses it is about."""

    kind: str
    value: Mapping[str, Any]
    response_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One judgement. `texts` are the responses' text parts, in which spans count; `said` all parts.

    `answers` has one entry, or one for each question of a form. `categories`: by type of span.
    `context`: what the task states beside its prompt.
    """

    id: int
    prompt_id: int
    prompt: tuple[Message, ...]
    texts: Mapping[int, str]
    said: Mapping[int, str]
    contents: Mapping[int, Sequence[Mapping[str, Any]]]
    answers: tuple[Answer, ...]
    source: str
    annotator: str
    categories: Mapping[str, str]
    rationale: str
    context: Mapping[str, Any]

    def prompt_of(self, answer: Answer) -> tuple[Message, ...]:
        """The prompt as models read it: with what the task states, where the answer is under it."""
        if answer.kind != context.NAME:
            return self.prompt
        return tuple(context.prompt_under(self.prompt, self.context))


@dataclass(frozen=True)
class JudgedSplits:
    train: list[JudgedRow]
    test: list[JudgedRow]
    fingerprint: str
    """sha256 of the three files."""


def read_judged(folder: Path) -> JudgedSplits:
    """Raises DatasetError with file, line and field, and for a prompt that is in both splits."""
    names = ("train.jsonl", "test.jsonl", "origins.jsonl")
    for name in names:
        if not (folder / name).is_file():
            raise DatasetError(
                f"{folder / name} does not exist; a folder of judgements holds {', '.join(names)}."
            )
    origins = {row["id"]: row for _, row in _objects(folder / "origins.jsonl", ("id", "annotator"))}
    train, test = (list(_rows(folder / name, origins)) for name in names[:2])
    shared = sorted({row.prompt_id for row in train} & {row.prompt_id for row in test})
    if shared:
        shown = ", ".join(map(str, shared[:5]))
        raise DatasetError(
            f"{len(shared)} prompts are in both train and test (prompt_id {shown}); test figures "
            "would be too good. Split the snapshot by prompt."
        )
    digest = sha256()
    for name in names:
        content = (folder / name).read_bytes()
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return JudgedSplits(train, test, digest.hexdigest())


def _rows(path: Path, origins: Mapping[int, Mapping[str, Any]]) -> Iterator[JudgedRow]:
    for where, row in _objects(path, NEEDED):
        origin = origins.get(row["id"])
        if origin is None:
            raise DatasetError(f"{where}: judgement {row['id']} is missing from origins.jsonl.")
        try:
            yield _row(row, origin)
        except (KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"{where}: not a judgement of kind {row['kind']}: {error!r}"
            ) from error


def _row(row: Mapping[str, Any], origin: Mapping[str, Any]) -> JudgedRow:
    responses = row["responses"]
    contents = {r["id"]: r["content"] for r in responses if "content" in r}
    texts = {r["id"]: r["text"] for r in responses}
    said = {pk: as_text(contents[pk]) if pk in contents else text for pk, text in texts.items()}
    return JudgedRow(
        id=row["id"],
        prompt_id=row["prompt_id"],
        prompt=tuple(text_turns(list(row["prompt"]))),
        texts=texts,
        said=said,
        contents={pk: contents.get(pk, [{"type": "text", "text": texts[pk]}]) for pk in texts},
        answers=tuple(_answers(row, tuple(texts), contents)),
        source=row["source"],
        annotator=origin["annotator"] or "",
        categories=origin.get("categories", {}),
        rationale=row.get("rationale", ""),
        context=row.get("context", {}),
    )


def _answers(
    row: Mapping[str, Any], ids: tuple[int, ...], contents: Mapping[int, Any]
) -> Iterator[Answer]:
    value = row["value"]
    found = [Answer(row["kind"], value, ids)]
    if row["kind"] == form.NAME:
        found = [
            Answer(asked["kind"], value["answers"][asked["name"]], tuple(asked["responses"]))
            for asked in value["asked"]
        ]
    for answer in found:
        if answer.kind == spans.NAME:
            yield Answer(answer.kind, flatten(answer.value, contents), answer.response_ids)
        else:
            yield answer


def _objects(path: Path, needed: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DatasetError(f"{where}: not JSON ({error}).") from error
            if not isinstance(row, dict):
                raise DatasetError(
                    f"{where}: a {type(row).__name__}; each line must be one object."
                )
            for field in needed:
                if field not in row:
                    raise DatasetError(f"{where}: field {field} is missing.")
            yield where, row
