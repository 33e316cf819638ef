"""LLaMA-Factory in the ShareGPT style: preferences (`ranking`), and answers tagged for KTO.

Source: LLaMA-Factory, `data/README.md`, "Preference Dataset" and "KTO Dataset".
"""

from typing import Any

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Preference, PromptText
from annotate.wording import translatable

SPEAKERS = {"user": "human", "assistant": "gpt", "tool": "observation", "system": "system"}


def write(row: Preference) -> Rows:
    yield {
        **_prompt(row.prompt),
        "chosen": _said(row.chosen.said),
        "rejected": _said(row.rejected.said),
    }


def write_tagged(row: Preference) -> Rows:
    prompt = _prompt(row.prompt)
    for answer, tag in ((row.chosen, True), (row.rejected, False)):
        turns = [*prompt["conversations"], _said(answer.said)]
        yield {**prompt, "conversations": turns, "kto_tag": tag}


def _prompt(prompt: PromptText) -> dict[str, Any]:
    turns = [{"from": SPEAKERS[turn["role"]], "value": turn["content"]} for turn in prompt.turns]
    return {"conversations": turns, "system": prompt.system}


def _said(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}


LLAMA_FACTORY = ExportFormat(
    "llama_factory",
    translatable("LLaMA-Factory preferences (ShareGPT style)"),
    {"conversations": "turns", "system": "text", "chosen": "turn", "rejected": "turn"},
    write,
)
LLAMA_FACTORY_KTO = ExportFormat(
    "llama_factory_kto",
    translatable("LLaMA-Factory answers tagged for KTO"),
    {"conversations": "turns", "system": "text", "kto_tag": "flag"},
    write_tagged,
    refuses=frozenset({"tie_rule", "margin"}),
)
