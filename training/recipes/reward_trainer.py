"""TRL's RewardTrainer with weights, soft targets and a fixed order of examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import Sampler
from trl import RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

from training.data.framing import Framed
from training.data.pairs import PreferencePair
from training.losses.bradley_terry import bradley_terry_loss, centering_loss
from training.recipes import runtime
from training.recipes.batches import like_lengths
from training.recipes.order import PlannedOrder
from training.recipes.progress import require_finite

COLUMNS = ["chosen_ids", "rejected_ids", "margin", "weight", "target"]
LEAST_TOKENS = {"cpu": 2048, "cuda": 10**9}
"""How many tokens at least go through the network together: a GPU wants few calls."""


def reward_dataset(
    pairs: Sequence[PreferencePair],
    framed: Sequence[tuple[Framed, Framed]],
    *,
    use_margin: bool,
) -> Dataset:
    """Token ids and per-row factors; weights are scaled to mean 1, so they set no step size."""
    mean_weight = sum(pair.weight for pair in pairs) / len(pairs)
    return Dataset.from_list(
        [
            {
                "chosen_ids": chosen.ids,
                "rejected_ids": rejected.ids,
                "margin": float(pair.margin or 0.0) if use_margin and not pair.tie else 0.0,
                "weight": pair.weight / mean_weight,
                "target": pair.target,
            }
            for pair, (chosen, rejected) in zip(pairs, framed, strict=True)
        ]
    )


@dataclass
class WeightedPreferenceCollator(DataCollatorForPreference):
    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch = super().torch_call(examples)
        for column in ("weight", "target"):
            batch[column] = torch.tensor([row[column] for row in examples], dtype=torch.float)
        return batch


class WeightedRewardTrainer(RewardTrainer):
    """RewardTrainer knows margins only; this adds weights, ties and a planned order."""

    def __init__(self, *args: Any, order: Sequence[int], **kwargs: Any) -> None:
        self.order = order
        super().__init__(*args, **kwargs)

    def _send_telemetry(self) -> None:
        """Nothing is sent."""

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = COLUMNS

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return PlannedOrder(self.order)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: int | None = None,
    ) -> Any:
        chosen_B, rejected_B = self._rewards(model, inputs).chunk(2)
        losses_B = bradley_terry_loss(
            chosen_B, rejected_B, margin_B=inputs["margin"], target_B=inputs["target"]
        )
        if self.args.center_rewards_coefficient:
            centering_B = centering_loss(chosen_B, rejected_B)
            losses_B = losses_B + self.args.center_rewards_coefficient * centering_B
        loss = (inputs["weight"] * losses_B).mean()
        require_finite(loss, self.state.global_step + 1)
        self._note(chosen_B.detach(), rejected_B.detach(), inputs["target"])
        return (loss, {"rewards": torch.cat([chosen_B, rejected_B])}) if return_outputs else loss

    def _rewards(self, model: Any, inputs: dict[str, Tensor]) -> Tensor:
        """[2B] rewards; sequences of like length go through the network together."""
        length_N = inputs["attention_mask"].sum(1)
        groups = like_lengths(length_N.tolist(), least_tokens=LEAST_TOKENS[runtime.device().type])
        found = []
        for rows in groups:
            longest = int(length_N[rows].max())
            outputs = model(
                input_ids=inputs["input_ids"][rows, :longest],
                attention_mask=inputs["attention_mask"][rows, :longest],
                use_cache=False,
            )
            found.append(outputs.logits.squeeze(-1).float())
        places = torch.tensor([row for rows in groups for row in rows])
        return torch.cat(found)[places.argsort().to(found[0].device)]

    def _note(self, chosen_B: Tensor, rejected_B: Tensor, target_B: Tensor) -> None:
        """Keep figures for the next log entry; ties count in no accuracy."""
        metrics = self._metrics["train" if self.model.training else "eval"]
        decided = target_B != 0.5
        if decided.any():
            accuracy = (chosen_B > rejected_B)[decided].float().mean().item()
            metrics["accuracy"].append(accuracy)
        metrics["margin"].append((chosen_B - rejected_B).mean().item())
        metrics["mean_reward"].append(torch.cat([chosen_B, rejected_B]).mean().item())
