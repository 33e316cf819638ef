"""Rows of pairs for a policy, and batches of them: each response behind its prompt, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl.trainer.dpo_trainer import DataCollatorForPreference

from training.data.changes import changed_tokens
from training.data.framing import Framed
from training.data.pairs import PreferencePair
from training.recipes.batches import attention_mask, pad_right
from training.recipes.shared_prompts import parts_of, shared_row

IDS = ["prompt_ids", "chosen_ids", "rejected_ids"]
FACTORS = ["weight", "target"]
CHANGES = ["chosen_changed", "rejected_changed"]
REFERENCE = ["ref_chosen_logps", "ref_rejected_logps"]
ROOT = "root_gap"
COLUMNS = [*IDS, *FACTORS, ROOT, *CHANGES, *REFERENCE]


def preference_dataset(
    pairs: Sequence[PreferencePair],
    framed: Sequence[tuple[Framed, Framed]],
    *,
    changes: bool = False,
    root_gaps: Sequence[float] | None = None,
) -> Dataset:
    """Token ids and per-row factors; weights are scaled to mean 1, so they set no step size.

    changes: also say which tokens of a response the other one lacks. root_gaps: of each pair, how
    much likelier chosen is than rejected (nats) to the model that the policy's line began with.
    """
    mean_weight = sum(pair.weight for pair in pairs) / len(pairs)
    rows = [
        {
            "prompt_ids": chosen.prompt_ids,
            "chosen_ids": chosen.response_ids,
            "rejected_ids": rejected.response_ids,
            "weight": pair.weight / mean_weight,
            "target": pair.target,
        }
        for pair, (chosen, rejected) in zip(pairs, framed, strict=True)
    ]
    if changes:
        for row in rows:
            found = changed_tokens(row["chosen_ids"], row["rejected_ids"])
            row |= dict(zip(CHANGES, found, strict=True))
    if root_gaps is not None:
        for row, gap in zip(rows, root_gaps, strict=True):
            row[ROOT] = float(gap)
    return Dataset.from_list(rows)


@dataclass
class WeightedPolicyCollator(DataCollatorForPreference):
    """TRL's batch of all chosen, then all rejected, with `weight`, `target` and `changed`."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch = super().torch_call(examples)
        for column in (name for name in (*FACTORS, ROOT) if name in examples[0]):
            batch[column] = torch.tensor([row[column] for row in examples], dtype=torch.float)
        if "chosen_changed" in examples[0]:
            batch["changed"] = torch.zeros_like(batch["completion_mask"])
            sides = [(row, column) for column in CHANGES for row in examples]
            for position, (row, column) in enumerate(sides):
                start = len(row["prompt_ids"])
                marks = torch.tensor(row[column], dtype=batch["changed"].dtype)
                batch["changed"][position, start : start + len(marks)] = marks
        return batch


class SharedPromptCollator:
    """Rows as `shared_prompts` has them.

    `parts` [B, 3] says where each part ends. `completion_mask` and `changed` are [2B, T + 1], of
    all chosen, then all rejected from their first token on, behind one column for their prompt.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Tensor]:
        ids = [shared_row(row) for row in examples]
        sides = [row[side] for side in IDS[1:] for row in examples]
        batch = {
            "input_ids": pad_right(ids, self.pad_id),
            "attention_mask": attention_mask(ids),
            "parts": torch.tensor([parts_of(row) for row in examples]),
            "completion_mask": pad_right([[0, *[1] * len(side)] for side in sides], 0),
        }
        for column in (*FACTORS, ROOT, *REFERENCE):
            if column in examples[0]:
                values = [row[column] for row in examples]
                batch[column] = torch.tensor(values, dtype=torch.float)
        if "chosen_changed" in examples[0]:
            marks = [row[column] for column in CHANGES for row in examples]
            batch["changed"] = pad_right([[0, *mark] for mark in marks], 0)
        return batch
