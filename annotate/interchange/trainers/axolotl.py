"""Axolotl's `chat_template.default` for preferences: the turns, and the two last messages.

Source: Axolotl documentation, "RLHF", DPO, `chat_template.default`.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.interchange.sets.reshaped import others, reshaped
from annotate.interchange.trl import parse
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    yield {
        "messages": row.prompt.messages,
        "chosen": {"role": "assistant", "content": row.chosen.said},
        "rejected": {"role": "assistant", "content": row.rejected.said},
    }


AXOLOTL = ExportFormat(
    "axolotl",
    translatable("Axolotl preferences (chat_template)"),
    {"messages": "messages", "chosen": "message", "rejected": "message"},
    write,
)


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **others(row, "messages"),
        "prompt": row.get("messages"),
        "chosen": [row["chosen"]] if isinstance(row.get("chosen"), dict) else row.get("chosen"),
        "rejected": [row["rejected"]]
        if isinstance(row.get("rejected"), dict)
        else row.get("rejected"),
    }


def recognises(row: Mapping[str, Any]) -> bool:
    return "messages" in row and "prompt" not in row and "chosen" in row and "rejected" in row


FROM_AXOLOTL = ImportFormat(
    "axolotl", AXOLOTL.title, reshaped(_reshape, parse, {"prompt": "messages"}), recognises
)
