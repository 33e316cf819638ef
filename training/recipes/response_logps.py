"""Log-probabilities of the tokens of responses alone: no head is applied to prompts or padding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from trl.trainer.utils import add_fused_lm_head

SCORES_TOKENS = "_scores_tokens"


@dataclass(frozen=True)
class TokenLogps:
    """At each place: log p(next token) in nats, and log of the sum of squared probabilities over
    the vocabulary where it was asked for. [N]
    """

    logp_N: Tensor
    log_sum_sq_N: Tensor | None = None


def plain_model(model: Any) -> PreTrainedModel:
    """The language model under an adapter or a wrapper of accelerate's."""
    model = getattr(model, "module", model)
    return model if isinstance(model, PreTrainedModel) else model.get_base_model()


def score_tokens(model: Any, *, squares: bool = False) -> None:
    """Let the model be asked by `token_logps`; a second call changes only what it tells.

    It goes on to answer as before where it is called as before.
    """
    plain = plain_model(model)
    outputs = ("log_probs", "log_sum_sq_probs") if squares else ("log_probs",)
    if getattr(plain, SCORES_TOKENS, ()) != outputs:
        add_fused_lm_head(plain, outputs=outputs)
        setattr(plain, SCORES_TOKENS, outputs)


def token_logps(
    model: Any, place_N: Tensor, next_N: Tensor, *, input_ids: Tensor, **more: Any
) -> TokenLogps:
    """Of the tokens `next_N` behind the states at `place_N`, counted row by row over [B, L].

    `more` goes to the model. The logits are made and forgotten in tiles; see `score_tokens`.
    """
    with _states_at(plain_model(model).base_model, place_N):
        found = model(
            input_ids=input_ids,
            **more,
            shift_labels=next_N.unsqueeze(0),
            use_cache=False,
            fused_lm_head=True,
        )
    squares = found.log_sum_sq_probs
    return TokenLogps(found.log_probs[0].float(), None if squares is None else squares[0].float())


@contextmanager
def _states_at(backbone: Any, place_N: Tensor) -> Iterator[None]:
    """Inside, the backbone's last states are those at the places alone, [1, N, D]."""

    def pick(module: Any, arguments: Any, output: Any) -> Any:
        states_BLD = output.last_hidden_state
        output.last_hidden_state = states_BLD.flatten(0, 1).index_select(0, place_N).unsqueeze(0)
        return output

    handle = backbone.register_forward_hook(pick)
    try:
        yield
    finally:
        handle.remove()


def places_of(next_BL: Tensor) -> Tensor:
    """[N] the places behind which a token of a response stands, row by row.

    next_BL: [B, L - 1] of sequences of L tokens, 1 where the next token belongs to a response.
    """
    row_N, column_N = next_BL.nonzero(as_tuple=True)
    return row_N * (next_BL.shape[1] + 1) + column_N


def spread(value_N: Tensor, mask_BL: Tensor) -> Tensor:
    """[B, L] the values where the mask is 1, row by row; 0 elsewhere."""
    marked = mask_BL.bool()
    return torch.zeros_like(marked, dtype=value_N.dtype).masked_scatter(marked, value_N)
