"""Agreement of rankings, by hand and against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, kendalltau, rankdata

from annotate.quality.concordance import kendall_tau_b, kendall_w, mean_ranks

RANKS = st.integers(3, 7).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 4), min_size=n, max_size=n), min_size=3, max_size=6)
)


def test_by_hand():
    """Of six pairs four agree, one disagrees, one is tied in the second: 3 / sqrt(6 * 5)."""
    assert kendall_tau_b([1, 2, 3, 4], [1, 3, 2, 3]) == pytest.approx(3 / 30**0.5)
    assert kendall_tau_b([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau_b([1, 1], [1, 2]) is None
    # Rank sums 4, 5, 9 about 6: S 14; one tie of two in the third: W = 168 / (9 * 24 - 3 * 6).
    assert kendall_w([[1, 2, 3], [1, 2, 3], [2, 1, 3]]) == pytest.approx(12 * 14 / (9 * 24))
    assert kendall_w([[1, 2, 3], [2, 1, 3], [1, 1, 3]]) == pytest.approx(
        12 * (0.75 + 0.75 + 1.5) * 4.5 / (9 * 24 - 3 * 6)
    )
    assert kendall_w([[1, 2, 3]] * 4) == 1
    assert kendall_w([[1, 1], [2, 2]]) is None
    assert kendall_w([]) is None
    with pytest.raises(ValueError, match="rankings of 2 and 3 options"):
        kendall_tau_b([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="different lengths"):
        kendall_w([[1, 2], [1, 2, 3]])


@given(RANKS)
def test_against_scipy(rankings):
    """W is Friedman's statistic over m (n - 1), with ties too."""
    size, options = len(rankings), len(rankings[0])
    tau = kendall_tau_b(rankings[0], rankings[1])
    wanted = kendalltau(rankings[0], rankings[1]).statistic
    assert (tau is None) == bool(np.isnan(wanted))
    if tau is not None:
        assert tau == pytest.approx(wanted)
    assert mean_ranks(rankings[0]) == list(rankdata(rankings[0]))
    found = kendall_w(rankings)
    if any(len(set(ranking)) > 1 for ranking in rankings):
        friedman = friedmanchisquare(*np.array(rankings).T).statistic
        assert found == pytest.approx(friedman / (size * (options - 1)))
    else:
        assert found is None
