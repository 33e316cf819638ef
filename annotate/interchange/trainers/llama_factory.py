"""LLaMA-Factory in the ShareGPT style: preferences (`ranking`), and answers tagged for KTO.

Source: LLaMA-Factory, `data/README.md`, "Preference Dataset" and "KTO Dataset".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.preferences import Preference, PromptText
from annotate.interchange.records import Message, RowProblem
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
from annotate.interchange.trl import parse
from annotate.wording import translatable

SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation", "system": "system"}


def write(row: Preference) -> Rows:
    yield {
        **_prompt(row.prompt),
        "chosen": said(row.chosen.said),
        "rejected": said(row.rejected.said),
    }


def write_tagged(row: Preference) -> Rows:
    prompt = _prompt(row.prompt)
    for answer, tag in ((row.chosen, True), (row.rejected, False)):
        turns = [*prompt["conversations"], said(answer.said)]
        yield {**prompt, "conversations": turns, "kto_tag": tag}


def tagged_prompt(messages: Sequence[Message]) -> dict[str, Any]:
    """Conversation and system text of messages whose first may be the system's."""
    has_system = bool(messages) and messages[0]["role"] == "system"
    turns = messages[1:] if has_system else messages
    return {
        "conversations": [{"from": SPEAKERS[t["role"]], "value": t["content"]} for t in turns],
        "system": messages[0]["content"] if has_system else "",
    }


def _prompt(prompt: PromptText) -> dict[str, Any]:
    turns = [{"from": SPEAKERS[turn["role"]], "value": turn["content"]} for turn in prompt.turns]
    return {"conversations": turns, "system": prompt.system}


def said(text: str) -> dict[str, str]:
    """An answer as its turn."""
    return {"from": "gpt", "value": text}


LLAMA_FACTORY = ExportFormat(
    "llama_factory",
    translatable("LLaMA-Factory preferences (ShareGPT style)"),
    {"conversations": "turns", "system": "text", "chosen": "turn", "rejected": "turn"},
    write,
)
LLAMA_FACTORY_KTO = ExportFormat(
    "llama_factory_kto",
    translatable("LLaMA-Factory answers tagged for KTO"),
    {"conversations": "turns", "system": "text", "kto_tag": "flag"},
    write_tagged,
    refuses=frozenset({"tie_rule", "margin"}),
)

ROLES = {speaker: role for role, speaker in SPEAKERS.items()}


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    turns = objects_of(row, "conversations")
    system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
    heads = [_message(turn, f"conversations[{place}]") for place, turn in enumerate(turns)]
    return {
        **others(row, "conversations", "system"),
        "prompt": system + heads,
        **{side: [_message(row.get(side), side)] for side in ("chosen", "rejected")},
    }


def _message(turn: Any, name: str) -> dict[str, Any]:
    if not isinstance(turn, dict) or turn.get("from") not in ROLES:
        known = ", ".join(ROLES)
        raise RowProblem(
            name, turn, "Expected an object with 'from', one of {known}, and 'value'.", known=known
        )
    return {"role": ROLES[turn["from"]], "content": turn.get("value")}


def recognises(row: Mapping[str, Any]) -> bool:
    return "conversations" in row and "chosen" in row and "rejected" in row


FROM_LLAMA_FACTORY = ImportFormat(
    "llama_factory",
    LLAMA_FACTORY.title,
    reshaped(_reshape, parse, {"prompt": "conversations"}),
    recognises,
)
