"""verl's rows for reinforcement learning under a reward model: every prompt once.

Meant to be had as Parquet, which is what verl reads. Source: verl documentation, "Prepare data for
post-training", and its example for full-hh-rlhf.
"""

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable

DATA_SOURCE = "tandem"
ABILITY = "alignment"


def write(row: Preference) -> Rows:
    yield {
        "data_source": DATA_SOURCE,
        "prompt": row.prompt.messages,
        "ability": ABILITY,
        "reward_model": {"style": "model", "ground_truth": row.chosen.said},
        "extra_info": {
            "split": "test" if row.prompt.held_out else "train",
            "index": row.prompt.id,
        },
    }


VERL = ExportFormat(
    "verl",
    translatable("verl prompts with a preferred answer"),
    {
        **{"data_source": "text", "prompt": "messages", "ability": "text"},
        **{"reward_model": "reward_model", "extra_info": "extra_info"},
    },
    write,
    refuses=frozenset({"tie_rule", "margin"}),
    once_a_prompt=True,
)
