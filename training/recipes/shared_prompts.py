"""Both responses of a pair behind one copy of their prompt: a row is prompt, chosen, rejected.

Rejected sees the prompt and itself alone, at the positions that follow the prompt, so either
response has the log-probability that it has behind a prompt of its own. The prompt is read once
instead of twice.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from training.data.framing import Framed
from training.recipes.batches import attention_mask, pad_right
from training.recipes.response_logps import plain_model

TOLERANCE = 1e-4
"""Of states whose size is about one, between both ways of reading them in fp32."""


def shared_row(row: dict[str, Any]) -> list[int]:
    ids: list[int] = row["prompt_ids"] + row["chosen_ids"] + row["rejected_ids"]
    return ids


def parts_of(row: dict[str, Any]) -> list[int]:
    """Tokens of the prompt, of chosen and of rejected."""
    return [len(row[name]) for name in ("prompt_ids", "chosen_ids", "rejected_ids")]


def reading(part_B3: Tensor, length: int) -> dict[str, Tensor]:
    """What the model is given beside the ids: position and whom each token sees, [B, 1, L, L].

    Padding sees what stands before it; nobody looks at it.
    """
    prompt_B1, chosen_B1, _ = part_B3.split(1, dim=1)
    place_L = torch.arange(length, device=part_B3.device)
    rejected_BL = place_L >= prompt_B1 + chosen_B1
    chosen_BL = (place_L >= prompt_B1) & ~rejected_BL
    before_LL = place_L[:, None] >= place_L
    sees_BLL = before_LL & ~(rejected_BL[:, :, None] & chosen_BL[:, None, :])
    return {
        "position_ids": place_L - rejected_BL * chosen_B1,
        "attention_mask": sees_BLL.unsqueeze(1),
    }


def predicting(part_B3: Tensor, length: int) -> Tensor:
    """[N] the places behind which the tokens of all chosen, then of all rejected stand.

    Row by row; the first token of either response stands behind the end of the prompt.
    """
    prompt_B, chosen_B, rejected_B = part_B3.unbind(1)
    row_B = torch.arange(len(part_B3), device=part_B3.device) * length
    found = []
    for start_B, tokens_B in ((prompt_B, chosen_B), (prompt_B + chosen_B, rejected_B)):
        token_T = torch.arange(int(tokens_B.max()), device=part_B3.device)
        place_BT = (row_B + start_B - 1)[:, None] + token_T
        place_BT[:, :1] = (row_B + prompt_B - 1)[:, None]
        found.append(place_BT[token_T < tokens_B[:, None]])
    return torch.cat(found)


def following(input_ids: Tensor, part_B3: Tensor) -> Tensor:
    """[N] the tokens that stand at the places of `predicting`."""
    prompt_B1, chosen_B1, rejected_B1 = part_B3.split(1, dim=1)
    place_L = torch.arange(input_ids.shape[1], device=input_ids.device)
    end_B1 = prompt_B1 + chosen_B1
    chosen_BL = (place_L >= prompt_B1) & (place_L < end_B1)
    rejected_BL = (place_L >= end_B1) & (place_L < end_B1 + rejected_B1)
    return torch.cat([input_ids[chosen_BL], input_ids[rejected_BL]])


def worth_sharing(model: Any, pairs: Sequence[Sequence[Framed]]) -> bool:
    """Whether a tenth of the tokens are saved, and the model reads them alike: see
    `can_share_prompts`. The two responses see each other's places masked, which costs as well.
    """
    prompts = [len(pair[0].prompt_ids) for pair in pairs]
    tokens = sum(len(one.ids) for pair in pairs for one in pair)
    saves = 10 * sum(prompts) >= tokens and min(prompts) > 0
    return saves and can_share_prompts(model)


@torch.no_grad()
def can_share_prompts(model: Any) -> bool:
    """Whether the model reads shared prompts as it reads each by itself; tried on made-up ids.

    Not so where attention has a window or a form of its own (a mask of ours is not enough), and
    where states are carried along from token to token.
    """
    plain = plain_model(model)
    config = plain.config.get_text_config()
    if any(getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")):
        return False
    generator = torch.Generator().manual_seed(0)
    part_B3 = torch.tensor([[9, 5, 7], [4, 8, 3]])
    rows = []
    for parts in part_B3.tolist():
        ids = torch.randint(config.vocab_size, (sum(parts),), generator=generator).tolist()
        names = ("prompt_ids", "chosen_ids", "rejected_ids")
        starts = (0, parts[0], parts[0] + parts[1])
        rows.append(
            {n: ids[at : at + size] for n, at, size in zip(names, starts, parts, strict=True)}
        )
    device = next(plain.parameters()).device
    shared = pad_right([shared_row(row) for row in rows], 0).to(device)
    both = [
        row["prompt_ids"] + row[side] for side in ("chosen_ids", "rejected_ids") for row in rows
    ]
    apart, mask = pad_right(both, 0).to(device), attention_mask(both).to(device)
    was_training = plain.training
    plain.eval()
    try:
        one = plain.base_model(
            input_ids=shared, use_cache=False, **reading(part_B3.to(device), shared.shape[1])
        ).last_hidden_state
        other = plain.base_model(
            input_ids=apart, attention_mask=mask, use_cache=False
        ).last_hidden_state
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        return False  # it takes no positions, or no mask of this shape
    finally:
        plain.train(was_training)
    states_ND = one.flatten(0, 1)[predicting(part_B3.to(device), shared.shape[1])]
    marked = torch.zeros_like(apart)
    for place, (row, side) in enumerate((row, side) for side in (1, 2) for row in range(2)):
        start = int(part_B3[row, 0])
        marked[place, start : start + int(part_B3[row, side])] = 1
    theirs_ND = other[:, :-1][marked[:, 1:].bool()]
    size = theirs_ND.abs().max()
    return bool((states_ND - theirs_ND).abs().max() <= TOLERANCE * size)
