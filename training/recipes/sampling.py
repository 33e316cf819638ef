"""Draw responses from a language model in memory."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from training.losses.self_play import geometric_mixture
from training.recipes.batches import attention_mask, batches_by_length, pad_left
from training.recipes.errors import StopRequestedError
from training.recipes.progress import Report, ShouldStop

AsReference = Callable[[], AbstractContextManager[Any]]
"""Opens a context whose value is the reference model."""


class Mixed(LogitsProcessor):
    """Draws each token from the geometric mixture with a reference, for one batch of prompts.

    The reference reads each token once, as the policy does.
    """

    def __init__(self, as_reference: AsReference, mask_BL: Tensor, *, share: float) -> None:
        self.as_reference = as_reference
        self.mask_BL = mask_BL
        self.share = share
        self.read: Any = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        new_BL = input_ids if self.read is None else input_ids[:, -1:]
        if self.read is not None:
            self.mask_BL = torch.cat([self.mask_BL, torch.ones_like(new_BL)], dim=1)
        place_BL = (self.mask_BL.cumsum(1) - 1).clamp(min=0)[:, -new_BL.shape[1] :]
        with self.as_reference() as reference:
            found = reference(
                input_ids=new_BL,
                attention_mask=self.mask_BL,
                position_ids=place_BL,
                past_key_values=self.read,
                use_cache=True,
            )
        self.read = found.past_key_values
        return geometric_mixture(scores.float(), found.logits[:, -1].float(), share=self.share)


class StopWhenAsked(StoppingCriteria):
    """Ends generation at the next token once `should_stop` is true."""

    def __init__(self, should_stop: ShouldStop) -> None:
        self.should_stop = should_stop
        self.asked = False

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self.asked = self.asked or self.should_stop()
        return torch.full((input_ids.shape[0],), self.asked, device=input_ids.device)


@torch.inference_mode()
def sample_token_ids(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
    batch_size: int,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
    mixed_with: AsReference | None = None,
    share: float = 0.0,
) -> list[list[int]]:
    """New token ids of each prompt, in order, with the end token when it was drawn.

    mixed_with: a reference that counts `share` in the geometric mixture that is drawn from.
    Temperature 0 is greedy. Each batch has its own seed; what a prompt gets depends on the
    batch it is in, so equal inputs and batch size give equal outputs. Raises StopRequestedError.
    """
    model.eval()
    settings = _generation_config(model, tokenizer, max_new_tokens, temperature, top_p)
    stop = StopWhenAsked(should_stop or (lambda: False))
    sampled: list[list[int]] = [[] for _ in prompts]
    plan = batches_by_length([len(ids) for ids in prompts], batch_size)
    cuda = [runtime.device()] if runtime.device().type == "cuda" else []
    for done, batch in enumerate(plan, start=1):
        ids = [prompts[row] for row in batch]
        padded = pad_left(ids, tokenizer.pad_token_id).to(runtime.device())
        mask = attention_mask(ids, left=True).to(runtime.device())
        mixing = [Mixed(mixed_with, mask, share=share)] if mixed_with else []
        with torch.random.fork_rng(devices=cuda):
            torch.manual_seed(seed * 1_000_003 + done)
            drawn = model.generate(
                input_ids=padded,
                attention_mask=mask,
                logits_processor=LogitsProcessorList(mixing),
                generation_config=settings,
                stopping_criteria=StoppingCriteriaList([stop]),
            )
        if stop.asked:
            raise StopRequestedError(f"stopped in batch {done} of {len(plan)}")
        ends = end_ids(model, tokenizer)
        for row, new_ids in zip(batch, drawn[:, padded.shape[1] :].tolist(), strict=True):
            sampled[row] = _up_to_end(new_ids, ends)
        if report:
            report({"event": "sampling", "batch": done, "batches": len(plan)})
    return sampled


def _generation_config(
    model: Any, tokenizer: Any, max_new_tokens: int, temperature: float, top_p: float
) -> GenerationConfig:
    """Our own settings; of the model's only its end tokens."""
    sampling = {"temperature": temperature, "top_p": top_p, "top_k": 0} if temperature > 0 else {}
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=temperature > 0,
        eos_token_id=sorted(end_ids(model, tokenizer)) or None,
        pad_token_id=tokenizer.pad_token_id,
        **sampling,
    )


def end_ids(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end a turn, of which a chat model may have several."""
    own = getattr(model.generation_config, "eos_token_id", None)
    return {tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])} - {None}


def has_ended(model: Any, tokenizer: Any, ids: Sequence[int], longest: int) -> bool:
    """Whether new ids came to an end of their own, and were not cut off at `longest`."""
    return len(ids) < longest or ids[-1] in end_ids(model, tokenizer)


def _up_to_end(ids: list[int], ends: set[int]) -> list[int]:
    """Ids up to and including the first end token; what follows is padding."""
    for position, token in enumerate(ids):
        if token in ends:
            return ids[: position + 1]
    return ids
