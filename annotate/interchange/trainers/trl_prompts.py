"""TRL's prompt-only format: every judged prompt once.

Source: TRL documentation, "Dataset formats and types", prompt-only.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Judged
from annotate.wording import translatable


def write(row: Judged) -> Rows:
    yield {"prompt": row.prompt.messages}


TRL_PROMPTS = ExportFormat(
    "trl_prompts",
    translatable("TRL prompts alone"),
    {"prompt": "messages"},
    write_judged=write,
    once_a_prompt=True,
)
