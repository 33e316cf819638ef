"""Kappas against worked examples and scikit-learn."""

import warnings
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from annotate.quality.agreement import count_units, krippendorff_alpha
from annotate.quality.kappa import cohen_kappa, fleiss_kappa


def test_cohen_s_kappa_by_hand():
    """20 both yes, 15 both no, 5 and 10 apart: (.7 - .5) / (1 - .5)."""
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    assert cohen_kappa(pairs) == pytest.approx(0.4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30))
@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohen_s_kappa_is_scikit_learn_s(weights, pairs):
    found = cohen_kappa(pairs, weights=weights, order=range(4))
    if not pairs or len({label for pair in pairs for label in pair}) < 2:
        assert found is None
        return
    first, second = zip(*pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wanted = cohen_kappa_score(first, second, weights=weights, labels=range(4))
    assert found == pytest.approx(wanted)


def test_a_label_outside_the_order_is_refused():
    with pytest.raises(ValueError, match="order: 'c' was given"):
        cohen_kappa([("a", "c")], weights="linear", order=["a", "b"])


def test_fleiss_kappa_of_a_worked_example():
    """Ten subjects, fourteen raters, five categories: P .378, P_e .213, kappa .210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    units = count_units([k for k, n in enumerate(row) for _ in range(n)] for row in table)
    assert fleiss_kappa(units) == pytest.approx(0.210, abs=0.0005)


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=3, max_size=3), max_size=15))
def test_fleiss_kappa_differs_from_alpha_by_its_correction_for_few_labels(units):
    """alpha = kappa + (1 - kappa) / (labels given), where no label is missing."""
    counted = count_units(units)
    alpha = krippendorff_alpha(counted)
    kappa = fleiss_kappa(counted)
    if alpha is None:
        assert kappa is None
    else:
        assert alpha == pytest.approx(kappa + (1 - kappa) / (3 * len(units)))


def test_fleiss_kappa_wants_as_many_labels_everywhere():
    with pytest.raises(ValueError, match=r"units: \[2, 3\] labels an item"):
        fleiss_kappa(count_units([["a", "b"], ["a", "b", "b"]]))
    with pytest.raises(ValueError, match=r"units: \[1\] labels"):
        fleiss_kappa(Counter({("a",): 4}))
    assert fleiss_kappa({}) is None
