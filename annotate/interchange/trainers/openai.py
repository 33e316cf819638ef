"""OpenAI's fine-tuning by direct preference optimization.

Source: OpenAI documentation, "Direct preference optimization", the training file.
"""

from collections.abc import Mapping
from typing import Any

from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.interchange.records import RowProblem
from annotate.interchange.sets.reshaped import others, reshaped
from annotate.interchange.trl import parse
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


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    given = row.get("input")
    if not isinstance(given, dict) or given.get("messages") is None:
        raise RowProblem("input", given, "Expected an object with 'messages'.")
    return {
        **others(row, "input", "preferred_output", "non_preferred_output"),
        "prompt": given["messages"],
        "chosen": row.get("preferred_output"),
        "rejected": row.get("non_preferred_output"),
    }


def recognises(row: Mapping[str, Any]) -> bool:
    return "preferred_output" in row and "non_preferred_output" in row


FROM_OPENAI = ImportFormat(
    "openai",
    OPENAI.title,
    reshaped(
        _reshape,
        parse,
        {
            **{"prompt": "input.messages", "chosen": "preferred_output"},
            "rejected": "non_preferred_output",
        },
    ),
    recognises,
)
