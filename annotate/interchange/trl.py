"""TRL's preference format: `prompt, chosen, rejected`, plain or conversational.

Without a prompt it is implicit, as TRL defines it: the turns, or for plain strings the words, that
chosen and rejected begin with. A plain prompt of several turns is written, and read again, as a
transcript; TRL itself says nothing about turns in plain strings.
Source: TRL documentation, "Dataset formats and types", preference.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.asked import COLUMNS, asked_of
from annotate.interchange.dialogues import (
    identical,
    is_open_transcript,
    is_transcript,
    parse_transcript,
    render_transcript,
    split_pair,
    split_system,
)
from annotate.interchange.formats import ExportFormat, ImportFormat, ReadOptions, of_pairs
from annotate.interchange.given import NAMES, given_of
from annotate.interchange.records import (
    ImportedItem,
    ImportedLabel,
    Message,
    Parts,
    RowProblem,
)
from annotate.interchange.rows import Row
from annotate.interchange.streams import Limits
from annotate.wording import translatable

KNOWN = COLUMNS | frozenset(
    {
        *("id", "prompt", "chosen", "rejected", "margin", "strength", "annotator", "language"),
        *("metadata", "messages", *NAMES),
        *(f"{side}_{what}" for side in ("chosen", "rejected") for what in ("model", "generator")),
        *("chosen_version", "rejected_version"),
    }
)

_Pair = tuple[list[Message], str | Parts, str | Parts]


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    data, limits = row.data, options.limits
    chosen, rejected = fields.require(data, "chosen"), fields.require(data, "rejected")
    if isinstance(chosen, list) != isinstance(rejected, list):
        raise RowProblem(
            "rejected",
            rejected,
            "chosen is {first} but rejected is {second}. "
            "Give both as texts or both as lists of messages.",
            first=fields.kind_of(chosen),
            second=fields.kind_of(rejected),
        )
    if isinstance(chosen, list):
        turns, first, second = _conversational(data, limits)
    else:
        turns, first, second = _plain(data, limits)
    system, conversation = split_system(turns, "prompt")
    return ImportedItem(
        line=row.line,
        external_id=fields.name_of(data, "id") or None,
        conversation=conversation,
        system=system,
        responses=(
            fields.response(first, data, "chosen"),
            fields.response(second, data, "rejected"),
        ),
        language=fields.language_of(data),
        metadata=fields.metadata(data, KNOWN, limits),
        labels=(_label(data, limits),),
        **asked_of(data),
    )


def recognises(row: Mapping[str, Any]) -> bool:
    return "chosen" in row and "rejected" in row


def _label(data: dict[str, Any], limits: Limits) -> ImportedLabel:
    margin, strength = data.get("margin"), data.get("strength")
    return ImportedLabel(
        verdict="prefer",
        preferred=0,
        strength=None if strength is None else fields.integer(strength, "strength", 1, 3),
        annotator=fields.name_of(data, "annotator") or None,
        margin=None if margin is None else fields.number(margin, "margin"),
        given=given_of(data, limits),
    )


def _conversational(data: dict[str, Any], limits: Limits) -> _Pair:
    prompt: list[Message] = []
    if data.get("prompt") is not None:
        prompt = fields.conversation(data["prompt"], "prompt", limits)
    return split_pair(
        prompt,
        fields.messages(data["chosen"], "chosen", limits),
        fields.messages(data["rejected"], "rejected", limits),
    )


def _plain(data: dict[str, Any], limits: Limits) -> _Pair:
    chosen = fields.text(data["chosen"], "chosen", limits)
    rejected = fields.text(data["rejected"], "rejected", limits)
    if chosen == rejected:
        raise identical(chosen)
    prompt = data.get("prompt")
    if prompt is None:
        return _implicit(chosen, rejected)
    if isinstance(prompt, str) and is_open_transcript(fields.text(prompt, "prompt", limits)):
        turns = parse_transcript(prompt, "prompt")[:-1]
        return turns, chosen.removeprefix(" "), rejected.removeprefix(" ")
    return fields.conversation(prompt, "prompt", limits), chosen, rejected


def _implicit(chosen: str, rejected: str) -> _Pair:
    if is_transcript(chosen) and is_transcript(rejected):
        return split_pair(
            [], parse_transcript(chosen, "chosen"), parse_transcript(rejected, "rejected")
        )
    pairs = enumerate(zip(chosen, rejected, strict=False))
    shared = chosen[: next((i for i, (a, b) in pairs if a != b), min(len(chosen), len(rejected)))]
    words = len(shared.rstrip() if shared[-1:].isspace() else shared[: _last_space(shared)])
    if not shared[:words].strip():
        raise RowProblem(
            "prompt",
            None,
            "There is no prompt and the two texts share no first words. Add 'prompt'.",
        )
    return [{"role": "user", "content": shared[:words]}], chosen[words:], rejected[words:]


def _last_space(text: str) -> int:
    return max(text.rfind(" "), text.rfind("\n"), 0)


def write_plain(
    system: str, conversation: list[Message], chosen: str, rejected: str
) -> dict[str, Any]:
    if not system and len(conversation) == 1 and conversation[0]["role"] == "user":
        return {"prompt": conversation[0]["content"], "chosen": chosen, "rejected": rejected}
    prompt = render_transcript(conversation, system) + "\n\nAssistant:"
    return {"prompt": prompt, "chosen": f" {chosen}", "rejected": f" {rejected}"}


def write_conversational(
    system: str, conversation: list[Message], chosen: str, rejected: str
) -> dict[str, Any]:
    head = [{"role": "system", "content": system}] if system else []
    return {
        "prompt": head + conversation,
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


TRL = ImportFormat(
    "trl", translatable("TRL preference (plain or conversational)"), parse, recognises
)
TRL_PLAIN = ExportFormat(
    "trl",
    translatable("TRL preference, plain texts"),
    {"prompt": "text", "chosen": "text", "rejected": "text"},
    of_pairs(write_plain),
)
TRL_CONVERSATIONAL = ExportFormat(
    "trl_conversational",
    translatable("TRL preference, conversational"),
    {"prompt": "messages", "chosen": "messages", "rejected": "messages"},
    of_pairs(write_conversational),
)
