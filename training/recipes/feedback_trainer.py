"""A trainer for losses over feedback: critiques, phrases, reasons, scopes, other prompts, criteria.

Each row is a few sequences (`training/recipes/feedback_rows.py`). One forward pass gives the
log-probability of every learned token; what a loss makes of them is told by what it takes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import Sampler
from transformers import PreTrainedModel, Trainer
from trl.trainer.utils import add_fused_lm_head

from training.losses.feedback import likelihood_loss
from training.losses.pairs import PairLogps
from training.recipes.batches import attention_mask, pad_right
from training.recipes.dpo_config import DpoConfig
from training.recipes.order import PlannedOrder
from training.recipes.progress import require_finite


class FeedbackCollator:
    """Flattens the rows' sequences into [N, L].

    `where` [N, 2]: row and place of each; `starts`, `lengths` [N]: where its response begins and
    how many tokens it has.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        ids, labels, where, starts, lengths = [], [], [], [], []
        for number, row in enumerate(rows):
            sides = zip(row["prompts"], row["responses"], row["learned"], strict=True)
            for place, (prompt, response, learned) in enumerate(sides):
                marked = [t if m else -100 for t, m in zip(response, learned, strict=True)]
                ids.append(prompt + response)
                labels.append([-100] * len(prompt) + marked)
                where.append((number, place))
                starts.append(len(prompt))
                lengths.append(len(response))
        batch: dict[str, Any] = {
            "input_ids": pad_right(ids, self.pad_id),
            "attention_mask": attention_mask(ids),
            "labels": pad_right(labels, -100),
            "where": torch.tensor(where),
            "starts": torch.tensor(starts),
            "lengths": torch.tensor(lengths),
        }
        width = max(len(row["responses"]) for row in rows)
        if "ref_logps" in rows[0]:
            found = [row["ref_logps"] + [0.0] * (width - len(row["ref_logps"])) for row in rows]
            batch["ref_logps"] = torch.tensor(found)
        for name in ("good", "in_scope", "margins"):
            if name in rows[0]:
                batch[name] = torch.tensor([row[name] for row in rows])
        return batch


class FeedbackTrainer(Trainer):
    """Losses of `training.losses.registry` that take one of FEEDBACK.

    Reference log-probabilities are those of the model before its first step: `with_reference`.
    Of several processes each notes figures of its own rows.
    """

    def __init__(
        self, *args: Any, config: DpoConfig, order: Sequence[int], model: Any, **kwargs: Any
    ) -> None:
        self.feedback_config = config
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
        takes = self.feedback_config.chosen_loss.takes
        loss = getattr(self, f"_of_{takes}")(self._logps(model, inputs), inputs).mean()
        require_finite(loss, self.state.global_step + 1)
        return loss

    def _logps(self, model: Any, inputs: dict[str, Tensor]) -> Tensor:
        """[N, L - 1] log-probabilities of the tokens after the first, 0 where not learned."""
        names = ("input_ids", "attention_mask", "labels")
        arguments = {name: inputs[name] for name in names}
        found: Tensor = model(**arguments, use_cache=False, fused_lm_head=True).log_probs
        return found[:, -(inputs["labels"].shape[1] - 1) :].float()

    def _of_critiques(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Good responses by their likelihood, bad ones by the contrast with their critique."""
        row_N, place_N = inputs["where"].unbind(1)
        logps_NT, mask_NT = _responses(logps_NL, inputs["starts"], inputs["lengths"])
        plain_BT, mask_BT = logps_NT[place_N == 0], mask_NT[place_N == 0]
        judged_BT = torch.zeros_like(plain_BT)
        judged_BT = judged_BT.index_put((row_N[place_N == 1],), logps_NT[place_N == 1])
        good_B = inputs["good"]
        losses_B = torch.where(good_B, likelihood_loss(plain_BT, mask_BT), 0.0)
        if not good_B.all():
            bad = (plain_BT[~good_B], judged_BT[~good_B], mask_BT[~good_B])
            options = self.feedback_config.loss_options
            losses_B = losses_B.index_put(
                ((~good_B).nonzero()[:, 0],), self.loss_function(*bad, **options)
            )
            with torch.no_grad():
                unlike = (bad[1] - bad[0]).exp() > options["cut_threshold"]
                self._note("unlike_share", (unlike * bad[2]).sum() / bad[2].sum().clamp(min=1))
        return losses_B

    def _of_texts(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        learned_NL = (inputs["labels"][:, 1:] != -100).float()
        return self.loss_function(logps_NL, learned_NL)

    def _of_reasons(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Preferences without reasons have DPO's loss alone."""
        sums_BK = self._sums(logps_NL, inputs)
        if sums_BK.shape[1] == 2:
            sums_BK = torch.cat([sums_BK, torch.zeros_like(sums_BK[:, :1])], dim=1)
        tokens_BK = _table(inputs["lengths"].float(), inputs, sums_BK.shape[1])
        said_B = tokens_BK[:, 2] > 0
        if said_B.any():
            mean_B = (sums_BK[:, 2] / tokens_BK[:, 2].clamp(min=1)).detach()
            self._note("logp_reasons", mean_B[said_B].mean())
        pairs = self._pairs(sums_BK, inputs)
        return self.loss_function(pairs, sums_BK[:, 2], **self.feedback_config.loss_options)

    def _of_scopes(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        inside_B = inputs["in_scope"]
        pairs = self._pairs(self._sums(logps_NL, inputs), inputs, of_rows=inside_B)
        if not inside_B.all():
            self._note("logp_kept_change", pairs.chosen_logratio_B.detach()[~inside_B].mean())
        return self.loss_function(pairs, inside_B, **self.feedback_config.loss_options)

    def _of_joint(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        sums_BK = self._sums(logps_NL, inputs)
        responses, prompts = (
            self._pairs(sums_BK, inputs, first=first, note=False) for first in (0, 2)
        )
        gap_B = self.feedback_config.beta * (responses.gap_B + prompts.gap_B).detach()
        self._note("reward_margin", gap_B.mean())
        return self.loss_function(responses, prompts, **self.feedback_config.loss_options)

    def _of_criteria(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        pairs = self._pairs(self._sums(logps_NL, inputs), inputs)
        own, others = criterion_weights(self.feedback_config, inputs["margins"].shape[1])
        return self.loss_function(
            pairs,
            self.feedback_config.criterion_scale * inputs["margins"].float(),
            weight=own,
            other_weights=others,
            **self.feedback_config.loss_options,
        )

    def _of_negatives(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """The bad response stands at place 0, the model's own behind it."""
        ratio_BK = self._sums(logps_NL, inputs) - inputs["ref_logps"].to(logps_NL)
        self._note("logp_own_change", ratio_BK.detach()[:, 1:].mean())
        self._note("logp_bad_change", ratio_BK.detach()[:, 0].mean())
        options = self.feedback_config.loss_options
        return self.loss_function(ratio_BK[:, 1:], ratio_BK[:, 0], **options)

    def _sums(self, logps_NL: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """[B, K] log-probability of each row's sequences, 0 where it has none."""
        places = int(inputs["where"][:, 1].max()) + 1
        return _table(logps_NL.sum(1), inputs, max(places, 2))

    def _pairs(
        self,
        sums_BK: Tensor,
        inputs: dict[str, Tensor],
        *,
        first: int = 0,
        of_rows: Tensor | None = None,
        note: bool = True,
    ) -> PairLogps:
        """The sequences at places `first` and `first` + 1 as a pair."""
        places = sums_BK.shape[1]
        tokens_BK = _table(inputs["lengths"].float(), inputs, places)
        if "ref_logps" in inputs:
            found_BK = inputs["ref_logps"].to(sums_BK)
            ref_BK = torch.nn.functional.pad(found_BK, (0, places - found_BK.shape[1]))
        else:
            ref_BK = torch.zeros_like(sums_BK)
        pairs = PairLogps(
            chosen_B=sums_BK[:, first],
            rejected_B=sums_BK[:, first + 1],
            ref_chosen_B=ref_BK[:, first],
            ref_rejected_B=ref_BK[:, first + 1],
            chosen_tokens_B=tokens_BK[:, first],
            rejected_tokens_B=tokens_BK[:, first + 1],
            target_B=torch.ones_like(sums_BK[:, first]),
        )
        rows = torch.ones_like(pairs.target_B, dtype=torch.bool) if of_rows is None else of_rows
        if note and rows.any():
            gap_B = self.feedback_config.beta * pairs.gap_B.detach()
            self._note("reward_margin", gap_B[rows].mean())
            self._note("logp_chosen_change", pairs.chosen_logratio_B.detach()[rows].mean())
        return pairs

    def _note(self, name: str, value: Tensor) -> None:
        self.figures.setdefault(name, []).append(value.item())

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        means = {name: sum(found) / len(found) for name, found in self.figures.items()}
        self.figures.clear()
        super().log({**logs, **means}, *args, **kwargs)


def criterion_weights(config: DpoConfig, others: int) -> tuple[float, list[float]]:
    """The weight of the pairs' own criterion, and that of each of the others."""
    own = config.criterion_weight
    return own, [(1 - own) / others] * others


def _table(value_N: Tensor, inputs: dict[str, Tensor], places: int) -> Tensor:
    """[B, K] from one value a sequence; 0 where a row has fewer."""
    row_N, place_N = inputs["where"].unbind(1)
    empty = value_N.new_zeros(int(row_N.max()) + 1, places)
    return empty.index_put((row_N, place_N), value_N)


def _responses(logps_NL: Tensor, start_N: Tensor, length_N: Tensor) -> tuple[Tensor, Tensor]:
    """[N, T] log-probabilities of the responses alone, all from column 0, and their mask."""
    place_T = torch.arange(int(length_N.max()), device=logps_NL.device)
    mask_NT = (place_T < length_N[:, None]).float()
    column_NT = (start_N[:, None] - 1 + place_T).clamp(max=logps_NL.shape[1] - 1)
    return logps_NL.gather(1, column_NT) * mask_NT, mask_NT
