"""What a model writes itself, beside the responses that it is to learn from."""

from collections.abc import Sequence
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

from training.data.framing import Framed
from training.recipes.dpo_config import DpoConfig
from training.recipes.models import load_causal_lm, place
from training.recipes.progress import ShouldStop
from training.recipes.sampling import sample_token_ids


def with_own_samples(
    config: DpoConfig,
    framed: Sequence[tuple[Framed, ...]],
    tokenizer: Any,
    should_stop: ShouldStop,
) -> list[tuple[Framed, ...]]:
    """Each row's sequences, then `own_samples` responses of the base to its prompt.

    Rows of one prompt share them. Drawn once, before training, at temperature 1 (deviation: the
    authors of D2O draw anew as the policy moves). Raises StopRequestedError.
    """
    model = place(load_causal_lm(config.base_model))
    runtime.apply({"threads": runtime.resolve_threads(config, model)})
    return with_samples_of(model, config, framed, tokenizer, should_stop)


def with_samples_of(
    model: Any,
    config: DpoConfig,
    framed: Sequence[tuple[Framed, ...]],
    tokenizer: Any,
    should_stop: ShouldStop,
) -> list[tuple[Framed, ...]]:
    """As `with_own_samples`, of a model that is there already."""
    prompts = sorted({tuple(group[0].prompt_ids) for group in framed})
    room = config.max_length - config.prompt_tokens
    drawn = sample_token_ids(
        model,
        tokenizer,
        [list(prompt) for prompt in prompts for _ in range(config.own_samples)],
        max_new_tokens=min(config.own_tokens, room),
        temperature=1.0,
        top_p=1.0,
        seed=config.seed,
        batch_size=4 * config.batch_size,
        should_stop=should_stop,
    )
    own: dict[tuple[int, ...], list[Framed]] = {prompt: [] for prompt in prompts}
    for number, ids in enumerate(drawn):
        prompt = prompts[number // config.own_samples]
        own[prompt].append(Framed(list(prompt), ids, False, False))
    return [(*group, *own[tuple(group[0].prompt_ids)]) for group in framed]
