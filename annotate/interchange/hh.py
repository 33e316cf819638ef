"""hh-rlhf: `chosen` and `rejected` are whole transcripts that share all turns but the last.

Rows that were already split into `prompt, chosen, rejected` lists are read too.
Source: Bai et al. 2022, arXiv 2204.05862, and the data set's own README.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields, trl
from annotate.interchange.dialogues import is_transcript, render_transcript
from annotate.interchange.formats import ExportFormat, ImportFormat, ReadOptions, of_pairs
from annotate.interchange.records import ImportedItem, Message, RowProblem
from annotate.interchange.rows import Row
from annotate.wording import translatable


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    for name in ("chosen", "rejected"):
        value = fields.require(row.data, name)
        if isinstance(value, str) and not is_transcript(value):
            raise RowProblem(
                name,
                value,
                "No turn found. A transcript reads '\\n\\nHuman: …\\n\\nAssistant: …'; "
                "for other texts choose the format 'trl'.",
            )
    return trl.parse(row, options)


def recognises(row: Mapping[str, Any]) -> bool:
    sides = (row.get("chosen"), row.get("rejected"))
    return "prompt" not in row and all(isinstance(s, str) and is_transcript(s) for s in sides)


def write(system: str, conversation: list[Message], chosen: str, rejected: str) -> dict[str, Any]:
    head = render_transcript(conversation, system)
    return {
        "chosen": f"{head}\n\nAssistant: {chosen}",
        "rejected": f"{head}\n\nAssistant: {rejected}",
    }


HH = ImportFormat("hh", translatable("hh-rlhf transcripts"), parse, recognises)
HH_TRANSCRIPTS = ExportFormat(
    "hh",
    translatable("hh-rlhf transcripts"),
    {"chosen": "text", "rejected": "text"},
    of_pairs(write),
)
