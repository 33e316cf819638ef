"""The linear heads that routing measures mixes of labels with. numpy alone, imported when used."""

from collections.abc import Sequence
from typing import Any

from routing.reward_heads import Heads, register


def fit(gap_ND: Any, target_N: Any, weight_N: Any, l2: float) -> Any:
    """Coefficients [D]. Raises ValueError where none can be found."""
    from training.recipes.errors import NonFiniteLossError
    from training.recipes.linear_head import fit_linear_bradley_terry

    try:
        return fit_linear_bradley_terry(_rows(gap_ND, target_N, weight_N), l2=l2)
    except NonFiniteLossError as error:
        raise ValueError(str(error)) from error


def choose_l2(gap_ND: Any, target_N: Any, weight_N: Any, groups: Sequence[int], seed: int) -> float:
    from training.recipes.linear_head import choose_l2 as choose

    return choose(_rows(gap_ND, target_N, weight_N), groups, seed=seed).l2


def _rows(gap_ND: Any, target_N: Any, weight_N: Any) -> Any:
    from training.recipes.linear_head import PreferenceRows

    return PreferenceRows(gap_ND, target_N, weight_N, 0 * weight_N)


def register_heads() -> None:
    register(Heads(fit=fit, choose_l2=choose_l2))
