"""Implicit feedback out: answers of a product that people called good or bad, and their edits.

Sources: TRL documentation, "Dataset formats and types"; LLaMA-Factory, `data/README.md`, "KTO
Dataset". `noise` is how often such a label is wrong, 0 to 0.5; null where it is not known.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.records import Message
from annotate.interchange.trainers.llama_factory import said, tagged_prompt
from annotate.wording import translatable


class Signalled(NamedTuple):
    """One signal that says something: the answer, whether it was good, and how an edit left it."""

    prompt: list[Message]
    completion: str
    good: bool
    edited: str
    noise: float | None
    type: str
    model: str
    model_version: str

    @property
    def labelled(self) -> Iterator[tuple[str, bool]]:
        """The answer with its label; of an edit also the text as it was left, which is good."""
        yield self.completion, self.good
        if self.edited:
            yield self.edited, True


FROM = {"noise": "number", "signal": "text", "model": "text", "model_version": "text"}


def write(row: Signalled) -> Rows:
    for text, label in row.labelled:
        yield {"prompt": row.prompt, "completion": _answer(text), "label": label, **_from(row)}


def write_tagged(row: Signalled) -> Rows:
    prompt = tagged_prompt(row.prompt)
    for text, label in row.labelled:
        turns = [*prompt["conversations"], said(text)]
        yield {**prompt, "conversations": turns, "kto_tag": label}


def write_edit(row: Signalled) -> Rows:
    """The text as it was left is chosen over the one that was edited; nothing where they agree."""
    if row.edited and row.edited != row.completion:
        chosen, rejected = _answer(row.edited), _answer(row.completion)
        yield {"prompt": row.prompt, "chosen": chosen, "rejected": rejected, **_from(row)}


def _answer(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def _from(row: Signalled) -> dict[str, Any]:
    return {
        "noise": row.noise,
        "signal": row.type,
        "model": row.model,
        "model_version": row.model_version,
    }


SIGNALS = ExportFormat(
    "signals",
    translatable("Signals of a product: TRL unpaired preference, with noise rates"),
    {"prompt": "messages", "completion": "messages", "label": "flag", **FROM},
    write_signal=write,
)
SIGNALS_LLAMA_FACTORY_KTO = ExportFormat(
    "signals_llama_factory_kto",
    translatable("Signals of a product: LLaMA-Factory answers tagged for KTO"),
    {"conversations": "turns", "system": "text", "kto_tag": "flag"},
    write_signal=write_tagged,
)
SIGNALS_EDITS = ExportFormat(
    "signals_edits",
    translatable("Signals of a product: edited texts preferred to the originals (TRL)"),
    {"prompt": "messages", "chosen": "messages", "rejected": "messages", **FROM},
    write_signal=write_edit,
)
SIGNAL_EXPORTS = (SIGNALS, SIGNALS_LLAMA_FACTORY_KTO, SIGNALS_EDITS)
