"""All export formats by name. Each writes one preference, or for raw rows one judgement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from annotate.interchange import hh, trl
from annotate.interchange.formats import UnknownFormat
from annotate.interchange.preferences import Preference
from annotate.interchange.records import Message

PairWriter = Callable[[str, list[Message], str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`write_pair` takes system text, conversation, chosen and rejected; raw rows have none."""

    name: str
    title: str
    write_pair: PairWriter | None


EXPORT_FORMATS: dict[str, ExportFormat] = {
    f.name: f
    for f in (
        ExportFormat("trl", "TRL preference, plain texts", trl.write_plain),
        ExportFormat(
            "trl_conversational", "TRL preference, conversational", trl.write_conversational
        ),
        ExportFormat("hh", "hh-rlhf transcripts", hh.write),
        ExportFormat("raw", "Raw judgements with provenance", None),
    )
}


def get_export_format(name: str) -> ExportFormat:
    """Raises UnknownFormat naming the formats there are."""
    try:
        return EXPORT_FORMATS[name]
    except KeyError:
        known = ", ".join(EXPORT_FORMATS)
        raise UnknownFormat(f"There is no export format {name!r}. Known: {known}.") from None


def write_pair(
    row: Preference, writer: PairWriter, *, weight: bool, margin: bool
) -> dict[str, Any]:
    prompt = row.prompt
    columns = writer(prompt.system, prompt.conversation, row.chosen.text, row.rejected.text)
    if weight:
        columns["weight"] = row.weight
    if margin:
        columns["margin"] = round(row.margin, 6)
    return columns
