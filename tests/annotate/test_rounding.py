"""Numbers that people read: two significant digits, no exponents, "about 0"."""

import pytest
from django.utils import translation

from annotate.rounding import rounded
from annotate.templatetags.reading import figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-6e-06, "about 0"),
        (0.000499, "about 0"),
        (0.0005, "0.0005"),
        (0, "0"),
        (-0.00456, "-0.0046"),
        (0.0996, "0.1"),
        (0.999, "1"),
        (0.123456, "0.12"),
        (9.96, "10"),
        (12.34, "12"),
        (99.6, "100"),
        (1234.5, "1234"),
        (1e20, "100000000000000000000"),
        (float("inf"), "inf"),
    ],
)
def test_two_digits_and_no_exponent(value, text) -> None:
    assert rounded(value) == text


def test_signs_and_more_digits() -> None:
    assert [rounded(x, signed=True) for x in (0.5, -0.5, 300.0)] == ["+0.5", "-0.5", "+300"]
    assert rounded(0.69315, digits=3) == "0.693"


def test_in_the_readers_language() -> None:
    assert (figure(-6e-06), figure(None), figure(0.0457)) == ("about 0", "–", "0.046")
    with translation.override("de"):
        assert (figure(-6e-06), figure(0.0457)) == ("etwa 0", "0,046")
