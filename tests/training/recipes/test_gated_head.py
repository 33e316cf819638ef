"""Rewards whose taste in responses depends on the prompt, on planted states."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from training.evaluation.calibration import expected_calibration_error, fit_temperature
from training.recipes import score
from training.recipes.errors import ModelError
from training.recipes.gated_head import GatedHead, _components, fit_gated_head
from training.recipes.linear_head import PreferenceRows, choose_l2

WIDTH, LAYERS, PAIRS = 12, 2, 1200


def planted(*, flips, seed=0, noise=0.0):
    """Features of chosen and rejected in turn: the better response is further along one
    direction; under prompts of the second topic, where it flips, the one less far.
    """
    rng = np.random.default_rng(seed)
    topic_N = rng.choice([-1.0, 1.0], PAIRS)
    prompt_NH = 0.3 * rng.normal(size=(PAIRS, WIDTH)) + topic_N[:, None] * np.eye(WIDTH)[0]
    both = rng.normal(size=(PAIRS, 2, LAYERS * WIDTH))
    direction_D = np.random.default_rng(99).normal(size=LAYERS * WIDTH)
    worth_N2 = both @ direction_D * (topic_N[:, None] if flips else 1.0)
    worth_N2 = worth_N2 + noise * rng.normal(size=worth_N2.shape)
    order_N2 = np.argsort(-worth_N2, axis=1)
    both = np.take_along_axis(both, order_N2[:, :, None], axis=1)
    prompts = np.repeat(prompt_NH[:, None], 2, axis=1)
    return np.concatenate([prompts, both], axis=2).reshape(2 * PAIRS, -1)


def labels(pairs=PAIRS, **other):
    values = {
        "target_N": np.ones(pairs),
        "weight_N": np.ones(pairs),
        "margin_N": np.zeros(pairs),
        **other,
    }
    return PreferenceRows(gap_ND=np.zeros((pairs, 0)), **values)


def fit(features_ND, **more):
    groups = list(range(len(features_ND) // 2))
    return fit_gated_head(features_ND, labels(len(groups)), groups, width=WIDTH, seed=0, **more)


def right(head, features_ND):
    rewards_N = head.rewards(features_ND)
    return float(np.mean(rewards_N[::2] > rewards_N[1::2]))


def test_a_taste_that_flips_with_the_topic_needs_the_gate():
    train_ND = planted(flips=True)
    found = fit(train_ND)
    assert found.head.gated
    assert np.mean(found.gap_N > 0) > 0.9
    linear = labels().with_gaps(train_ND[::2] - train_ND[1::2])
    groups = list(range(PAIRS))
    chosen = choose_l2(linear, groups, seed=0)
    assert 0.4 < np.mean(chosen.gap_N > 0) < 0.6


def test_without_an_interaction_the_head_stays_linear():
    found = fit(planted(flips=False, noise=3.0))
    assert not found.head.gated
    assert min(found.losses["linear"].values()) <= min(found.losses["gated"].values())
    assert np.mean(found.gap_N > 0) > 0.7


def test_swapping_responses_turns_the_difference_round():
    features_ND = planted(flips=True)
    head = fit(features_ND).head
    swapped_ND = features_ND.reshape(PAIRS, 2, -1)[:, ::-1].reshape(2 * PAIRS, -1)
    rewards_N, others_N = head.rewards(features_ND), head.rewards(swapped_ND)
    assert rewards_N[::2] - rewards_N[1::2] == pytest.approx(others_N[1::2] - others_N[::2])
    assert np.mean(rewards_N) == pytest.approx(0, abs=1e-9)


def test_a_given_strength_is_kept():
    found = fit(planted(flips=True), l2=50.0)
    assert found.l2 == 50.0
    assert {name: list(losses) for name, losses in found.losses.items()} == {
        "linear": [50.0],
        "gated": [50.0],
    }


def test_probabilities_hold_on_prompts_that_were_not_seen():
    found = fit(planted(flips=True, noise=3.0))
    fresh_ND = planted(flips=True, noise=3.0, seed=1)
    rewards_N = found.head.rewards(fresh_ND)
    gap_N = (rewards_N[::2] - rewards_N[1::2]) / fit_temperature(found.gap_N)
    assert np.mean(gap_N > 0) > 0.6
    assert expected_calibration_error(gap_N) < 0.1


def test_the_head_survives_its_file(tmp_path):
    features_ND = planted(flips=True)
    head = fit(features_ND).head
    save_file(score.head_arrays(head), tmp_path / score.HEAD)
    read = score.read_head(tmp_path)
    assert isinstance(read, GatedHead)
    assert np.array_equal(read.rewards(features_ND), head.rewards(features_ND))


def test_a_head_of_the_first_version_is_still_read(tmp_path):
    first = {"coefficients": np.array([1.0, -2.0]), "offset": np.array([0.5])}
    save_file(first, tmp_path / score.HEAD)
    features_ND = np.array([[1.0, 1.0], [0.0, 3.0]], dtype=np.float32)
    assert score.read_head(tmp_path).rewards(features_ND) == pytest.approx([-0.5, -5.5])


def test_a_head_of_a_later_version_is_refused(tmp_path):
    later = {"version": np.array([3]), "coefficients": np.zeros(2), "offset": np.zeros(1)}
    save_file(later, tmp_path / score.HEAD)
    with pytest.raises(ModelError, match="is of version 3; this Tandem reads versions up to 2"):
        score.read_head(tmp_path)


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_few_and_equal_texts_have_an_answer(pairs):
    features_ND = planted(flips=True)[: 2 * pairs]
    features_ND[1::2] = features_ND[::2]
    found = fit(features_ND)
    assert np.isfinite(found.head.rewards(features_ND)).all()
    assert found.gap_N == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("width", [5, 40, 60])
def test_components_are_those_of_a_singular_value_decomposition(width):
    """More columns than rows too, where the smaller matrix is that of the rows."""
    values_ND = np.random.default_rng(0).normal(size=(40, width)) * np.arange(1, width + 1)
    mean_D, axes_DM, deviation_M = _components(values_ND, 6)
    _, singular_M, right_MD = np.linalg.svd(values_ND - values_ND.mean(0), full_matrices=False)
    kept = min(6, width)
    assert mean_D == pytest.approx(values_ND.mean(0))
    assert deviation_M == pytest.approx(singular_M[:kept] / 40**0.5, rel=1e-4)
    assert np.abs(right_MD[:kept] @ axes_DM) == pytest.approx(np.eye(kept), abs=1e-3)
