"""The normal distribution cut off on one side: V, W and log Φ, right in the far tails too. Pure.

Below -5 they come from Laplace's continued fraction of Mills' ratio (Abramowitz & Stegun 1964,
26.2.14): φ(y) / Φ(-y) = y + 1 / (y + 2 / (y + 3 / …)), which neither underflows nor cancels.
"""

from math import erfc, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TAIL = -5.0
TERMS = 30
ROOT_2 = sqrt(2)
LOG_ROOT_2_PI = 0.5 * log(2 * pi)


def truncated(x: Floats) -> tuple[Floats, Floats, Floats]:
    """V = φ / Φ, 1 - W with W = V (V + x), and log Φ, elementwise for finite x.

    A standard normal shifted by x and kept above 0 has mean x + V and variance 1 - W
    (Herbrich, Minka and Graepel 2006, TrueSkill, section 3).
    """
    flat = np.asarray(x, dtype=float).ravel()
    far = flat < TAIL
    parts = _near(np.maximum(flat, TAIL))
    if far.any():
        tail = _far(-flat[far])
        for part, value in zip(parts, tail, strict=True):
            part[far] = value
    v, rest, log_phi = (part.reshape(np.shape(x)) for part in parts)
    return v, rest, log_phi


def _near(x: Floats) -> tuple[Floats, Floats, Floats]:
    below = np.array([0.5 * erfc(-one / ROOT_2) for one in x.tolist()])
    v = np.exp(-x * x / 2 - LOG_ROOT_2_PI) / below
    above = np.array([0.5 * erfc(one / ROOT_2) for one in x.tolist()])
    return v, 1 - v * (v + x), np.where(x > 0, np.log1p(-above), np.log(below))


def _far(y: Floats) -> tuple[Floats, Floats, Floats]:
    inner = y.copy()  # y + 3 / (y + 4 / …)
    for term in range(TERMS, 2, -1):
        inner = y + term / inner
    second = y + 2 / inner
    v = y + 1 / second
    # V - y = 1 / second, so 1 - W = 1 - (y + 1 / second) / second, and second - y = 2 / inner.
    rest = (2 / inner - 1 / second) / second
    return v, rest, -y * y / 2 - LOG_ROOT_2_PI - np.log(v)


def pair_information(t: Floats) -> Floats:
    """φ(t)² / (Φ(t) Φ(-t)): what a comparison tells of t, to six digits of its height of 2 / π.

    It is Φ(t) W(t) + Φ(-t) W(-t), the expected cut of variance, and the Fisher information of a
    probit. Read from a table.
    """
    return np.asarray(np.interp(np.abs(t), _STEPS, _INFORMATION))


def _table() -> tuple[Floats, Floats]:
    steps = np.linspace(0, 10, 4001)
    upper, _, log_upper = truncated(-steps)
    density = np.exp(-steps * steps / 2 - LOG_ROOT_2_PI)
    # φ² / (Φ Φ(-t)) = V(-t) φ / Φ(t)
    information = upper * density / -np.expm1(log_upper)
    information[-1] = 0.0
    return steps, information


_STEPS, _INFORMATION = _table()
