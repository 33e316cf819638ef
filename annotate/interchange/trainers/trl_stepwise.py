"""TRL's stepwise supervision: the steps of an answer, each right or wrong.

Steps after the first wrong one, where nobody judged them, are left out. A neutral step is not
wrong, as in the first data of process rewards (Lightman et al. 2023, arXiv 2305.20050).
Source: TRL documentation, "Dataset formats and types", stepwise supervision.
"""

from annotate.interchange import trl
from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Judged
from annotate.kinds import steps
from annotate.wording import translatable


def write(row: Judged) -> Rows:
    prompt = trl.write_plain(row.prompt.system, row.prompt.turns, "", "")["prompt"]
    responses = {response.id: response for response in row.responses}
    for value, asked in answers_of(row, steps.NAME):
        for pk in asked:
            parts = responses[pk].parts
            texts = steps.split_steps(parts, value["split"])
            judged = [label for label in value["labels"][str(pk)] if label is not None]
            if judged:
                labels = [label >= 0 for label in judged]
                yield {
                    "prompt": prompt,
                    "completions": list(texts[: len(judged)]),
                    "labels": labels,
                }


TRL_STEPWISE = ExportFormat(
    "trl_stepwise",
    translatable("TRL stepwise supervision: steps, right or wrong"),
    {"prompt": "text", "completions": "texts", "labels": "flags"},
    write_judged=write,
    kinds=frozenset({steps.NAME}),
)
