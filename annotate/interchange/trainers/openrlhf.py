"""OpenRLHF's preferences: turns, the two answers as turns, and always a margin.

For `--prompt_key prompt --chosen_key chosen --rejected_key rejected --apply_chat_template`.
Source: OpenRLHF, `openrlhf/datasets/reward_dataset.py`.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    yield {
        "prompt": row.prompt.messages,
        "chosen": [{"role": "assistant", "content": row.chosen.said}],
        "rejected": [{"role": "assistant", "content": row.rejected.said}],
        "margin": round(row.margin, 6),
    }


OPENRLHF = ExportFormat(
    "openrlhf",
    translatable("OpenRLHF preferences"),
    {"prompt": "messages", "chosen": "messages", "rejected": "messages", "margin": "number"},
    write,
)
