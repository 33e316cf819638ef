"""All export formats by name: of preferences, of marked spans, and raw judgements."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from annotate.interchange import hh, trl
from annotate.interchange.formats import UnknownFormat
from annotate.interchange.preferences import Preference
from annotate.interchange.records import Message
from annotate.wording import translatable

PairWriter = Callable[[str, list[Message], str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """`write_pair` takes system text, conversation, chosen and rejected.

    The formats of spans and raw rows have none; `of_spans` says what a row of the former is.
    """

    name: str
    title: str
    write_pair: PairWriter | None = None
    of_spans: str = ""


EXPORT_FORMATS: dict[str, ExportFormat] = {
    f.name: f
    for f in (
        ExportFormat("trl", translatable("TRL preference, plain texts"), trl.write_plain),
        ExportFormat(
            "trl_conversational",
            translatable("TRL preference, conversational"),
            trl.write_conversational,
        ),
        ExportFormat("hh", translatable("hh-rlhf transcripts"), hh.write),
        ExportFormat(
            "fine_grained",
            translatable("Fine-Grained RLHF feedback: spans, missing items, correction"),
            of_spans="feedback",
        ),
        ExportFormat(
            "fine_grained_completeness",
            translatable("Fine-Grained RLHF feedback with preferences by completeness"),
            of_spans="completeness",
        ),
        ExportFormat(
            "fine_grained_segments",
            translatable("Segment labels made from spans"),
            of_spans="segments",
        ),
        ExportFormat(
            "fine_grained_tokens",
            translatable("Fine-Grained RLHF training rows: words with tags"),
            of_spans="tokens",
        ),
        ExportFormat("raw", translatable("Raw judgements with provenance")),
    )
}


def get_export_format(name: str) -> ExportFormat:
    """Raises UnknownFormat naming the formats there are."""
    try:
        return EXPORT_FORMATS[name]
    except KeyError:
        known = ", ".join(EXPORT_FORMATS)
        raise UnknownFormat(
            "There is no export format {name!r}. Known: {known}.", name=name, known=known
        ) from None


def fitting_formats(*, pairs: bool, spans: bool) -> list[str]:
    """The names of those that fit a project whose answers hold preferences, or marked spans."""
    return [
        one.name
        for one in EXPORT_FORMATS.values()
        if (pairs if one.write_pair else spans if one.of_spans else True)
    ]


def write_pair(
    row: Preference, writer: PairWriter, *, weight: bool, margin: bool
) -> dict[str, Any]:
    prompt = row.prompt
    columns = writer(prompt.system, prompt.turns, row.chosen.said, row.rejected.said)
    if weight:
        columns["weight"] = row.weight
    if margin:
        columns["margin"] = round(row.margin, 6)
    return columns
