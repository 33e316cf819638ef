"""Axolotl's `chat_template.default` for preferences: the turns, and the two last messages.

Source: Axolotl documentation, "RLHF", DPO, `chat_template.default`.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
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
