"""Small heads fitted to the end on all rows at once, on the CPU, in double precision."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from training.recipes.errors import NonFiniteLossError

STEPS = 600
HISTORY = 100
"""Steps that L-BFGS remembers: with 20, ideal points were left halfway after hundreds of steps."""


def minimise(objective: Callable[[], Tensor], parameters: Sequence[Tensor]) -> float:
    """Move the parameters to a minimum of the objective by L-BFGS; returns its value there.

    Raises NonFiniteLossError when it leads to no number.
    """
    optimizer = torch.optim.LBFGS(
        parameters,
        max_iter=STEPS,
        tolerance_grad=1e-7,
        tolerance_change=1e-10,
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = objective()
        value.backward()
        return value

    optimizer.step(closure)
    with torch.no_grad():
        value = float(objective())
    if not torch.isfinite(torch.tensor(value)):
        raise NonFiniteLossError("The head's loss became infinite or not a number; raise l2.")
    return value


def best_of(
    starts: int, fit: Callable[[torch.Generator], tuple[float, list[Tensor]]], *, seed: int
) -> list[Tensor]:
    """The parameters of the start with the lowest objective: for objectives with several minima."""
    found = [fit(torch.Generator().manual_seed(seed + number)) for number in range(starts)]
    return min(found, key=lambda pair: pair[0])[1]


def small(*shape: int, generator: torch.Generator, scale: float = 0.1) -> Tensor:
    """Random numbers to start from."""
    drawn = torch.randn(*shape, dtype=torch.float64, generator=generator)
    return (scale * drawn).requires_grad_()


def zeros(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.float64, requires_grad=True)


def squares(*parameters: Tensor) -> Tensor:
    """Sum of squares of all of them, which a prior of strength l2 pays half of."""
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum()
