"""Several reward models as one: a cautious score, and an average of weights."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def cautious_reward(reward_MB: Tensor, *, penalty: float) -> Tensor:
    """mean over members - penalty x standard deviation over members.

    reward_MB: [M, B], rewards of M >= 2 members, each from the same zero. Returns [B]. Raises
    ValueError for fewer members or a negative penalty.

    The standard deviation is the sample's (M - 1). Source: Coste et al. 2023 (arXiv:2310.02743,
    equation 5: uncertainty-weighted optimization). Deviation: they subtract the variance; the
    standard deviation is in the rewards' own unit, so `penalty` needs no tuning to their size.
    """
    if reward_MB.ndim != 2 or len(reward_MB) < 2 or penalty < 0:
        raise ValueError(
            f"expected [M >= 2, B] and a penalty of at least 0, got {tuple(reward_MB.shape)} "
            f"and {penalty}"
        )
    return reward_MB.mean(0) - penalty * reward_MB.std(0)


def average_weights(members: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of several models' weights, name by name, in the first one's dtypes.

    Members must come from one initialisation, else the mean is of no use. Raises ValueError for
    no members and for names or shapes that differ.

    Source: Ramé et al. 2024 (WARM, arXiv:2401.12187): its procedure as the abstract says it,
    several fine-tuned from one start, then averaged in weight space. The equation's number could
    not be looked up.
    """
    if not members:
        raise ValueError("an average needs at least one member")
    first = members[0]
    for number, member in enumerate(members):
        for name in sorted(set(first) | set(member)):
            if name not in member or name not in first or member[name].shape != first[name].shape:
                raise ValueError(f"member {number} differs from the first in {name}")
    return {
        name: torch.stack([member[name].double() for member in members]).mean(0).to(tensor.dtype)
        for name, tensor in first.items()
    }
