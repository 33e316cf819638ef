import numpy as np
import pytest
from mpmath import erfc, log, mp, mpf, npdf, sqrt
from scipy.special import log_ndtr

from annotate.ranking.truncated import pair_information, truncated

POINTS = [-1e4, -60.0, -38.0, -9.0, -5.01, -5.0, -4.99, -1.3, 0.0, 0.7, 5.0, 12.0, 40.0]


@pytest.mark.parametrize("x", POINTS)
def test_v_w_and_log_phi_are_those_of_sixty_digits(x: float) -> None:
    with mp.workdps(60):
        phi = erfc(-mpf(x) / sqrt(mpf(2))) / 2
        v = npdf(mpf(x)) / phi
        wanted = [float(v), float(1 - v * (v + mpf(x))), float(log(phi))]
    found = [float(one) for one in truncated(np.array(x))]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-300)


def test_log_phi_is_scipys_over_a_whole_range() -> None:
    x = np.linspace(-50, 50, 2001).reshape(3, -1)
    assert truncated(x)[2] == pytest.approx(log_ndtr(x), rel=1e-12, abs=1e-300)


def test_information_of_a_pair_is_the_expected_cut_of_variance() -> None:
    t = np.linspace(-9.9, 9.9, 777)
    cut = np.zeros_like(t)
    for sign in (1, -1):
        _, rest, log_phi = truncated(sign * t)
        cut += np.exp(log_phi) * (1 - rest)
    assert pair_information(t) == pytest.approx(cut, abs=2e-6)
    assert pair_information(np.array([0.0]))[0] == pytest.approx(2 / np.pi)
    assert pair_information(np.array([1e9]))[0] == 0
