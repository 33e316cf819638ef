"""Expectation propagation: a normal vector, and which of its parts came out above which. Pure.

Several normals side by side ([F] filters) are worked on at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.truncated import truncated

Floats = NDArray[np.float64]

SWEEPS = 6
SETTLED = 1e-4


@dataclass(frozen=True)
class Found:
    """What the constraints say of x ~ N(m, C), for each of F filters.

    log_z_F: log P(all constraints hold). pull_FK and hold_FKK move whatever hangs together with
    x: with B = Cov(y, x), E(y) += B pull and Cov(y) -= B hold Bᵀ. In the words of the textbook,
    pull = C⁻¹(x̂ - m) and hold = C⁻¹(C - Ĉ)C⁻¹, which are reckoned without inverting C.
    """

    log_z_F: Floats
    pull_FK: Floats
    hold_FKK: Floats


def propagate(
    mean_FK: Floats,
    covariance_FKK: Floats,
    constraints: Sequence[tuple[int, int]],
    *,
    sweeps: int = SWEEPS,
) -> Found:
    """Condition x ~ N(mean, covariance) on x_i > x_j for each (i, j).

    T. Minka, Expectation propagation for approximate Bayesian inference (2001); for half-spaces
    J. P. Cunningham, P. Hennig and S. Lacoste-Julien (2011, arXiv:1111.6832). One constraint is
    exact. Ends after `sweeps` sweeps, or when no site moves by more than SETTLED of its precision.
    Everything is in d = x - mean, so that C need not be inverted.
    """
    filters, size = mean_FK.shape
    count = len(constraints)
    sigma = covariance_FKK.copy()  # Ĉ, as the sites are now
    mu = np.zeros((filters, size))
    tau, nu = np.zeros((count, filters)), np.zeros((count, filters))
    scale = np.zeros((count, filters))
    for _ in range(sweeps):
        moved = 0.0
        for at, (better, worse) in enumerate(constraints):
            lean = sigma[:, :, better] - sigma[:, :, worse]
            spread = lean[:, better] - lean[:, worse]
            margin = mu[:, better] - mu[:, worse]
            share = 1 - tau[at] * spread
            cavity = spread / share
            centre = (margin - nu[at] * spread) / share
            ahead = mean_FK[:, better] - mean_FK[:, worse]
            root = np.sqrt(cavity)
            v, rest, log_phi = truncated((centre + ahead) / root)
            kept = np.maximum(cavity * rest, 1e-300)
            new_tau = np.maximum(1 / kept - 1 / cavity, 0.0)
            new_nu = (centre + root * v) / kept - centre / cavity
            # log of the site's factor: what makes its integral over the cavity Φ.
            scale[at] = (
                log_phi
                + 0.5 * np.log1p(new_tau * cavity)
                - 0.5 * ((centre + root * v) ** 2 / kept - centre**2 / cavity)
            )
            step_tau, step_nu = new_tau - tau[at], new_nu - nu[at]
            moved = max(moved, float(np.max(np.abs(step_tau) * spread)))
            tau[at], nu[at] = new_tau, new_nu
            divisor = 1 + step_tau * spread
            mu += lean * ((step_nu - step_tau * margin) / divisor)[:, None]
            sigma -= (step_tau / divisor)[:, None, None] * lean[:, :, None] * lean[:, None, :]
        if moved < SETTLED or count == 1:
            break
    hold, pull = np.zeros((filters, size, size)), np.zeros((filters, size))
    for at, (better, worse) in enumerate(constraints):
        pull[:, better] += nu[at]
        pull[:, worse] -= nu[at]
        for row, column, sign in (
            (better, better, 1), (worse, worse, 1), (better, worse, -1), (worse, better, -1),
        ):  # fmt: skip
            hold[:, row, column] += sign * tau[at]
    _, log_det = np.linalg.slogdet(np.eye(size) + covariance_FKK @ hold)
    sigma = np.asarray(
        np.linalg.solve(np.eye(size) + covariance_FKK @ hold, covariance_FKK), dtype=float
    )
    mu = np.einsum("fij,fj->fi", sigma, pull)
    log_z = scale.sum(0) - 0.5 * log_det + 0.5 * np.einsum("fi,fi->f", pull, mu)
    return Found(
        log_z_F=np.minimum(log_z, 0.0),
        pull_FK=pull - np.einsum("fij,fj->fi", hold, mu),
        hold_FKK=hold - hold @ sigma @ hold,
    )
