"""Newton's method with halved steps, for concave functions of few parameters. Pure numpy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 200
UNTOLD = 1e-12  # of the value: a gain so small is no longer told from rounding


class NotSettled(ArithmeticError):
    """It did not come to rest; says after how many steps."""


@dataclass(frozen=True)
class Local:
    """Of a function at a point: its value, gradient [P] and negative Hessian [P, P]."""

    value: float
    gradient_P: Floats
    curve_PP: Floats


def climb(
    local: Callable[[Floats], Local], start_P: Floats, *, at_rest: float
) -> tuple[Floats, Local]:
    """Where a concave function is highest, and what it was like a step before.

    Steps shrink by their squares near the top: the first under `at_rest` is the last, and the error
    that is left is about its square. Raises NotSettled.
    """
    at_P, here = start_P, local(start_P)
    for _ in range(STEPS):
        step_P: Floats = np.linalg.solve(here.curve_PP, here.gradient_P).astype(float)
        if np.abs(step_P).max(initial=0.0) < at_rest:
            return at_P + step_P, here
        at_P, here = _stepped(local, at_P, here, step_P)
    raise NotSettled(f"Newton's method did not settle in {STEPS} steps")


def _stepped(
    local: Callable[[Floats], Local], at_P: Floats, here: Local, step_P: Floats
) -> tuple[Floats, Local]:
    """The step, halved until it leads upwards; where values cannot tell, Newton's own is best."""
    is_told = float(here.gradient_P @ step_P) > UNTOLD * (1 + abs(here.value))
    length = 1.0
    while True:
        new_P = at_P + length * step_P
        there = local(new_P)
        if not is_told or there.value > here.value:
            return new_P, there
        length /= 2
