"""A trainer for self-play: the policy's responses against those of its mixture with the reference.

A step of Nash-MD (Munos et al. 2023, arXiv:2312.00886, section 7): for each prompt of the batch
some games are drawn from the policy as it stands, a reward model of people's pairs says how likely
each response is to win, and the policy moves along the gradient of `nash_md_loss`.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import Sampler
from transformers import PreTrainedModel, Trainer, TrainingArguments
from trl.trainer.utils import add_fused_lm_head

from training.data.framing import Framed, prompt_token_ids
from training.data.pairs import PairSplits, PreferencePair, distinct_prompts
from training.recipes.batches import attention_mask, pad_right
from training.recipes.dpo_config import DpoConfig
from training.recipes.dpo_evaluation import reference_of
from training.recipes.models import BUNDLED, load_causal_lm, place
from training.recipes.order import PlannedOrder
from training.recipes.own_pairs import PairJudge, Prompt
from training.recipes.policy_figures import response_logps
from training.recipes.progress import Report, ShouldStop, require_finite
from training.recipes.sampling import AsReference, sample_token_ids


@dataclass(frozen=True)
class PlaySplits(PairSplits):
    """The pairs that the judge learned from, and the judge."""

    judge: PairJudge = field(kw_only=True)


def with_judge(
    config: DpoConfig,
    splits: PairSplits,
    *,
    cache_path: Path,
    report: Report,
    should_stop: ShouldStop,
    encoder: str = BUNDLED,
) -> PlaySplits:
    """The splits with a reward model of their training pairs. Raises StopRequestedError."""
    judge = PairJudge(
        splits.train,
        seed=config.seed,
        encoder=encoder,
        cache_path=cache_path,
        report=report,
        should_stop=should_stop,
    )
    figures = {"prompts": len(_prompts(splits.train)), "judge_accuracy": judge.accuracy}
    values = {name: value for name, value in vars(splits).items() if name != "filtered"}
    filtered = {**splits.filtered, "self_play": figures}
    return PlaySplits(**values, filtered=filtered, judge=judge)


def frame_prompts(
    tokenizer: Any, config: DpoConfig, pairs: Sequence[PreferencePair]
) -> list[tuple[Framed, ...]]:
    """Each prompt of the pairs once, as it stands at generation; it loses its beginning."""
    found = []
    for prompt in _prompts(pairs):
        ids = prompt_token_ids(tokenizer, prompt)
        kept = ids[-config.prompt_tokens :]
        found.append((Framed(kept, [], len(ids) > len(kept), False),))
    return found


def _prompts(pairs: Sequence[PreferencePair]) -> list[Prompt]:
    return [pair.prompt for pair in distinct_prompts(pairs)]


class PromptCollator:
    """Prompts alone, and their places."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        ids = [row["prompt_ids"] for row in rows]
        return {
            "input_ids": pad_right(ids, self.pad_id),
            "attention_mask": attention_mask(ids),
            "prompt": torch.tensor([row["prompt"] for row in rows]),
        }


class PlayTrainer(Trainer):
    """`judge` scores responses to `prompts`, which rows name by their place.

    The reference is what the policy's line began with. Each batch draws by a seed of its own, so a
    resumed run draws what a straight one does; of held-out prompts (`add_held_out`) by one seed.
    """

    def __init__(
        self,
        *args: Any,
        config: DpoConfig,
        order: Sequence[int],
        model: Any,
        tokenizer: Any,
        judge: PairJudge,
        prompts: Sequence[Prompt],
        root_model: str,
        **kwargs: Any,
    ) -> None:
        self.play_config = config
        self.loss_function = config.chosen_loss.load()
        self.order = order
        self.tokenizer = tokenizer
        self.judge = judge
        self.prompts = prompts
        self.figures: dict[str, list[float]] = {}
        self.drawn_at = (-1, 0)
        plain = model if isinstance(model, PreTrainedModel) else model.get_base_model()
        add_fused_lm_head(plain)
        super().__init__(*args, model=model, **kwargs)
        self.model_accepts_loss_kwargs = False  # the loss is a mean over the batch
        self.as_reference = self._reference(root_model)

    def add_held_out(
        self, pairs: Sequence[PreferencePair], framed: Sequence[tuple[Framed, ...]]
    ) -> list[dict[str, Any]]:
        """Rows of the pairs' prompts (`frame_prompts`) that no training step draws."""
        seen = len(self.prompts)
        self.prompts = [*self.prompts, *_prompts(pairs)]
        return _rows(framed, first=seen)

    def _reference(self, root_model: str) -> AsReference:
        if not root_model or root_model == self.play_config.base_model:
            return reference_of(self.play_config, self.model)
        return _always(place(load_causal_lm(root_model)).eval())

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        return PlannedOrder(self.order)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: int | None = None,
    ) -> Tensor:
        games = range(self.play_config.own_samples)
        sides = zip(inputs["input_ids"], inputs["attention_mask"].bool(), strict=True)
        ids = [kept for row, mask in sides for kept in [row[mask].tolist()] for _ in games]
        prompts = [self.prompts[row] for row in inputs["prompt"].tolist() for _ in games]
        learning = model.training
        batch = self._name_of_batch() if learning else f"held out:{inputs['prompt'].tolist()}"
        policy = self.accelerator.unwrap_model(model)
        own = self._draw(policy, ids, f"{batch}:own")
        others = self._draw(policy, ids, f"{batch}:other", mixed_with=self.as_reference)
        gaps = self._scores(prompts, own) - self._scores(prompts, others)
        win_B = torch.sigmoid(gaps)
        framed = [Framed(p, new, False, False) for p, new in zip(ids, own, strict=True)]
        with self.as_reference() as reference:
            ref_logp = response_logps(
                reference,
                framed,
                pad_id=self.tokenizer.pad_token_id,
                batch_size=len(framed),
                should_stop=_never,
            )
        model.train(learning)  # drawing and reading are done without dropout
        logp_B = self._logps(model, framed)
        ref_logp_B = torch.from_numpy(ref_logp).to(logp_B)
        losses_B = self.loss_function(
            logp_B, ref_logp_B, win_B.to(logp_B), **self.play_config.loss_options
        )
        loss = losses_B.mean()
        require_finite(loss, self.state.global_step + 1)
        self._note("win_rate", win_B.mean())
        self._note("kl_own", (logp_B.detach() - ref_logp_B).mean())
        self._note("tokens", torch.tensor([float(len(new)) for new in own]).mean())
        return loss

    def _name_of_batch(self) -> str:
        """The step, and the batch's place within it."""
        step, place_in_step = self.drawn_at
        place_in_step = place_in_step + 1 if step == self.state.global_step else 0
        self.drawn_at = (self.state.global_step, place_in_step)
        return f"{self.state.global_step}:{place_in_step}"

    def _draw(
        self, policy: Any, ids: Sequence[Sequence[int]], name: str, **mixed: Any
    ) -> list[list[int]]:
        config = self.play_config
        digest = sha256(f"{config.seed}:{name}".encode()).digest()
        return sample_token_ids(
            policy,
            self.tokenizer,
            ids,
            max_new_tokens=min(config.own_tokens, config.max_length - config.prompt_tokens),
            temperature=1.0,
            top_p=1.0,
            seed=int.from_bytes(digest[:4]),
            batch_size=len(ids),
            share=config.mixture_share if mixed else 0.0,
            **mixed,
        )

    def _scores(self, prompts: Sequence[Prompt], drawn: Sequence[Sequence[int]]) -> Tensor:
        texts = [self.tokenizer.decode(new, skip_special_tokens=True).strip() for new in drawn]
        return torch.from_numpy(
            self.judge.scores_in_passing(list(zip(prompts, texts, strict=True)))
        )

    def _logps(self, model: Any, framed: Sequence[Framed]) -> Tensor:
        """[B] log-probabilities of the responses, with gradient."""
        ids = [one.ids for one in framed]
        labels = [[-100] * len(one.prompt_ids) + one.response_ids for one in framed]
        found: Tensor = model(
            input_ids=pad_right(ids, self.tokenizer.pad_token_id).to(runtime.device()),
            attention_mask=attention_mask(ids).to(runtime.device()),
            labels=pad_right(labels, -100).to(runtime.device()),
            use_cache=False,
            fused_lm_head=True,
        ).log_probs
        return found.float().sum(1)

    def _note(self, name: str, value: Tensor) -> None:
        self.figures.setdefault(name, []).append(value.item())

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        means = {name: sum(found) / len(found) for name, found in self.figures.items()}
        self.figures.clear()
        super().log({**logs, **means}, *args, **kwargs)


def _rows(framed: Sequence[tuple[Framed, ...]], *, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"prompt_ids": one.prompt_ids, "prompt": place}
        for place, (one,) in enumerate(framed, start=first)
    ]


def _always(model: Any) -> AsReference:
    return lambda: nullcontext(model)


def _never() -> bool:
    return False


def play_trainer(
    config: DpoConfig,
    splits: PlaySplits,
    framed: Sequence[tuple[Framed, ...]],
    arguments: dict[str, Any],
    *,
    root_model: str,
    processing_class: Any,
    pad_id: int,
    **more: Any,
) -> PlayTrainer:
    """The trainer of rows that are prompts; a stop waits for the step under way."""
    del more["reference_rows"], more["should_stop"]
    return PlayTrainer(
        args=TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=Dataset.from_list(_rows(framed)),
        data_collator=PromptCollator(pad_id),
        config=config,
        tokenizer=processing_class,
        judge=splits.judge,
        prompts=_prompts(splits.train),
        root_model=root_model,
        processing_class=processing_class,
        **more,
    )
