"""A policy's figures on held-out prompts: log-probabilities, implicit rewards, KL, length."""

from collections.abc import Callable, Sequence
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
import torch

from training.data.framing import Framed
from training.evaluation.preference import pairwise_accuracy
from training.recipes.batches import attention_mask, batches_by_length, pad_right
from training.recipes.errors import StopRequestedError
from training.recipes.progress import ShouldStop
from training.recipes.response_logps import places_of, score_tokens, spread, token_logps
from training.recipes.sampling import AsReference, sample_token_ids

Wins = Callable[[Sequence[list[int]], Sequence[list[int]]], dict[str, Any]]


@torch.inference_mode()
def response_logps(
    model: Any,
    framed: Sequence[Framed],
    *,
    pad_id: int,
    batch_size: int,
    should_stop: ShouldStop,
) -> np.ndarray:
    """[N] log-probability (nats) of each response given its prompt, summed over its tokens."""
    model.eval()
    score_tokens(model)
    sums = np.zeros(len(framed))
    for batch in batches_by_length([len(one.ids) for one in framed], batch_size):
        rows = [framed[row] for row in batch]
        ids, mask = _padded(rows, pad_id)
        next_BL = _response_positions(rows, ids)
        next_N = ids[:, 1:][next_BL.bool()]
        if next_N.numel():
            found = token_logps(
                model, places_of(next_BL), next_N, input_ids=ids, attention_mask=mask
            )
            sums[batch] = spread(found.logp_N, next_BL).sum(1).cpu().numpy()
        if should_stop():
            raise StopRequestedError("stopped while evaluating the policy")
    return sums


@torch.inference_mode()
def sequence_kl(
    model: Any,
    as_reference: AsReference,
    framed: Sequence[Framed],
    *,
    pad_id: int,
    batch_size: int,
    should_stop: ShouldStop,
) -> np.ndarray:
    """[N] sums over response positions of KL(policy || reference), exact over the vocabulary.

    For responses drawn from the policy their mean is an unbiased, Rao-Blackwellised estimate of
    the sequence KL (arXiv:2504.10637, section 4): no term is negative, unlike log-ratios.
    """
    model.eval()
    sums = np.zeros(len(framed))
    for batch in batches_by_length([len(one.ids) for one in framed], batch_size):
        rows = [framed[row] for row in batch]
        ids, mask = _padded(rows, pad_id)
        policy_BLV = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
        with as_reference() as reference:
            logits_BLV = reference(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
        policy_BLV, logits_BLV = policy_BLV.log_softmax(-1), logits_BLV.log_softmax(-1)
        kl_BL = (policy_BLV.exp() * (policy_BLV - logits_BLV)).sum(-1)
        sums[batch] = (kl_BL * _response_positions(rows, ids)).sum(1).cpu().numpy()
        if should_stop():
            raise StopRequestedError("stopped while estimating the KL")
    return sums


def preference_figures(
    chosen: np.ndarray,
    rejected: np.ndarray,
    ref_chosen: np.ndarray,
    ref_rejected: np.ndarray,
    *,
    beta: float,
) -> dict[str, Any]:
    """Implicit rewards beta (log p - log p_ref) and how far log p(chosen) moved (displacement)."""
    if chosen.size == 0:
        return {"rows": 0}
    reward_gap = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    return {
        "rows": int(chosen.size),
        "reward_accuracy": pairwise_accuracy(reward_gap).as_dict(),
        "reward_margin": float(reward_gap.mean()),
        "reference_accuracy": pairwise_accuracy(ref_chosen - ref_rejected).as_dict(),
        "logp_chosen": float(chosen.mean()),
        "logp_chosen_reference": float(ref_chosen.mean()),
        "logp_chosen_change": float((chosen - ref_chosen).mean()),
        "logp_rejected_change": float((rejected - ref_rejected).mean()),
    }


def vote_figures(logratio: np.ndarray, good: np.ndarray) -> dict[str, Any]:
    """How far responses voted good and bad moved (nats), and how well the moves tell them apart.

    separation: how often a good response moved up more than a bad one, over all pairs of them
    whatever their prompts, ties half (the area under the ROC curve). None without both sorts.
    """
    up, down = logratio[good], logratio[~good]
    figures: dict[str, Any] = {"good": int(up.size), "bad": int(down.size)}
    for name, side in (("logp_good_change", up), ("logp_bad_change", down)):
        figures[name] = float(side.mean()) if side.size else None
    gaps = np.sign(up[:, None] - down[None, :])
    figures["separation"] = float((gaps.mean() + 1) / 2) if gaps.size else None
    return figures


def drift_figures(
    model: Any,
    as_reference: AsReference,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    seed: int,
    batch_size: int,
    should_stop: ShouldStop,
    wins: Wins | None = None,
) -> dict[str, Any]:
    """KL to the reference and mean length, from one draw of each model at temperature 1.

    wins: further figures of the token ids that the policy and the reference drew.
    """
    if not prompts:
        return {"prompts": 0}
    draw = {
        "max_new_tokens": max_new_tokens,
        "temperature": 1.0,
        "top_p": 1.0,
        "seed": seed,
        "batch_size": batch_size,
        "should_stop": should_stop,
    }
    sampled = sample_token_ids(model, tokenizer, prompts, **draw)
    with as_reference() as reference:
        reference_sampled = sample_token_ids(reference, tokenizer, prompts, **draw)
    framed = [
        Framed(list(prompt), new, False, False)
        for prompt, new in zip(prompts, sampled, strict=True)
    ]
    kl = sequence_kl(
        model,
        as_reference,
        framed,
        pad_id=tokenizer.pad_token_id,
        batch_size=batch_size,
        should_stop=should_stop,
    )
    tokens = np.array([len(new) for new in sampled])
    return {
        "prompts": len(prompts),
        "kl_estimator": (
            "mean over responses drawn from the policy (temperature 1, at most "
            f"{max_new_tokens} tokens) of the sum over positions of the exact KL(policy || "
            "reference) over the vocabulary"
        ),
        "kl": float(kl.mean()),
        "kl_standard_error": float(kl.std(ddof=1) / np.sqrt(len(kl))) if len(kl) > 1 else None,
        "kl_per_token": float(kl.sum() / tokens.sum()),
        "mean_tokens": float(tokens.mean()),
        "mean_tokens_reference": float(np.mean([len(new) for new in reference_sampled])),
        **(wins(sampled, reference_sampled) if wins else {}),
    }


def _padded(rows: Sequence[Framed], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = [row.ids for row in rows]
    return pad_right(ids, pad_id).to(runtime.device()), attention_mask(ids).to(runtime.device())


def _response_positions(rows: Sequence[Framed], ids: torch.Tensor) -> torch.Tensor:
    """[B, L - 1], 1 where the next token belongs to the response."""
    positions = torch.zeros(ids.shape[0], ids.shape[1] - 1, device=ids.device)
    for row, one in enumerate(rows):
        start = len(one.prompt_ids) - 1
        positions[row, start : start + len(one.response_ids)] = 1
    return positions
