"""What a frozen encoder says of a prompt and of a response to it, read at its last layers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from training.data.framing import Framed
from training.recipes.embeddings import Pool, mean_states

LAYERS = 4
"""Devlin et al. 2019 (arXiv 1810.04805, table 7): the last four hidden layers, concatenated, are
the best features of a frozen encoder. Deeper ones tell more of the topic, earlier ones of form."""


def _pool(model: Any, ids_NL: Tensor, mask_NL: Tensor, framed: Sequence[Framed]) -> Tensor:
    """[N, (1 + layers) H]: mean of the prompt's last states, then of the response's, by layer."""
    read = model(input_ids=ids_NL, attention_mask=mask_NL, output_hidden_states=True)
    layers = [states_NLH.float() for states_NLH in read.hidden_states[1:][-LAYERS:]]
    places_L = torch.arange(mask_NL.shape[1], device=mask_NL.device)
    begins_N1 = torch.tensor([[len(one.prompt_ids)] for one in framed], device=mask_NL.device)
    prompt_NL = mask_NL * (places_L < begins_N1)
    response_NL = mask_NL * (places_L >= begins_N1)
    parts = [mean_states(layers[-1], prompt_NL)]
    parts += [mean_states(states_NLH, response_NL) for states_NLH in layers]
    return torch.cat(parts, dim=1)


def _key(framed: Framed) -> tuple[int, ...]:
    return (len(framed.prompt_ids), *framed.ids)


PROMPT_AND_LAYERS = Pool(name="prompt and last layers", pool=_pool, key=_key)
