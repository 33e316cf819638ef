"""TRL's unpaired preference format, which KTO reads: single answers, each good or bad.

Source: TRL documentation, "Dataset formats and types", unpaired preference.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    for answer, label in ((row.chosen, True), (row.rejected, False)):
        yield {
            "prompt": row.prompt.messages,
            "completion": [{"role": "assistant", "content": answer.said}],
            "label": label,
        }


TRL_UNPAIRED = ExportFormat(
    "trl_unpaired",
    translatable("TRL unpaired preference: single answers, good or bad"),
    {"prompt": "messages", "completion": "messages", "label": "flag"},
    write,
    # Of a tie either answer would be both, and one answer has no margin.
    refuses=frozenset({"tie_rule", "margin"}),
)
