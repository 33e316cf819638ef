"""TRL's preference format with an implicit prompt: two whole dialogues.

Source: TRL documentation, "Dataset formats and types", preference.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    head = row.prompt.messages
    yield {
        "chosen": [*head, {"role": "assistant", "content": row.chosen.said}],
        "rejected": [*head, {"role": "assistant", "content": row.rejected.said}],
    }


TRL_IMPLICIT = ExportFormat(
    "trl_implicit",
    translatable("TRL preference, the prompt within both dialogues"),
    {"chosen": "messages", "rejected": "messages"},
    write,
)
