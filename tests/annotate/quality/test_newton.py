"""Newton's method settles where the function is highest, from wherever it begins."""

import numpy as np
import pytest

from annotate.quality.newton import Local, NotSettled, climb


def hill(offset: float = 0.0):
    """-log cosh: plain Newton steps run away from it beyond 1.09."""

    def local(at: np.ndarray) -> Local:
        x = at[0]
        far = np.exp(-2 * np.abs(x))
        value = offset - (np.abs(x) + np.log1p(far) - np.log(2))
        slope, curve = -np.tanh(x), 4 * far / (1 + far) ** 2
        return Local(float(value), np.array([slope]), np.array([[curve]]))

    return local


@pytest.mark.parametrize("start", [0.0, 0.5, 3.0, -9.0])
@pytest.mark.parametrize("offset", [0.0, 1e9])  # there a gain of 1e-7 is lost to rounding
def test_steps_that_overshoot_are_halved(start, offset) -> None:
    top, _ = climb(hill(offset), np.array([start]), at_rest=1e-3)
    assert top == pytest.approx([0.0], abs=1e-6)


def test_a_parabola_takes_one_step_and_its_curve_comes_back() -> None:
    curve, where = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([3.0, -1.0])

    def local(at: np.ndarray) -> Local:
        apart = at - where
        return Local(float(-0.5 * apart @ curve @ apart), -curve @ apart, curve)

    top, before = climb(local, np.zeros(2), at_rest=1e-9)
    assert top == pytest.approx(where)
    assert before.curve_PP is curve


def test_without_a_top_it_says_so() -> None:
    with pytest.raises(NotSettled, match="200 steps"):
        climb(lambda at: Local(float(at[0]), np.ones(1), np.eye(1)), np.zeros(1), at_rest=1e-3)


def test_nothing_to_choose_is_settled_at_once() -> None:
    top, _ = climb(lambda at: Local(0.0, at, np.zeros((0, 0))), np.zeros(0), at_rest=1e-3)
    assert top.shape == (0,)
