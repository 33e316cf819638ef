"""Sparse autoencoders: planted directions come out, and nothing hangs on who is named first."""

import numpy as np
import pytest
import torch

from training.recipes.errors import ConfigError, StopRequestedError
from training.recipes.sparse_autoencoder import SparseConfig, batch_top_k, fit

CONFIG = SparseConfig(features=16, active=2, prefix=0, seed=1)


def planted(count: int = 1500, width: int = 48, factors: int = 10, seed: int = 4):
    """Differences that are sums of two of ten directions, either way, with noise; and those."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(factors, width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    amount = np.zeros((count, factors))
    for row in amount:
        at = rng.choice(factors, 2, replace=False)
        row[at] = rng.choice([-1, 1], 2) * rng.uniform(0.7, 1.3, 2)
    noise = 0.03 * rng.normal(size=(count, width))
    return (amount @ directions + noise).astype(np.float32), directions, amount


def test_planted_directions_are_recovered_with_their_signs() -> None:
    apart, directions, amount = planted()
    model = fit(apart[:1200], CONFIG)
    alike = directions @ model.decoder_MD.T
    at = np.abs(alike).argmax(1)
    assert (np.abs(alike).max(1) > 0.95).all()
    assert len(set(at)) == len(directions)  # each has a feature of its own
    found = model.encode(apart[1200:])[:, at] * np.sign(alike[np.arange(len(at)), at])
    for factor, of_factor in enumerate(amount[1200:].T):
        assert np.corrcoef(of_factor, found[:, factor])[0, 1] > 0.9
    assert model.explained(apart[1200:]) > 0.85
    assert (model.encode(apart[1200:]) != 0).sum(1).mean() == pytest.approx(2, abs=0.3)


def test_swapping_the_responses_of_a_pair_turns_every_sign() -> None:
    apart, _, _ = planted(count=200)
    model = fit(apart, SparseConfig(features=8, active=2, prefix=2, epochs=3))
    assert (model.encode(-apart) == -model.encode(apart)).all()


def test_one_seed_gives_one_model_and_another_seed_another() -> None:
    apart, _, _ = planted(count=200)
    short = {"features": 8, "active": 2, "prefix": 4, "epochs": 3}
    first, again, other = (fit(apart, SparseConfig(**short, seed=seed)) for seed in (3, 3, 4))
    assert (first.encoder_DM == again.encoder_DM).all()
    assert not (first.encoder_DM == other.encoder_DM).all()


def test_the_largest_of_a_whole_batch_are_kept() -> None:
    raw = torch.tensor([[3.0, -4.0, 1.0], [0.5, 0.1, -0.2]])
    assert batch_top_k(raw, 1).tolist() == [[3.0, -4.0, 0.0], [0.0, 0.0, 0.0]]


def test_it_can_be_stopped_and_refuses_what_it_cannot_fit() -> None:
    apart, _, _ = planted(count=50)
    heard = []
    with pytest.raises(StopRequestedError, match="after 1 of 300 epochs"):
        fit(apart, CONFIG, report=lambda *one: heard.append(one), should_stop=lambda: True)
    assert len(heard) == 1
    with pytest.raises(ConfigError, match="not all of them 0"):
        fit(np.zeros((9, 4), np.float32), CONFIG)
    with pytest.raises(ConfigError, match="active must be 1 to 4"):
        SparseConfig(features=4, active=5, prefix=0)
    with pytest.raises(ConfigError, match="prefix must be below 4"):
        SparseConfig(features=4, active=1, prefix=4)
