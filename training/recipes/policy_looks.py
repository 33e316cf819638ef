"""What a policy's looks at held-out rows read: rows of its loss, pairs, and prompts to answer."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import numpy as np
from transformers import Trainer

from training.data.framing import Framed
from training.data.pairs import PairSplits, distinct_prompts
from training.recipes.dpo_config import DpoConfig
from training.recipes.dpo_evaluation import reference_of
from training.recipes.dpo_trainer import PairPolicyTrainer, root_gaps_of
from training.recipes.feedback_rows import FeedbackSplits, feedback_dataset
from training.recipes.group_data import list_dataset, vote_dataset
from training.recipes.group_trainer import with_reference
from training.recipes.looks import Figures, HeldOutLooks, LookPlan, at_rest, watch
from training.recipes.memory import is_out_of_memory
from training.recipes.models import place
from training.recipes.own_samples import with_samples_of
from training.recipes.pair_batches import preference_dataset
from training.recipes.phrases import end_prompts_with, forget_phrase
from training.recipes.play import PlayTrainer, frame_prompts
from training.recipes.policy_figures import preference_figures, response_logps, sequence_kl
from training.recipes.policy_rows import Splits, frame_rows
from training.recipes.progress import ProgressCallback, ShouldStop
from training.recipes.sampling import sample_token_ids

PROMPTS = 8  # answered at each look
KL_ROWS = 2  # at a time: unlike training it holds the logits of both models


def watch_policy(
    trainer: Trainer,
    config: DpoConfig,
    splits: Splits,
    tokenizer: Any,
    plan: LookPlan,
    progress: ProgressCallback,
    *,
    batch_size: int,
    root_model: str,
) -> None:
    """Before the first step, when policy and reference are one."""
    if not plan.every:
        return
    place(trainer.model)
    rows = _Rows(trainer, config, tokenizer, plan, batch_size, progress.should_stop)
    with at_rest(trainer.model, seed=config.seed):
        own = rows.of_loss(splits, root_model)
        more = [made for made in (rows.of_pairs(splits), rows.of_prompts(splits)) if made]
    rows.looking = True

    def figures() -> Figures:
        return {name: value for one in more for name, value in one().items()}

    looks = HeldOutLooks(
        trainer,
        own,
        plan=plan,
        seed=config.seed,
        progress=progress,
        more=figures if more else None,
    )
    watch(trainer, looks)


class _Rows:
    def __init__(
        self,
        trainer: Any,
        config: DpoConfig,
        tokenizer: Any,
        plan: LookPlan,
        batch_size: int,
        should_stop: ShouldStop,
    ) -> None:
        self.trainer = trainer
        self.config = config
        self.tokenizer = tokenizer
        self.plan = plan
        self.looking = False  # before, every process reads and none stops apart from the others
        self.options = {
            "pad_id": tokenizer.pad_token_id,
            "batch_size": batch_size,
            "should_stop": lambda: self.looking and should_stop(),
        }

    def frame(self, rows: Sequence[Any]) -> tuple[list[Any], list[tuple[Framed, ...]]]:
        chosen = self.plan.choose(rows, seed=self.config.seed)
        return chosen, frame_rows(self.tokenizer, self.config, chosen)

    def of_loss(self, splits: Splits, root_model: str) -> Sequence[Any]:
        """Rows that the trainer's own loss takes."""
        config, loss = self.config, self.config.chosen_loss
        if loss.takes == "play":
            return self._of_games(splits)
        if isinstance(splits, PairSplits):
            pairs, framed = self.frame([pair for pair in splits.test if not pair.tie])
            if not pairs:
                return []
            gaps = root_gaps_of(config, framed, root_model, **self.options) if loss.line else None
            made = preference_dataset(pairs, framed, changes=config.needs_changes, root_gaps=gaps)
            trainer: PairPolicyTrainer = self.trainer
            return trainer.beside_reference(made, self.options["batch_size"])
        if isinstance(splits, FeedbackSplits):
            rows, framed = self.frame(splits.test_rows)
            if loss.takes == "negatives":  # as with training's, beside what the base writes
                framed = self._with_samples(framed)
            made = feedback_dataset(rows, framed) if rows else None
        elif loss.takes == "lists":
            rows, framed = self.frame(splits.test_lists)
            made = list_dataset(rows, framed) if rows else None
        else:
            rows, framed = self.frame(splits.test_votes)
            several = len({vote.prompt_id for vote in rows}) > 1
            made = vote_dataset(rows, framed, seed=config.seed) if several else None
        if made is None:
            return []
        if loss.of_feedback and not loss.reference:
            return made
        return with_reference(self.trainer.model, made, **self.options)

    def _with_samples(self, framed: list[tuple[Framed, ...]]) -> list[tuple[Framed, ...]]:
        """Before the first step, when the model is the base."""
        options = self.options
        return with_samples_of(
            self.trainer.model, self.config, framed, self.tokenizer, options["should_stop"]
        )

    def _of_games(self, splits: Splits) -> Sequence[Any]:
        """Held-out prompts, to which the policy and its opponent write anew at each look."""
        trainer: PlayTrainer = self.trainer
        prompts = distinct_prompts([pair for pair in splits.test if not pair.tie])
        chosen = self.plan.choose(prompts, seed=self.config.seed)
        framed = frame_prompts(self.tokenizer, self.config, chosen)
        return trainer.add_held_out(chosen, framed)

    def of_pairs(self, splits: Splits) -> Callable[[], Figures] | None:
        """Accuracy and margin on held-out pairs, of trainers that do not note them themselves."""
        noted = isinstance(self.trainer, PairPolicyTrainer)
        pairs, framed = self.frame([pair for pair in splits.test if not pair.tie])
        if noted or not pairs:
            return None
        flat = [one for both in framed for one in both]
        base = response_logps(self.trainer.model, flat, **self.options)

        def figures() -> Figures:
            policy = response_logps(self.trainer.model, flat, **self.options)
            sides = (logps[start::2] for logps in (policy, base) for start in (0, 1))
            found = preference_figures(*sides, beta=self.config.beta)
            return {
                "reward_accuracy": found["reward_accuracy"]["value"],
                "reward_margin": found["reward_margin"],
                "logp_chosen_change": found["logp_chosen_change"],
            }

        return figures

    def of_prompts(self, splits: Splits) -> Callable[[], Figures] | None:
        """Lengths of responses drawn at temperature 1, and their KL.

        The draws have one seed. Lengths are in tokens, none counted beyond what may be drawn; those
        of the pairs do not change and stand beside.
        """
        config = self.config
        pairs, framed = self.frame([pair for pair in splits.test if not pair.tie])
        longest = min(config.sample_tokens, config.max_length - config.prompt_tokens)
        prompts = self._prompts(splits)
        if not prompts:
            return None
        still: Figures = {}
        for side, name in enumerate(("tokens_chosen", "tokens_rejected") if pairs else ()):
            lengths = [min(len(both[side].response_ids), longest) for both in framed]
            still[name] = float(np.mean(lengths))

        def draw() -> list[list[int]]:
            return sample_token_ids(
                self.trainer.model,
                self.tokenizer,
                prompts,
                max_new_tokens=longest,
                temperature=1.0,
                top_p=1.0,
                seed=config.seed,
                batch_size=self.options["batch_size"],
                should_stop=self.options["should_stop"],
            )

        still["tokens_reference"] = float(np.mean([len(new) for new in draw()]))

        def figures() -> Figures:
            drawn = draw()
            found = {"tokens": float(np.mean([len(new) for new in drawn])), **still}
            said = [Framed(p, n, False, False) for p, n in zip(prompts, drawn, strict=True)]
            return {**found, "kl_drawn": self._kl(said)}

        return figures

    def _kl(self, said: list[Framed]) -> float:
        """Mean KL from the reference over these responses; NaN where it finds no room.

        Without LoRA the base is read again for each look and let go after it. Between two steps no
        gradients are held, which are as large, so training's memory is enough.
        """
        model = self.trainer.model
        try:
            as_reference = reference_of(self.config, model)
            few = {**self.options, "batch_size": KL_ROWS}
            return float(sequence_kl(model, as_reference, said, **few).mean())
        except (RuntimeError, MemoryError) as error:
            if self.config.lora or not is_out_of_memory(error):
                raise
            return math.nan

    def _prompts(self, splits: Splits) -> list[list[int]]:
        """Some held-out prompts, each once, as the published model is asked them."""
        config = self.config
        if config.chosen_loss.takes == "texts":
            end_prompts_with(self.tokenizer, config.good_phrase)
        votes = [] if isinstance(splits, PairSplits) else splits.test_votes
        _, framed = self.frame([*splits.test, *votes])
        if config.chosen_loss.takes == "texts":
            forget_phrase(self.tokenizer)
        distinct = dict.fromkeys(tuple(group[0].prompt_ids) for group in framed)
        most = min(PROMPTS, config.sample_prompts)
        return [list(ids)[-(config.max_length - 1) :] for ids in list(distinct)[:most]]
