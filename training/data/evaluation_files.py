"""Files of pairs or prompts to evaluate on, read row by row, bad ones told by line and field.

Pairs are read as the import reads `prompt, chosen, rejected` (annotate/interchange/trl.py), with
`subset` and `id`, both optional, as RewardBench has them (Lambert et al. 2024, arXiv:2403.13787).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from annotate.interchange import fields, table, trl
from annotate.interchange.dialogues import is_open_transcript, parse_transcript, split_system
from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import Message, RowError, RowProblem
from annotate.interchange.rows import Row, decode_text, looks_like_json, start
from annotate.interchange.streams import FatalProblem, Limits, RawLine, split_lines
from training.data import parquet

NO_SUBSET = "all"
MAX_SUBSET_CHARS = 100
MOST_SUBSETS = 500
TABLES = (".csv", ".tsv")
COLUMNS = {"pairs": {*trl.KNOWN, "subset"} - {"metadata"}, "prompts": {"prompt", "messages", "id"}}
"""Of Parquet files; the others stay unread."""


@dataclass(frozen=True, slots=True)
class EvaluationItem:
    """A prompt, with its system text as the first message; of pairs, two responses and a subset."""

    line: int
    id: str
    prompt: tuple[dict[str, str], ...]
    chosen: str = ""
    rejected: str = ""
    subset: str = ""

    @property
    def what(self) -> tuple[Any, ...]:
        """Equal for rows that say the same."""
        turns = tuple((message["role"], message["content"]) for message in self.prompt)
        return turns, self.chosen, self.rejected, self.subset


def read_items(
    stream: BinaryIO, *, kind: str, file_name: str, limits: Limits
) -> Iterator[EvaluationItem | RowError]:
    """The rows of a file of `kind` pairs or prompts, or why one is refused. Never raises for it.

    JSON objects (one a line, or an array), or a table with a header, both perhaps compressed by
    gzip; or Parquet. Prompts may also be plain text, one prompt a line, if the name does not say
    .csv or .tsv.
    """
    seen_ids: dict[str, int] = {}
    seen: dict[int, int] = {}
    subsets: set[str] = set()
    for row in _rows(stream, kind, file_name, limits):
        if isinstance(row, RowError):
            yield row
            continue
        try:
            item = _pair(row, limits) if kind == "pairs" else _prompt(row, limits)
            _refuse_again(item, seen_ids, seen)
            subsets.add(item.subset)
            if len(subsets) > MOST_SUBSETS:
                raise RowProblem(
                    "subset",
                    item.subset,
                    "There are more than {most} subsets. Give rows fewer names.",
                    most=MOST_SUBSETS,
                )
        except RowProblem as problem:
            yield problem.at(row.line)
        else:
            yield item


def _rows(stream: BinaryIO, kind: str, file_name: str, limits: Limits) -> Iterator[Row | RowError]:
    if parquet.is_parquet(stream):
        yield from parquet.read_rows(stream, columns=COLUMNS[kind], limits=limits)
        return
    name = file_name.lower().removesuffix(".gz")
    if kind == "pairs" or name.endswith(TABLES):
        yield from table.read_rows(stream, ReadOptions(limits))
        return
    begin = stream.tell()
    try:
        head, _ = start(stream, limits)
    except FatalProblem as problem:
        yield problem.at(1)
        return
    stream.seek(begin)
    yield from (
        table.read_rows(stream, ReadOptions(limits))
        if looks_like_json(head)
        else (_plain_lines(stream, limits))
    )


def _plain_lines(stream: BinaryIO, limits: Limits) -> Iterator[Row | RowError]:
    line = 1
    try:
        _, chunks = start(stream, limits)
        for raw in split_lines(chunks, limits):
            if isinstance(raw, RowError):
                yield raw
                continue
            line = raw.number
            if raw.data.strip():
                yield _plain_line(raw)
    except FatalProblem as problem:
        yield problem.at(line)


def _plain_line(raw: RawLine) -> Row | RowError:
    try:
        return Row(raw.number, {"prompt": decode_text(raw.data)}, raw.end)
    except RowProblem as problem:
        return RowError(raw.number, "prompt", problem.value, problem.why)


def _pair(row: Row, limits: Limits) -> EvaluationItem:
    if "prompt" in row.data and row.data["prompt"] is None:
        raise RowProblem("prompt", None, "The field is null. Give the text, or leave it out.")
    for name in ("chosen", "rejected"):
        fields.require(row.data, name)
    subset = fields.name_of(row.data, "subset", MAX_SUBSET_CHARS).strip()
    known = {name: row.data[name] for name in trl.KNOWN - {"metadata"} if name in row.data}
    item = trl.parse(Row(row.line, known, row.end), ReadOptions(limits))
    if item.has_parts:
        raise _not_text("prompt")
    chosen, rejected = (response.text for response in item.responses)
    return EvaluationItem(
        line=row.line,
        id=item.external_id or str(row.line),
        prompt=_messages(item.system, item.conversation),
        chosen=chosen,
        rejected=rejected,
        subset=subset or NO_SUBSET,
    )


def _prompt(row: Row, limits: Limits) -> EvaluationItem:
    name = "messages" if "messages" in row.data and "prompt" not in row.data else "prompt"
    given = fields.require(row.data, name)
    if isinstance(given, str) and is_open_transcript(fields.text(given, name, limits)):
        turns = parse_transcript(given, name)[:-1]
    else:
        turns = fields.conversation(given, name, limits)
    system, conversation = split_system(turns, name)
    if any(not isinstance(message["content"], str) for message in conversation):
        raise _not_text(name)
    return EvaluationItem(
        line=row.line,
        id=fields.name_of(row.data, "id") or str(row.line),
        prompt=_messages(system, conversation),
    )


def _not_text(name: str) -> RowProblem:
    return RowProblem(
        name, "", "Evaluation reads texts alone. Leave pictures, audio and video out."
    )


def _messages(system: str, conversation: list[Message]) -> tuple[dict[str, str], ...]:
    first = [{"role": "system", "content": system}] if system else []
    return (
        *first,
        *({"role": turn["role"], "content": turn["content"]} for turn in conversation),
    )


def _refuse_again(item: EvaluationItem, ids: dict[str, int], seen: dict[int, int]) -> None:
    """Raises RowProblem for an id or a row that came before; a row counts by a 64-bit hash."""
    first = seen.setdefault(hash(item.what), item.line)
    if first != item.line:
        raise RowProblem(
            "prompt",
            item.prompt[-1]["content"],
            "The row says the same as line {line}. Leave one of them out.",
            line=first,
        )
    first = ids.setdefault(item.id, item.line)
    if first != item.line:
        raise RowProblem(
            "id",
            item.id,
            "Line {line} has this id already. Give each row its own, or none.",
            line=first,
        )
