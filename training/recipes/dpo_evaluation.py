"""A trained policy's figures beside its reference, on the held-out rows."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from training.data.framing import Framed
from training.data.pairs import PairSplits
from training.recipes.dpo_config import DpoConfig
from training.recipes.feedback_figures import feedback_figures
from training.recipes.feedback_rows import FeedbackSplits
from training.recipes.models import load_causal_lm, place
from training.recipes.phrases import end_prompts_with, forget_phrase
from training.recipes.policy_figures import (
    drift_figures,
    preference_figures,
    response_logps,
    vote_figures,
)
from training.recipes.policy_rows import Splits, frame_rows
from training.recipes.progress import ShouldStop
from training.recipes.sampling import AsReference
from training.recipes.scored import scored_pairs, write_test_scores
from training.recipes.wins import WinJudge


def evaluate_policy(
    config: DpoConfig,
    splits: Splits,
    tokenizer: Any,
    model: Any,
    batch_size: int,
    should_stop: ShouldStop,
    *,
    output_dir: Path,
    root_model: str | None,
    judge: WinJudge | None = None,
) -> dict[str, Any]:
    """Figures on the decided test rows and on responses drawn for their prompts.

    judge: says how often those win against the base's; none where there is no reward model.

    Writes `test_scores.jsonl`, beta (log p - log p_root) of both sides of each pair.
    After training on phrases the prompts end in the good one, for both models.
    """
    if config.chosen_loss.takes == "texts":
        end_prompts_with(tokenizer, config.good_phrase)
    decided = [pair for pair in splits.test if not pair.tie]
    votes = [] if isinstance(splits, PairSplits) else splits.test_votes
    framed = frame_rows(tokenizer, config, [*decided, *votes])
    flat = [one for group in framed for one in group]
    paired = 2 * len(decided)
    as_reference = reference_of(config, model)
    options = {
        "pad_id": tokenizer.pad_token_id,
        "batch_size": batch_size,
        "should_stop": should_stop,
    }
    policy = response_logps(model, flat, **options)
    with as_reference() as reference:
        base = response_logps(reference, flat, **options)
    sides = (logps[start:paired:2] for logps in (policy, base) for start in (0, 1))
    figures = preference_figures(*sides, beta=config.beta)
    if root_model is not None:
        root = base
        if root_model:
            first = place(load_causal_lm(root_model))
            root = response_logps(first, flat[:paired], **options)
        rewards = config.beta * (policy[:paired] - root[:paired])
        write_test_scores(output_dir, scored_pairs(decided, rewards[::2], rewards[1::2]))
    if votes:
        good = np.array([vote.desirable for vote in votes])
        figures["votes"] = vote_figures(policy[paired:] - base[paired:], good)
    rows = [*decided, *votes]
    said = {tuple(group[0].prompt_ids): row.prompt for group, row in zip(framed, rows, strict=True)}
    prompts = sorted(said)[: config.sample_prompts]
    longest = config.max_length - 1
    drift = drift_figures(
        model,
        as_reference,
        tokenizer,
        [list(ids)[-longest:] for ids in prompts],
        max_new_tokens=min(config.sample_tokens, config.max_length - config.prompt_tokens),
        seed=config.seed,
        batch_size=batch_size,
        should_stop=should_stop,
        wins=partial(judge.figures, tokenizer, [said[ids] for ids in prompts]) if judge else None,
    )
    if isinstance(splits, FeedbackSplits):

        def logps(rows: Sequence[Framed]) -> tuple[np.ndarray, np.ndarray]:
            with as_reference() as reference:
                theirs = response_logps(reference, rows, **options)
            return response_logps(model, rows, **options), theirs

        if config.chosen_loss.takes == "texts":
            forget_phrase(tokenizer)  # its figures bring both phrases
        figures["feedback"] = feedback_figures(config, splits, tokenizer, logps)
    return {**figures, "drift": drift}


def reference_of(config: DpoConfig, model: Any) -> AsReference:
    """With LoRA the model without its adapter; otherwise the base model, read once more."""
    if config.lora:

        @contextmanager
        def without_adapter() -> Iterator[Any]:
            with model.disable_adapter():
                yield model

        return without_adapter
    base = place(load_causal_lm(config.base_model))

    def reread() -> AbstractContextManager[Any]:
        return nullcontext(base)

    return reread
