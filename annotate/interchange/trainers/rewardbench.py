"""RewardBench's rows: plain texts with the models that wrote them, by subset.

Source: Lambert et al. 2024, arXiv 2403.13787, and the data set's columns.
"""

from annotate.interchange import trl
from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    prompt = row.prompt
    texts = trl.write_plain(prompt.system, prompt.turns, row.chosen.said, row.rejected.said)
    yield {
        "prompt": texts["prompt"],
        "chosen": texts["chosen"],
        "chosen_model": row.chosen.generator,
        "rejected": texts["rejected"],
        "rejected_model": row.rejected.generator,
        "subset": prompt.stratum,
        "id": row.id,
    }


REWARDBENCH = ExportFormat(
    "rewardbench",
    translatable("RewardBench"),
    {
        **{"prompt": "text", "chosen": "text", "chosen_model": "text", "rejected": "text"},
        **{"rejected_model": "text", "subset": "text", "id": "integer"},
    },
    write,
)
