"""TRL's DPOTrainer with weights, ties, label smoothing and our own pair losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import Sampler
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from training.data.framing import Framed
from training.data.pairs import PreferencePair
from training.losses.dpo import PAIR_LOSSES, PairLogps
from training.recipes.config import DpoConfig
from training.recipes.errors import StopRequestedError
from training.recipes.order import PlannedOrder
from training.recipes.progress import ShouldStop, require_finite

IDS = ["prompt_ids", "chosen_ids", "rejected_ids"]
FACTORS = ["weight", "target"]
REFERENCE = ["ref_chosen_logps", "ref_rejected_logps"]


def preference_dataset(
    pairs: Sequence[PreferencePair], framed: Sequence[tuple[Framed, Framed]]
) -> Dataset:
    """Token ids and per-row factors; weights are scaled to mean 1, so they set no step size."""
    mean_weight = sum(pair.weight for pair in pairs) / len(pairs)
    return Dataset.from_list(
        [
            {
                "prompt_ids": chosen.prompt_ids,
                "chosen_ids": chosen.response_ids,
                "rejected_ids": rejected.response_ids,
                "weight": pair.weight / mean_weight,
                "target": pair.target,
            }
            for pair, (chosen, rejected) in zip(pairs, framed, strict=True)
        ]
    )


@dataclass
class WeightedPolicyCollator(DataCollatorForPreference):
    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch = super().torch_call(examples)
        for column in FACTORS:
            batch[column] = torch.tensor([row[column] for row in examples], dtype=torch.float)
        return batch


class PairPolicyTrainer(DPOTrainer):
    """DPOTrainer drops weight columns, ignores label smoothing for `sigmoid` and knows no ties.

    The losses are those of `training.losses.dpo`; everything around them is TRL's.
    """

    def __init__(
        self,
        *args: Any,
        config: DpoConfig,
        order: Sequence[int],
        should_stop: ShouldStop,
        **kwargs: Any,
    ) -> None:
        self.pair_config = config
        self.order = order
        self.should_stop = should_stop
        super().__init__(*args, **kwargs)

    def _send_telemetry(self) -> None:
        """Nothing is sent."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        """Rows come with token ids already shortened: none is tokenized or dropped here."""
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = [*IDS, *FACTORS, *REFERENCE]

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return PlannedOrder(self.order)

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Tensor]) -> Any:
        """Reference log-probabilities of one batch, before training; listens to a stop."""
        if self.should_stop():
            raise StopRequestedError("stopped while computing reference log-probabilities")
        kept = {name: value for name, value in inputs.items() if name not in FACTORS}
        return super().compute_ref_log_probs(model, kept)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        config = self.pair_config
        completion_BL = inputs["completion_mask"]
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            labels=inputs["input_ids"].masked_fill(completion_BL == 0, -100),
            use_cache=False,
            fused_lm_head=True,
        )
        logps_BL = outputs.log_probs[:, -(completion_BL.shape[1] - 1) :].float()
        chosen_B, rejected_B = logps_BL.sum(1).chunk(2)
        tokens_B = completion_BL[:, 1:].sum(1).to(chosen_B.dtype)
        chosen_tokens_B, rejected_tokens_B = tokens_B.chunk(2)
        pairs = PairLogps(
            chosen_B=chosen_B,
            rejected_B=rejected_B,
            ref_chosen_B=inputs["ref_chosen_logps"].to(chosen_B),
            ref_rejected_B=inputs["ref_rejected_logps"].to(chosen_B),
            chosen_tokens_B=chosen_tokens_B,
            rejected_tokens_B=rejected_tokens_B,
            target_B=inputs["target"],
        )
        losses_B = PAIR_LOSSES[config.loss](
            pairs,
            beta=config.beta,
            label_smoothing=config.label_smoothing,
            target_margin=config.target_margin,
        )
        if config.sft_weight:
            losses_B = losses_B - config.sft_weight * chosen_B / chosen_tokens_B.clamp(min=1)
        loss = (inputs["weight"] * losses_B).mean()
        require_finite(loss, self.state.global_step + 1)
        self._note(pairs)
        return loss

    @torch.no_grad()
    def _note(self, pairs: PairLogps) -> None:
        """Keep figures for the next log entry; ties count in no accuracy."""
        metrics = self._metrics["train" if self.model.training else "eval"]
        gap_B = self.pair_config.beta * pairs.gap_B
        decided = pairs.target_B != 0.5
        if decided.any():
            metrics["reward_accuracy"].append((gap_B > 0)[decided].float().mean().item())
        metrics["reward_margin"].append(gap_B.mean().item())
        metrics["logp_chosen"].append(pairs.chosen_B.mean().item())
        metrics["logp_rejected"].append(pairs.rejected_B.mean().item())
        metrics["logp_chosen_change"].append(pairs.chosen_logratio_B.mean().item())
