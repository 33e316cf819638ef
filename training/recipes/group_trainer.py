"""A trainer for losses over groups of responses: ranked lists, and votes on single ones."""

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import Sampler
from transformers import PreTrainedModel, Trainer
from trl.trainer.utils import add_fused_lm_head

from training.data.framing import Framed
from training.losses.listwise import ListLogps
from training.losses.plackett_luce import ABSENT
from training.losses.unpaired import reference_point
from training.recipes.batches import attention_mask, pad_right
from training.recipes.dpo_config import DpoConfig
from training.recipes.order import PlannedOrder
from training.recipes.policy_figures import response_logps
from training.recipes.progress import ShouldStop, require_finite


class GroupCollator:
    """Flattens the groups into [N, L]; `row` and `place` say where each sequence belongs."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        ids, labels, where = [], [], []
        for number, row in enumerate(rows):
            sides = zip(row["prompts"], row["responses"], strict=True)
            for place, (prompt, response) in enumerate(sides):
                ids.append(prompt + response)
                labels.append([-100] * len(prompt) + response)
                where.append((number, place))
        batch = {
            "input_ids": pad_right(ids, self.pad_id),
            "attention_mask": attention_mask(ids),
            "labels": pad_right(labels, -100),
            "where": torch.tensor(where),
        }
        width = max(len(row["responses"]) for row in rows)

        def table(column: str, filler: float) -> Tensor:
            return torch.tensor([[*r[column], *[filler] * (width - len(r[column]))] for r in rows])

        batch["ref_logps"] = table("ref_logps", 0.0)
        if "tiers" in rows[0]:
            batch["tiers"] = table("tiers", ABSENT)
            batch["open"] = torch.tensor([row["open"] for row in rows])
        else:
            batch["desirable"] = torch.tensor([row["desirable"] for row in rows])
            batch["noise"] = torch.tensor([row["noise"] for row in rows])
        return batch


class GroupPolicyTrainer(Trainer):
    """Losses of `training.losses.registry` that take "lists" or "votes".

    Reference log-probabilities are those of the model before its first step: `with_reference`.
    Of several processes each notes figures of its own rows.
    """

    def __init__(
        self, *args: Any, config: DpoConfig, order: Sequence[int], model: Any, **kwargs: Any
    ) -> None:
        self.group_config = config
        self.loss_function = config.chosen_loss.load()
        self.order = order
        self.figures: dict[str, list[float]] = {}
        plain = model if isinstance(model, PreTrainedModel) else model.get_base_model()
        add_fused_lm_head(plain)
        super().__init__(*args, model=model, **kwargs)
        self.model_accepts_loss_kwargs = False  # the loss is a mean over the batch

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return PlannedOrder(self.order)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        lists = self.group_config.chosen_loss.takes == "lists"
        losses_B = self._of_lists(model, inputs) if lists else self._of_votes(model, inputs)
        loss = losses_B.mean()
        require_finite(loss, self.state.global_step + 1)
        return loss

    def _logps(self, model: Any, inputs: dict[str, Tensor]) -> Tensor:
        """[N] log-probabilities of the sequences in the batch."""
        names = ("input_ids", "attention_mask", "labels")
        arguments = {name: inputs[name] for name in names}
        found: Tensor = model(**arguments, use_cache=False, fused_lm_head=True).log_probs
        return found.float().sum(1)

    def _of_lists(self, model: Any, inputs: dict[str, Tensor]) -> Tensor:
        row_N, place_N = inputs["where"].unbind(1)
        logps_N = self._logps(model, inputs)
        lists = ListLogps(
            logp_BK=torch.zeros_like(inputs["ref_logps"]).index_put((row_N, place_N), logps_N),
            ref_logp_BK=inputs["ref_logps"],
            tier_BK=inputs["tiers"],
            open_B=inputs["open"],
        )
        reward_BK = self.group_config.beta * lists.logratio_BK.detach()
        best_BK, last_BK = lists.tier_BK == 0, lists.tier_BK == lists.tier_BK.amax(1, keepdim=True)
        self._note("reward_margin", (_mean(reward_BK, best_BK) - _mean(reward_BK, last_BK)).mean())
        self._note("logp_chosen_change", _mean(lists.logratio_BK.detach(), best_BK).mean())
        return self.loss_function(lists, **self.group_config.loss_options)

    def _of_votes(self, model: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The second of each two sequences answers another prompt and is read without gradient."""
        own_N = inputs["where"][:, 1] == 0
        sides = [
            {name: inputs[name][rows] for name in ("input_ids", "attention_mask", "labels")}
            for rows in (own_N, ~own_N)
        ]
        logratio_B = self._logps(model, sides[0]) - inputs["ref_logps"][:, 0]
        with torch.no_grad():
            point = reference_point(self._logps(model, sides[1]) - inputs["ref_logps"][:, 1])
        good_B, reward_B = inputs["desirable"], self.group_config.beta * logratio_B.detach()
        if good_B.any():
            self._note("reward_good", reward_B[good_B].mean())
        if not good_B.all():
            self._note("reward_bad", reward_B[~good_B].mean())
        self._note("kl", point)
        options = {**self.group_config.loss_options, "noise_B": inputs["noise"]}
        return self.loss_function(logratio_B, good_B, point, **options)

    def _note(self, name: str, value: Tensor) -> None:
        self.figures.setdefault(name, []).append(value.item())

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        means = {name: sum(found) / len(found) for name, found in self.figures.items()}
        self.figures.clear()
        super().log({**logs, **means}, *args, **kwargs)


def _mean(value_BK: Tensor, where_BK: Tensor) -> Tensor:
    return (value_BK * where_BK).sum(1) / where_BK.sum(1).clamp(min=1)


def with_reference(
    model: Any, dataset: Dataset, *, pad_id: int, batch_size: int, should_stop: ShouldStop
) -> Dataset:
    """The data set with the model's own log-probabilities as those of the reference."""
    framed = [
        Framed(prompt, response, False, False)
        for row in dataset
        for prompt, response in zip(row["prompts"], row["responses"], strict=True)
    ]
    options = {"pad_id": pad_id, "batch_size": batch_size, "should_stop": should_stop}
    logps = iter(response_logps(model, framed, **options).tolist())
    column = [[next(logps) for _ in row["responses"]] for row in dataset]
    return dataset.add_column("ref_logps", column)
