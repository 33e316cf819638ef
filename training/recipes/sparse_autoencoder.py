"""A sparse autoencoder of differences between embeddings: few features a pair, each signed.

After WIMHF (R. Movva, S. Milli, S. Min and E. Pierson 2025, arXiv:2510.26202): BatchTopK
(B. Bussmann, P. Leask and N. Nanda 2024, arXiv:2412.06410) without a ReLU, so that a feature's sign
says which response of a pair has more of it, and nested prefixes (Matryoshka) that keep the first
features broad. Otherwise than there, no layer has a bias: which response of a pair is named first
means nothing, and so z(-x) = -z(x) exactly. The threshold for new pairs is read off the pairs it
was fitted to, in place of a running mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.recipes.errors import ConfigError, StopRequestedError

Floats = NDArray[np.float32]
NORM = 1e-8


@dataclass(frozen=True)
class SparseConfig:
    """`active`: how many features a pair has on average (K), of `features` (M).

    `prefix`: the first so many must do alone as well; 0 for none. `revival`: the weight of what
    features that did not fire for `asleep` steps reconstruct of the rest. Raises ConfigError.
    """

    features: int = 32
    active: int = 4
    prefix: int = 8
    batch: int = 256
    epochs: int = 300
    patience: int = 30
    learning_rate: float = 2e-3
    revival: float = 1 / 32
    asleep: int = 64
    held_back: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.active <= self.features:
            raise ConfigError(f"SparseConfig.active must be 1 to {self.features}: {self.active}.")
        if not 0 <= self.prefix < self.features:
            raise ConfigError(f"SparseConfig.prefix must be below {self.features}: {self.prefix}.")


@dataclass(frozen=True)
class SparseAutoencoder:
    """encoder_DM, decoder_MD (rows of unit length), and the threshold on |z|, of x / scale."""

    encoder_DM: Floats
    decoder_MD: Floats
    threshold: float
    scale: float

    def encode(self, apart_ND: Floats) -> Floats:
        """[N, M] signed features, 0 where one is not active."""
        found_NM = (apart_ND / self.scale) @ self.encoder_DM
        found_NM[np.abs(found_NM) < self.threshold] = 0
        return found_NM

    def explained(self, apart_ND: Floats) -> float:
        """The share of the squared length of the differences that features reconstruct."""
        given = apart_ND / self.scale
        left = given - self.encode(apart_ND) @ self.decoder_MD
        return float(1 - (left**2).sum() / max((given**2).sum(), NORM))


def fit(
    apart_ND: Floats,
    config: SparseConfig,
    *,
    report: Callable[[int, float], object] = lambda epoch, loss: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SparseAutoencoder:
    """Until what is held back is reconstructed no better for `patience` epochs.

    `apart_ND`: differences of two embeddings. Raises ConfigError for fewer than two, or where all
    are 0; StopRequestedError.
    """
    scale = float(np.sqrt((apart_ND.astype(np.float64) ** 2).sum(1).mean())) if len(apart_ND) else 0
    if len(apart_ND) < 2 or scale == 0:
        raise ConfigError("apart_ND: two differences or more are needed, and not all of them 0.")
    generator = torch.Generator().manual_seed(config.seed)
    given_ND = torch.from_numpy(np.ascontiguousarray(apart_ND / scale, dtype=np.float32))
    order = torch.randperm(len(given_ND), generator=generator)
    back = max(1, round(config.held_back * len(order)))
    held_ND, train_ND = given_ND[order[:back]], given_ND[order[back:]]
    weights = _Weights(given_ND.shape[1], config, generator)
    best, best_loss, waited = weights.copies(), float("inf"), 0
    for epoch in range(config.epochs):
        shuffled = torch.randperm(len(train_ND), generator=generator)
        for rows in shuffled.split(config.batch):
            weights.step(train_ND[rows])
        loss = weights.loss_on(held_ND)
        report(epoch + 1, loss)
        if should_stop():
            raise StopRequestedError(f"stopped after {epoch + 1} of {config.epochs} epochs")
        if loss < best_loss - 1e-5:
            best, best_loss, waited = weights.copies(), loss, 0
        else:
            waited += 1
            if waited >= config.patience:
                break
    encoder_DM, decoder_MD = best
    threshold = _threshold(train_ND @ encoder_DM, config.active)
    return SparseAutoencoder(encoder_DM.numpy(), decoder_MD.numpy(), threshold, scale)


def _threshold(raw_NM: Tensor, active: int) -> float:
    """Above which `active` features a pair lie on average."""
    kept = min(active * len(raw_NM), raw_NM.numel())
    return float(raw_NM.abs().flatten().topk(kept).values[-1])


def batch_top_k(raw_BM: Tensor, active: int) -> Tensor:
    """The B·K values of the batch that are largest by absolute value; the others 0."""
    flat = raw_BM.flatten()
    at = flat.abs().topk(min(active * len(raw_BM), flat.numel())).indices
    return torch.zeros_like(flat).scatter(0, at, flat[at]).view_as(raw_BM)


class _Weights:
    """Both layers, and what one step does to them."""

    def __init__(self, width: int, config: SparseConfig, generator: torch.Generator) -> None:
        self.config = config
        decoder_MD = torch.randn(config.features, width, generator=generator)
        decoder_MD /= decoder_MD.norm(dim=1, keepdim=True)
        self.decoder_MD = decoder_MD.requires_grad_()
        self.encoder_DM = decoder_MD.detach().t().clone().requires_grad_()
        self.unfired_M = torch.zeros(config.features, dtype=torch.long)
        self.adam = torch.optim.Adam([self.encoder_DM, self.decoder_MD], lr=config.learning_rate)

    def step(self, given_BD: Tensor) -> None:
        raw_BM = given_BD @ self.encoder_DM
        active_BM = batch_top_k(raw_BM, self.config.active)
        loss = self._reconstruction(given_BD, active_BM)
        self.unfired_M += 1
        self.unfired_M[(active_BM != 0).any(0)] = 0
        asleep_M = self.unfired_M > self.config.asleep
        if asleep_M.any():
            left_BD = (given_BD - active_BM @ self.decoder_MD).detach()
            kept = min(2 * self.config.active, int(asleep_M.sum()))
            woken_BM = batch_top_k(raw_BM * asleep_M, kept)
            loss = loss + self.config.revival * _error(woken_BM @ self.decoder_MD, left_BD)
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([self.encoder_DM, self.decoder_MD], 1.0)
        self.adam.step()
        with torch.no_grad():
            self.decoder_MD /= self.decoder_MD.norm(dim=1, keepdim=True) + NORM

    def _reconstruction(self, given_BD: Tensor, active_BM: Tensor) -> Tensor:
        """Of all features, and of the first `prefix` alone: the mean of both."""
        loss = _error(active_BM @ self.decoder_MD, given_BD)
        first = self.config.prefix
        if not first:
            return loss
        return (loss + _error(active_BM[:, :first] @ self.decoder_MD[:first], given_BD)) / 2

    @torch.no_grad()
    def loss_on(self, given_BD: Tensor) -> float:
        active_BM = batch_top_k(given_BD @ self.encoder_DM, self.config.active)
        return float(self._reconstruction(given_BD, active_BM))

    def copies(self) -> tuple[Tensor, Tensor]:
        return self.encoder_DM.detach().clone(), self.decoder_MD.detach().clone()


def _error(said_BD: Tensor, given_BD: Tensor) -> Tensor:
    """The share of the squared length that is not reconstructed."""
    return ((said_BD - given_BD) ** 2).sum() / (given_BD**2).sum().clamp(min=NORM)
