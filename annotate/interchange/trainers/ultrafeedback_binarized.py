"""UltraFeedback-binarized, as alignment recipes read it: whole dialogues with scores.

The score of the chosen one is the margin and that of the other 0: their difference is what was
judged. Source: the columns of the data set HuggingFaceH4/ultrafeedback_binarized.
"""

import hashlib

from annotate.interchange import trl
from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference
from annotate.wording import translatable


def write(row: Preference) -> Rows:
    prompt = row.prompt
    text = trl.write_plain(prompt.system, prompt.turns, "", "")["prompt"]
    chosen = [*prompt.messages, {"role": "assistant", "content": row.chosen.said}]
    yield {
        "prompt": text,
        "prompt_id": hashlib.sha256(text.encode()).hexdigest(),
        "chosen": chosen,
        "rejected": [*prompt.messages, {"role": "assistant", "content": row.rejected.said}],
        "messages": chosen,
        "score_chosen": round(row.margin, 6),
        "score_rejected": 0.0,
    }


ULTRAFEEDBACK_BINARIZED = ExportFormat(
    "ultrafeedback_binarized",
    translatable("UltraFeedback, binarized"),
    {
        **{"prompt": "text", "prompt_id": "text", "chosen": "messages", "rejected": "messages"},
        **{"messages": "messages", "score_chosen": "number", "score_rejected": "number"},
    },
    write,
)
