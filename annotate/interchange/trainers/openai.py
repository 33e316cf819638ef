"""OpenAI's fine-tuning by direct preference optimization.

Source: OpenAI documentation, "Direct preference optimization", the training file.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    yield {
        "input": {"messages": row.prompt.messages, "tools": [], "parallel_tool_calls": True},
        "preferred_output": [{"role": "assistant", "content": row.chosen.said}],
        "non_preferred_output": [{"role": "assistant", "content": row.rejected.said}],
    }


OPENAI = ExportFormat(
    "openai",
    translatable("OpenAI fine-tuning (preferences)"),
    {"input": "json", "preferred_output": "messages", "non_preferred_output": "messages"},
    write,
    refuses=frozenset({"tie_rule", "margin"}),  # their check refuses further columns
)
