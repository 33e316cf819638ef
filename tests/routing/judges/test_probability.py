import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.judges.probability import both_orders, logit, of_letters, of_samples, sigmoid
from routing.judges.quoting import mark_of, quoted


@settings(max_examples=50)
@given(st.floats(-6, 6), st.floats(-6, 6))
def test_a_position_bias_is_taken_out_exactly(margin, bias) -> None:
    p, found = both_orders(sigmoid(margin + bias), sigmoid(-margin + bias))
    assert logit(p) == pytest.approx(margin, abs=1e-6)
    assert found == pytest.approx(bias, abs=1e-6)


def test_averaging_probabilities_would_not() -> None:
    """The mean of P(first better) over both orders is off wherever margin and bias are not 0."""
    forward, backward = sigmoid(2 + 0.8), 1 - sigmoid(-2 + 0.8)
    assert abs((forward + backward) / 2 - sigmoid(2)) > 0.01


def test_letters_are_renormalised_and_their_mass_told() -> None:
    top = [("A", math.log(0.5)), (" B", math.log(0.2)), ("B", math.log(0.1)), ("x", math.log(0.2))]
    p, mass = of_letters(top)
    assert (p, mass) == (pytest.approx(0.5 / 0.8), pytest.approx(0.8))


def test_a_letter_that_is_not_listed_has_at_most_the_least_probability_listed() -> None:
    p, mass = of_letters([("A", math.log(0.9)), ("x", math.log(0.1))])
    assert (p, mass) == (pytest.approx(0.9), pytest.approx(0.9))
    assert of_letters([("a", -0.1), ("x", -3.0)]) is None


@pytest.mark.parametrize(
    ("votes", "p"), [({True: 1}, 0.75), ({}, 0.5), ({True: 3, False: 1}, 0.7), ({False: 9}, 0.05)]
)
def test_samples_are_smoothed(votes, p) -> None:
    """(n + 1/2) / (N + 1), by hand."""
    assert of_samples(votes) == pytest.approx(p)


@settings(max_examples=25)
@given(st.lists(st.text(), min_size=1, max_size=3))
def test_no_text_can_close_its_quotation(texts) -> None:
    mark = mark_of(texts)
    assert not any(mark in text for text in texts)
    assert quoted("X", texts[0], mark).count(mark) == 2
    assert mark == mark_of(list(texts))
