"""TRL's DPOTrainer with weights, ties, label smoothing, token weights and our own losses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import Sampler
from trl import DPOConfig, DPOTrainer
from trl.trainer.utils import use_adapter

from training.data.framing import Framed
from training.data.pairs import PairSplits
from training.losses.pairs import Divergence, PairLogps, per_token
from training.losses.tokens import (
    ResponseTokens,
    forward_kl,
    on_policy_weight,
    shorter_length,
    token_weights,
)
from training.recipes import ranks
from training.recipes.batches import batches_by_length
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import StopRequestedError
from training.recipes.models import load_causal_lm, place
from training.recipes.order import PlannedOrder
from training.recipes.pair_batches import (
    COLUMNS,
    REFERENCE,
    ROOT,
    SharedPromptCollator,
    WeightedPolicyCollator,
    preference_dataset,
)
from training.recipes.policy_figures import response_logps
from training.recipes.progress import ShouldStop, require_finite
from training.recipes.reference_sums import ReferenceSums
from training.recipes.response_logps import places_of, score_tokens, spread, token_logps
from training.recipes.shared_prompts import following, parts_of, predicting, reading

MOVED_REFERENCE = "reference.safetensors"


class PairPolicyTrainer(DPOTrainer):
    """DPOTrainer drops weight columns, ignores label smoothing for `sigmoid` and knows no ties.

    The losses are those of `training.losses.registry`; everything around them is TRL's.
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
        self.chosen_loss = config.chosen_loss
        self.loss_function = config.chosen_loss.load()
        self.order = order
        self.should_stop = should_stop
        super().__init__(*args, **kwargs)
        score_tokens(self.model, squares=config.off_policy_weighting)

    def _send_telemetry(self) -> None:
        """Nothing is sent."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        """Rows come with token ids already shortened: none is tokenized or dropped here."""
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = COLUMNS

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return PlannedOrder(self.order)

    def _precompute_ref_logps(self, dataset: Dataset, name: str, batch_size: int) -> Dataset:
        """The sums of the rows that will be trained on; nothing without a reference.

        What a stopped run has read stays in its folder.
        """
        if not self.chosen_loss.reference:
            return dataset
        score_tokens(self.model, squares=self.pair_config.off_policy_weighting)
        return ranks.in_turn(lambda: self._sums_beside(dataset, batch_size))

    def _sums_beside(self, dataset: Dataset, batch_size: int) -> Dataset:
        config = self.pair_config
        sums = ReferenceSums(
            Path(self.args.output_dir),
            dataset,
            made_with=(config.tail_weight, config.changed_weight),
        )
        trained = sorted(set(self.order))
        lengths = [sum(parts_of(dataset[row])) for row in trained]
        plan = [[trained[index] for index in b] for b in batches_by_length(lengths, batch_size)]
        for rows in plan:
            if self.should_stop():
                sums.save()
                raise StopRequestedError("stopped while computing reference log-probabilities")
            if not sums.has(rows):
                inputs = self._prepare_inputs(self.data_collator([dataset[row] for row in rows]))
                sums.put(rows, *self.compute_ref_log_probs(self.model, inputs))
        sums.save()
        return sums.beside(dataset)

    def beside_reference(self, dataset: Dataset, batch_size: int) -> Dataset:
        """Held-out rows beside their sums of the reference, before training."""
        if not (self.chosen_loss.reference and self.pair_config.reads_reference_beforehand):
            return dataset
        score_tokens(self.model, squares=self.pair_config.off_policy_weighting)
        found = []
        for start in range(0, len(dataset), batch_size):
            stop = min(start + batch_size, len(dataset))
            rows = [dataset[row] for row in range(start, stop)]
            inputs = self._prepare_inputs(self.data_collator(rows))
            found.append(torch.stack(self.compute_ref_log_probs(self.model, inputs)).float().cpu())
        for column, values_N in zip(REFERENCE, torch.cat(found, 1), strict=True):
            dataset = dataset.add_column(column, values_N.numpy())
        return dataset

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Tensor]) -> Any:
        """Weighted reference sums of one batch, before training."""
        return self._sums_of_reference(model, inputs)

    def _reference_sums(self, model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Those of before training, those of a reference that moves, or zeros for none."""
        if not self.chosen_loss.reference:
            return torch.zeros_like(inputs["target"]), torch.zeros_like(inputs["target"])
        if self.pair_config.reads_reference_beforehand:
            return inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]
        chosen_B, rejected_B = self._sums_of_reference(model, inputs)
        return chosen_B, rejected_B

    def _sums_of_reference(self, model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
        with torch.no_grad(), self._as_reference(model) as reference, self.accelerator.autocast():
            logps_BL, _ = self._logps(reference, inputs)
        return (logps_BL * self._weights(inputs)).sum(1).chunk(2)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A reference that moves belongs to the state; without it a resumed run is another."""
        super()._save_checkpoint(model, trial)
        if self.pair_config.reference_sync_steps:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            save_file(self._reference_state(), folder / MOVED_REFERENCE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.pair_config.reference_sync_steps:
            saved = load_file(Path(resume_from_checkpoint) / MOVED_REFERENCE)
            parameters = dict(self.ref_model.named_parameters())
            with torch.no_grad():
                for name, value in saved.items():
                    parameters[name].copy_(value)

    def _reference_state(self) -> dict[str, Tensor]:
        return {name: value.contiguous() for name, value in self.ref_model.named_parameters()}

    @contextmanager
    def _as_reference(self, model: Any) -> Iterator[Any]:
        """The reference model: its own, or the model under the adapter that TRL set aside."""
        if self.ref_model is not None:
            yield self.ref_model
            return
        unwrapped = self.accelerator.unwrap_model(self.model)
        if not isinstance(unwrapped, PeftModel):
            yield model  # before training, when policy and reference are one
            return
        with use_adapter(unwrapped, "ref" if "ref" in unwrapped.peft_config else None):
            yield model

    def _logps(self, model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """[2B, L - 1] log-probabilities of the responses' tokens where `completion_mask` marks
        them, 0 elsewhere, and the squares' sums (see `TokenLogps`) if the loss asks for them.
        """
        ids, mask_BL = inputs["input_ids"], inputs["completion_mask"][:, 1:]
        if "parts" in inputs:
            place_N = predicting(inputs["parts"], ids.shape[1])
            next_N = following(ids, inputs["parts"])
            more = reading(inputs["parts"], ids.shape[1])
        else:
            place_N, next_N = places_of(mask_BL), ids[:, 1:][mask_BL.bool()]
            more = {"attention_mask": inputs["attention_mask"]}
        found = token_logps(model, place_N, next_N, input_ids=ids, **more)
        squares_N = found.log_sum_sq_N
        squares_BL = None if squares_N is None else spread(squares_N, mask_BL)
        return spread(found.logp_N, mask_BL), squares_BL

    def _weights(self, inputs: dict[str, Tensor]) -> Tensor:
        """[2B, L - 1] weights of the tokens that follow each position."""
        config = self.pair_config
        mask_BL = inputs["completion_mask"][:, 1:].float()
        changed = config.changed_weight != 1
        return token_weights(
            mask_BL,
            changed_BL=inputs["changed"][:, 1:].float() if changed else None,
            changed_weight=config.changed_weight,
            longest_B=shorter_length(mask_BL) if config.tail_weight != 1 else None,
            tail_weight=config.tail_weight,
        )

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        config = self.pair_config
        of_batch = self._tokens if self.chosen_loss.takes == "tokens" else self._sums
        losses_B, pairs, mean_chosen_B = of_batch(model, inputs)
        if config.sft_weight:
            losses_B = losses_B - config.sft_weight * mean_chosen_B
        loss = (inputs["weight"] * losses_B).mean()
        require_finite(loss, self.state.global_step + 1)
        self._note(pairs)
        return loss

    def _sums(self, model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, PairLogps, Tensor]:
        """Losses over sums of log-probabilities; see `PairLogps`."""
        config = self.pair_config
        mask_BL = inputs["completion_mask"][:, 1:].float()
        logps_BL, squares_BL = self._logps(model, inputs)
        weights_BL = self._weights(inputs)
        chosen_B, rejected_B = (logps_BL * weights_BL).sum(1).chunk(2)
        # LD-DPO discounts the tail of a sum but not a length; dense DPO's lengths are weighted.
        lengths_BL = mask_BL if config.changed_weight == 1 else weights_BL
        chosen_tokens_B, rejected_tokens_B = lengths_BL.sum(1).chunk(2)
        ref_chosen_B, ref_rejected_B = self._reference_sums(model, inputs)
        pairs = PairLogps(
            chosen_B=chosen_B,
            rejected_B=rejected_B,
            ref_chosen_B=ref_chosen_B.to(chosen_B),
            ref_rejected_B=ref_rejected_B.to(chosen_B),
            chosen_tokens_B=chosen_tokens_B,
            rejected_tokens_B=rejected_tokens_B,
            target_B=inputs["target"],
            divergence=Divergence(config.divergence, config.divergence_alpha),
        )
        line = (inputs[ROOT].to(chosen_B),) if self.chosen_loss.line else ()
        losses_B = self.loss_function(pairs, *line, **config.loss_options)
        if config.off_policy_weighting:
            chosen_w_B, rejected_w_B = on_policy_weight(logps_BL, squares_BL, mask_BL).chunk(2)
            losses_B = losses_B * chosen_w_B * rejected_w_B
        mean_chosen_B = per_token(logps_BL.sum(1), mask_BL.sum(1)).chunk(2)[0]
        return losses_B, pairs, mean_chosen_B

    def _tokens(self, model: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, PairLogps, Tensor]:
        """Losses over single tokens; both models' logits are held at once."""
        mask_BL = inputs["completion_mask"][:, 1:].float()
        arguments = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        logits_BLV = model(**arguments, use_cache=False).logits[:, :-1].float()
        with torch.no_grad(), self._as_reference(model) as reference:
            ref_logits_BLV = reference(**arguments, use_cache=False).logits[:, :-1].float()
        kl_BL = forward_kl(ref_logits_BLV, logits_BLV)
        next_BL1 = inputs["input_ids"][:, 1:].unsqueeze(-1)
        logp_BL, ref_logp_BL = (
            one.log_softmax(-1).gather(-1, next_BL1).squeeze(-1) * mask_BL
            for one in (logits_BLV, ref_logits_BLV)
        )
        changed_BL = inputs["changed"][:, 1:].float() if "changed" in inputs else 0 * mask_BL
        columns = (logp_BL, ref_logp_BL, kl_BL, mask_BL, changed_BL)
        sides = zip(*(column.chunk(2) for column in columns), strict=True)
        chosen, rejected = (ResponseTokens(*side) for side in sides)
        losses_B = self.loss_function(chosen, rejected, **self.pair_config.loss_options)
        pairs = PairLogps(
            chosen_B=chosen.logp_BL.sum(1),
            rejected_B=rejected.logp_BL.sum(1),
            ref_chosen_B=chosen.ref_logp_BL.sum(1),
            ref_rejected_B=rejected.ref_logp_BL.sum(1),
            chosen_tokens_B=chosen.mask_BL.sum(1),
            rejected_tokens_B=rejected.mask_BL.sum(1),
            target_B=inputs["target"],
        )
        metrics = self._metrics["train" if self.model.training else "eval"]
        metrics["kl_chosen"].append(chosen.kl_B().mean().item())
        metrics["kl_rejected"].append(rejected.kl_B().mean().item())
        return losses_B, pairs, pairs.mean_chosen_B

    @torch.no_grad()
    def _note(self, pairs: PairLogps) -> None:
        """Keep figures for the next log entry; ties count in no accuracy.

        Without a reference the implicit reward is the scaled average log-probability.
        """
        metrics = self._metrics["train" if self.model.training else "eval"]
        if self.chosen_loss.reference:
            gap_B = self.pair_config.beta * pairs.gap_B
            metrics["logp_chosen_change"].append(pairs.chosen_logratio_B.mean().item())
        else:
            gap_B = self.pair_config.beta * (pairs.mean_chosen_B - pairs.mean_rejected_B)
        decided = pairs.target_B != 0.5
        if decided.any():
            metrics["reward_accuracy"].append((gap_B > 0)[decided].float().mean().item())
        metrics["reward_margin"].append(gap_B.mean().item())
        metrics["logp_chosen"].append(pairs.chosen_B.mean().item())
        metrics["logp_rejected"].append(pairs.rejected_B.mean().item())


def root_gaps_of(
    config: DpoConfig, framed: Sequence[tuple[Framed, ...]], root_model: str, **options: Any
) -> list[float]:
    """How much likelier chosen is than rejected to the model that the policy's line began with."""
    root = place(load_causal_lm(root_model or config.base_model))
    logps = response_logps(root, [one for both in framed for one in both], **options)
    gaps: list[float] = (logps[::2] - logps[1::2]).tolist()
    return gaps


def pair_trainer(
    config: DpoConfig,
    splits: PairSplits,
    framed: Sequence[tuple[Framed, Framed]],
    arguments: dict[str, Any],
    *,
    pad_id: int,
    reference_rows: int,
    root_model: str,
    shared: bool,
    should_stop: ShouldStop,
    **more: Any,
) -> PairPolicyTrainer:
    """Sums of the reference are made once, before training, wherever the loss allows it: then no
    second model is kept. So are those of the model that the policy's line began with.
    """
    root_gaps = None
    if config.chosen_loss.line:
        options = {"pad_id": pad_id, "batch_size": reference_rows, "should_stop": should_stop}
        root_gaps = root_gaps_of(config, framed, root_model, **options)
    return PairPolicyTrainer(
        args=DPOConfig(
            **arguments,
            beta=config.beta,
            max_length=None,
            pad_to_multiple_of=None,
            precompute_ref_log_probs=config.reads_reference_beforehand,
            precompute_ref_batch_size=reference_rows,
            use_weighting=config.off_policy_weighting,
            sync_ref_model=config.reference_sync_steps > 0,
            ref_model_sync_steps=max(1, config.reference_sync_steps),
            ref_model_mixup_alpha=config.reference_mixup,
        ),
        train_dataset=preference_dataset(
            splits.train, framed, changes=config.needs_changes, root_gaps=root_gaps
        ),
        data_collator=(SharedPromptCollator if shared else WeightedPolicyCollator)(pad_id),
        config=config,
        should_stop=should_stop,
        **more,
    )
