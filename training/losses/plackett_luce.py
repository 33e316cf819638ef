"""Plackett-Luce likelihood of ranked lists, with ties and with orders left open."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

ABSENT = -1
LARGEST_TIER = 10
"""A tier of t responses takes 2^t terms."""


def plackett_luce_loss(
    reward_BK: Tensor,
    tier_BK: Tensor,
    *,
    open_B: Tensor | None = None,
    depth: int = 0,
) -> Tensor:
    """Negative log-likelihood of a ranking under Plackett-Luce.

    loss = - sum_j log( exp r_(j) / sum_{i >= j} exp r_(i) ), (j) the response at place j.

    reward_BK: [B, K], rewards (logits). tier_BK: [B, K] integers, 0 the best tier, each tier from
    0 to the last one taken; -1 (`ABSENT`) marks places that the list does not fill.
    open_B: [B] booleans, False when omitted: what a tier of several responses says. False: they
    are equally good, and the loss is the mean over the tier's orders; a tie of two costs least,
    log 2, at equal rewards. True: the order among them is unknown, and the loss is that of the
    sum over its orders; the best alone, or best and worst, are lists of this sort.
    depth: how many places from the top say something, 0 for all. Tiers that begin behind
    them are what was not chosen, in no order; a tier that begins before counts whole.
    Returns [B], nats. Raises ValueError for other shapes or dtypes, gaps between tiers, a depth
    below 0, and counted tiers of more than 10 responses, the last of an open list excepted.

    Source: Plackett 1975 (Applied Statistics 24:193); reward models from K-wise feedback: Zhu,
    Jiao and Jordan 2023 (arXiv:2301.11270, equation 4). Deviation: ties, which the paper leaves
    out. The sum over orders is the likelihood of a partial ranking (Guiver and Snelson 2009, ICML),
    and so is the product of the first stages alone (top-k lists).
    """
    _require_lists(reward_BK, tier_BK, open_B)
    if depth < 0:
        raise ValueError(f"depth is {depth}; it is a number of places, or 0 for all")
    open_B = torch.zeros(len(reward_BK), dtype=torch.bool) if open_B is None else open_B
    losses_B = reward_BK.new_zeros(len(reward_BK))
    groups = _alike(tier_BK, open_B, depth)
    strict = [row for sizes, _, rows in groups if set(sizes) <= {1} for row in rows]
    if strict:
        index = torch.tensor(strict, device=reward_BK.device)
        sorted_SK, tier_SK = _sorted(reward_BK, tier_BK, index)
        losses_B = losses_B.index_put((index,), _loss_of_places(sorted_SK, tier_SK >= 0, depth))
    for sizes, is_open, rows in groups:
        if not set(sizes) <= {1}:
            index = torch.tensor(rows, device=reward_BK.device)
            sorted_GK, _ = _sorted(reward_BK, tier_BK, index)
            losses_G = _loss_of_tiers(sorted_GK, sizes, is_open, depth)
            losses_B = losses_B.index_put((index,), losses_G)
    return losses_B


def _sorted(reward_BK: Tensor, tier_BK: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Rows by tier, absent places last: those of one tier stand side by side. Rewards and tiers."""
    tier_GK = tier_BK[index.to(tier_BK.device)]
    order_GK = torch.where(tier_GK < 0, reward_BK.shape[1], tier_GK).argsort(dim=1, stable=True)
    sorted_GK = reward_BK[index].gather(1, order_GK.to(reward_BK.device))
    return sorted_GK, tier_GK.gather(1, order_GK).to(reward_BK.device)


def _loss_of_places(sorted_SK: Tensor, here_SK: Tensor, depth: int) -> Tensor:
    """[S] losses of lists without ties, of whatever lengths, all stages at once.

    sum over places j of log sum_{i >= j} exp r_i - r_j; the last place costs nothing.
    """
    places_K = torch.arange(sorted_SK.shape[1], device=sorted_SK.device)
    left_KK = places_K.unsqueeze(1) <= places_K  # at stage j, those from j on
    itself_KK = places_K.unsqueeze(1) == places_K  # keeps stages of absent places finite
    left_SKK = (left_KK & here_SK.unsqueeze(1)) | itself_KK
    still_SKK = sorted_SK.unsqueeze(1).masked_fill(~left_SKK, -torch.inf)
    stage_SK = still_SKK.logsumexp(2) - sorted_SK
    counted_SK = here_SK & (places_K < depth) if depth else here_SK
    return torch.where(counted_SK, stage_SK, 0.0).sum(1)


def counted_tiers(sizes: Sequence[int], is_open: bool, depth: int) -> int:
    """How many tiers of these sizes, from the first on, the loss takes something for.

    Nothing comes after an open last tier, nor behind `depth` places.
    """
    begins = accumulate(sizes, initial=0)
    within = sum(begin < depth for begin in list(begins)[:-1]) if depth else len(sizes)
    return min(within, len(sizes) - 1) if is_open and sizes else within


def _loss_of_tiers(sorted_GK: Tensor, sizes: tuple[int, ...], is_open: bool, depth: int) -> Tensor:
    """[G] losses of lists whose tiers have the same sizes, from the last tier up."""
    counted = counted_tiers(sizes, is_open, depth)
    begin = sum(sizes)
    rest_G = sorted_GK.new_full((len(sorted_GK),), -torch.inf)
    loss_G = sorted_GK.new_zeros(len(sorted_GK))
    likelihood: Callable[[Tensor, Tensor], Tensor] = _open_tier if is_open else _tied_tier
    for place in range(len(sizes) - 1, -1, -1):
        begin -= sizes[place]
        tier_GT = sorted_GK[:, begin : begin + sizes[place]]
        if place < counted:
            loss_G = loss_G - likelihood(tier_GT, rest_G)
        rest_G = torch.logaddexp(rest_G, tier_GT.logsumexp(1))
    return loss_G


def _tied_tier(tier_GT: Tensor, rest_G: Tensor) -> Tensor:
    """Mean over the orders of the tier of the log-probability that it comes first in it.

    sum_i r_i - sum_{s=1..T} mean over subsets A of size s of log(rest + sum_A exp r), the subset
    being what is left of the tier.
    """
    size = tier_GT.shape[1]
    subsets_ST = _subsets(size).to(tier_GT.device)[1:]
    masked_GST = tier_GT[:, None, :].masked_fill(~subsets_ST, -torch.inf)
    log_sums_GS = torch.logaddexp(rest_G[:, None], masked_GST.logsumexp(2))
    sizes_S = subsets_ST.sum(1)
    share_S = 1.0 / torch.bincount(sizes_S, minlength=size + 1)[sizes_S].to(tier_GT.dtype)
    return tier_GT.sum(1) - (log_sums_GS * share_S).sum(1)


def _open_tier(tier_GT: Tensor, rest_G: Tensor) -> Tensor:
    """Log of the sum over the orders of the tier of the probability that it comes first in it.

    By f(A) = sum_{i in A} exp r_i / (rest + sum_A exp r) f(A without i), f(nothing) = 1.
    """
    size = tier_GT.shape[1]
    found: list[Tensor] = [tier_GT.new_zeros(len(tier_GT))]
    for subset in range(1, 1 << size):
        members = [i for i in range(size) if subset >> i & 1]
        steps = torch.stack([tier_GT[:, i] + found[subset & ~(1 << i)] for i in members])
        total_G = torch.logaddexp(rest_G, tier_GT[:, members].logsumexp(1))
        found.append(steps.logsumexp(0) - total_G)
    return found[-1]


def _subsets(size: int) -> Tensor:
    """[2^size, size] booleans, the empty set first."""
    numbers = torch.arange(1 << size)
    return (numbers[:, None] >> torch.arange(size)) & 1 == 1


def _alike(
    tier_BK: Tensor, open_B: Tensor, depth: int
) -> list[tuple[tuple[int, ...], bool, list[int]]]:
    """Rows with the same sizes of tiers, which are computed together."""
    groups: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for row, (tiers, is_open) in enumerate(zip(tier_BK.tolist(), open_B.tolist(), strict=True)):
        present = [tier for tier in tiers if tier >= 0]
        sizes = tuple(present.count(tier) for tier in range(max(present, default=-1) + 1))
        if not all(sizes):
            raise ValueError(f"row {row}: the tiers {sorted(set(present))} leave a gap from 0 on")
        counted = sizes[: counted_tiers(sizes, is_open, depth)]
        if max(counted, default=0) > LARGEST_TIER:
            raise ValueError(f"row {row} has a tier of {max(counted)}; at most {LARGEST_TIER}")
        groups.setdefault((sizes, is_open), []).append(row)
    return [(sizes, is_open, rows) for (sizes, is_open), rows in groups.items()]


def _require_lists(reward_BK: Tensor, tier_BK: Tensor, open_B: Tensor | None) -> None:
    if reward_BK.ndim != 2 or not reward_BK.is_floating_point():
        raise ValueError(f"rewards must be floating-point [B, K], not {tuple(reward_BK.shape)}")
    if tier_BK.shape != reward_BK.shape or tier_BK.is_floating_point():
        raise ValueError(
            f"tiers must be integers of shape {tuple(reward_BK.shape)}, "
            f"not {tier_BK.dtype} {tuple(tier_BK.shape)}"
        )
    if open_B is not None and (open_B.dtype != torch.bool or len(open_B) != len(reward_BK)):
        raise ValueError(f"open must be {len(reward_BK)} booleans, not {open_B.dtype}")
