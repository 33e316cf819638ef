"""Strengths of models, kept up to date ballot by ballot, with how they hang together. Pure numpy.

A strength is θ ~ N(0, 1) before anything is known; at each showing a model performs as
N(θ, β²), and a ballot is the order of these performances, or (with the chance ε, the lapse) drawn
blindly. Which β and ε hold is not known: filters with each of a few run side by side, and the one
that has predicted the ballots best leads.

After Y. Li et al. 2024 (K-Sort Arena, arXiv:2408.14468), with the whole covariance in the place of
one variance each, and a ballot as one event in the place of K (K - 1) / 2 independent ones.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.ballots import Ballot
from annotate.ranking.propagation import propagate

Floats = NDArray[np.float64]

BETAS = (0.02, 0.1, 0.4, 1.2, 2.4)
LAPSES = (0.0, 0.1)
FULL_UP_TO = 500
HOPELESS = 12.0  # nats behind the leader
PRIOR_VARIANCE = 1.0


class OnlineRating:
    """A grid of filters over the same ballots. Changed in place; not for several threads.

    Up to FULL_UP_TO models each filter keeps their whole covariance; above that variances alone,
    for a ballot's cost must not grow with the square of the models.
    """

    def __init__(
        self,
        models: int,
        *,
        betas: Sequence[float] = BETAS,
        lapses: Sequence[float] = LAPSES,
        full_up_to: int = FULL_UP_TO,
    ) -> None:
        """Raises ValueError for a β that is not above 0 or a lapse outside [0, 1)."""
        if models < 0:
            raise ValueError(f"models is {models}; give a number from 0")
        if not betas or min(betas) <= 0:
            raise ValueError(f"betas are {tuple(betas)}; give at least one, all above 0")
        if not lapses or min(lapses) < 0 or max(lapses) >= 1:
            raise ValueError(f"lapses are {tuple(lapses)}; give at least one, from 0 to below 1")
        grid = [(beta, lapse) for beta in betas for lapse in lapses]
        self._beta_F = np.array([beta for beta, _ in grid], dtype=float)
        self._lapse_F = np.array([lapse for _, lapse in grid], dtype=float)
        self._log_predictive_F = np.zeros(len(grid))
        self._full_up_to = full_up_to
        self._mean_FN = np.zeros((len(grid), models))
        self._variance_FN: Floats | None = None
        self._covariance_FNN: Floats | None = None
        if models > full_up_to:
            self._variance_FN = np.full((len(grid), models), PRIOR_VARIANCE)
        else:
            self._covariance_FNN = np.tile(PRIOR_VARIANCE * np.eye(models), (len(grid), 1, 1))

    @property
    def models(self) -> int:
        return int(self._mean_FN.shape[1])

    @property
    def filters(self) -> list[tuple[float, float, float]]:
        """(β, ε, log predictive of all ballots in nats) of each filter that is still kept."""
        return list(
            zip(
                self._beta_F.tolist(),
                self._lapse_F.tolist(),
                self._log_predictive_F.tolist(),
                strict=True,
            )
        )

    @property
    def beta(self) -> float:
        """The noise of the leading filter, in standard deviations of strengths."""
        return float(self._beta_F[self._leader])

    @property
    def mean_N(self) -> Floats:
        """The strengths that the leading filter expects."""
        return np.array(self._mean_FN[self._leader])

    @property
    def variance_N(self) -> Floats:
        if self._variance_FN is not None:
            return np.array(self._variance_FN[self._leader])
        return np.array(np.diagonal(self._covariances()[self._leader]))

    @property
    def covariance_NN(self) -> Floats | None:
        """Of the leading filter; None where variances alone are kept."""
        if self._covariance_FNN is None:
            return None
        return np.array(self._covariance_FNN[self._leader])

    @property
    def _leader(self) -> int:
        return int(np.argmax(self._log_predictive_F))

    def as_arrays(self) -> dict[str, Floats]:
        """All that it knows, by name: `of_arrays` makes it again."""
        spread = self._variance_FN if self._covariance_FNN is None else self._covariance_FNN
        assert spread is not None
        return {
            "beta": self._beta_F,
            "lapse": self._lapse_F,
            "log_predictive": self._log_predictive_F,
            "mean": self._mean_FN,
            "spread": spread,
        }

    @classmethod
    def of_arrays(
        cls, arrays: Mapping[str, Floats], *, full_up_to: int = FULL_UP_TO
    ) -> "OnlineRating":
        """What `as_arrays` gave."""
        rating = cls(0, full_up_to=full_up_to)
        held = {name: np.array(values) for name, values in arrays.items()}
        rating._beta_F, rating._lapse_F = held["beta"], held["lapse"]
        rating._log_predictive_F = held["log_predictive"]
        rating._mean_FN = held["mean"]
        is_full = held["spread"].ndim == 3
        rating._covariance_FNN = held["spread"] if is_full else None
        rating._variance_FN = None if is_full else held["spread"]
        return rating

    def add_model(self) -> int:
        """A further model, of which nothing is known; returns its number."""
        filters, models = self._mean_FN.shape
        self._mean_FN = np.concatenate([self._mean_FN, np.zeros((filters, 1))], axis=1)
        if self._covariance_FNN is not None and models + 1 > self._full_up_to:
            self._variance_FN = np.diagonal(self._covariance_FNN, axis1=1, axis2=2).copy()
            self._covariance_FNN = None
        if self._variance_FN is not None:
            new = np.full((filters, 1), PRIOR_VARIANCE)
            self._variance_FN = np.concatenate([self._variance_FN, new], axis=1)
        else:
            grown = np.zeros((filters, models + 1, models + 1))
            grown[:, :models, :models] = self._covariances()
            grown[:, models, models] = PRIOR_VARIANCE
            self._covariance_FNN = grown
        return models

    def update(self, ballot: Ballot, *, trust: float = 1.0) -> None:
        """Take a ballot in. `trust` is the chance that its author looked: 1 - ε of a person.

        With Z the predictive probability of the ballot and c that of a blind draw, it was meant
        with r = (1 - ε) Z / ((1 - ε) Z + ε c), and that share of the update is made (moments of
        the mixture). A ballot without an order (all tied) tells nothing and changes nothing.
        Raises ValueError for a model that is not there or a trust outside [0, 1].
        """
        if not 0 <= trust <= 1:
            raise ValueError(f"trust is {trust}; give a number from 0 to 1")
        shown = np.array(ballot.models)
        if shown.max() >= self.models:
            raise ValueError(f"ballot: no model {shown.max()}, there are {self.models}; add it")
        constraints = ballot.constraints()
        if not constraints or trust == 0:
            return
        columns_FNK = self._columns(shown)
        inside_FKK = columns_FNK[:, shown] if self._covariance_FNN is not None else columns_FNK
        noise_FKK = self._beta_F[:, None, None] ** 2 * np.eye(len(shown))
        found = propagate(self._mean_FN[:, shown], inside_FKK + noise_FKK, constraints)
        honest_F = (1 - self._lapse_F) * trust
        with np.errstate(divide="ignore"):
            meant_F = np.log(honest_F) + found.log_z_F
            blind_F = np.log(1 - honest_F) + np.log(ballot.chance())
        predictive_F = np.logaddexp(meant_F, blind_F)
        share_F = np.exp(meant_F - predictive_F)
        self._log_predictive_F += predictive_F
        self._move(shown, columns_FNK, found.pull_FK, found.hold_FKK, share_F)
        self._drop_hopeless()

    def _covariances(self) -> Floats:
        assert self._covariance_FNN is not None
        return self._covariance_FNN

    def _columns(self, shown: NDArray[np.int64]) -> Floats:
        """[F, N, K] of the covariance; [F, K, K] of the shown alone where variances are kept."""
        if self._variance_FN is None:
            return self._covariances()[:, :, shown]
        return self._variance_FN[:, shown, None] * np.eye(len(shown))

    def _move(
        self,
        shown: NDArray[np.int64],
        columns: Floats,
        pull_FK: Floats,
        hold_FKK: Floats,
        share_F: Floats,
    ) -> None:
        step = np.einsum("fnk,fk->fn", columns, pull_FK)
        one, mixed = share_F[:, None, None], (share_F * (1 - share_F))[:, None]
        if self._variance_FN is not None:
            cut = np.einsum("fik,fkl,fil->fi", columns, hold_FKK, columns)
            self._mean_FN[:, shown] += share_F[:, None] * step
            self._variance_FN[:, shown] += mixed * step**2 - share_F[:, None] * cut
            return
        self._mean_FN += share_F[:, None] * step
        covariance = self._covariances()
        covariance -= (columns @ (one * hold_FKK)) @ columns.transpose(0, 2, 1)
        if mixed.any():
            covariance += mixed[:, :, None] * step[:, :, None] * step[:, None, :]

    def _drop_hopeless(self) -> None:
        kept = self._log_predictive_F > self._log_predictive_F.max() - HOPELESS
        if kept.all():
            return
        self._beta_F, self._lapse_F = self._beta_F[kept], self._lapse_F[kept]
        self._log_predictive_F = self._log_predictive_F[kept]
        self._mean_FN = self._mean_FN[kept]
        if self._variance_FN is not None:
            self._variance_FN = self._variance_FN[kept]
        else:
            self._covariance_FNN = self._covariances()[kept]
