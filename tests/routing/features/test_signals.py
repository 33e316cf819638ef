import numpy as np
import pytest

from routing.features import signals


def test_a_planted_bias_of_place_cancels() -> None:
    """A bias of .8 logits for the first place: the mean in logits is the true answer exactly."""
    truth = np.array([-2.0, -0.3, 0.0, 1.5])
    shown, swapped = (1 / (1 + np.exp(-(truth + bias))) for bias in (0.8, -0.8))
    assert signals.both_orders(shown, swapped) == pytest.approx(1 / (1 + np.exp(-truth)))
    assert (signals.swap_disagreement(shown, swapped) > 0).all()
    assert signals.swap_disagreement([0.7], [0.7]) == 0


def test_margins_turn_with_the_label() -> None:
    found = signals.towards_label([2.0, 2.0, 2.0], [1, -1, 0])
    assert found.tolist() == [2, -2, -2]


def test_spreads() -> None:
    assert signals.judge_spread([[1, 1, -1], [0, 1, 1]]).tolist() == pytest.approx([2 / 3, 1 / 3])
    assert np.isnan(signals.judge_spread([[1]])).all()
    assert signals.entropy([[0.5, 0.5], [1.0, 1.0], [0.9, 0.1]]) == pytest.approx(
        [1, 0, 1], abs=1e-9
    )
    mean, spread = signals.reward_margin([[[3.0, 1.0]], [[1.0, 2.0]]])
    assert mean == pytest.approx([0.5])
    assert spread == pytest.approx([np.std([2, -1], ddof=1)])
    assert np.isnan(signals.reward_margin([[[3.0, 1.0]]])[1]).all()
    assert signals.confidence([0.5, 1.0, 0.1]) == pytest.approx([0, 1, 0.8])
    assert signals.length_gap([90], [0]) == pytest.approx(np.log(10))
