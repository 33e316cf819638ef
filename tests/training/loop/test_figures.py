from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.loop.figures import RoundFigures, WinRate, header, line, standard_error, win_rate


def by_length(prompt: str, text: str) -> float:
    return float(len(text))


def test_win_rate_of_a_worked_example() -> None:
    # Prompt 1: "aaa" beats both, "a" ties one and loses one: (1 + 1 + .5 + 0) / 4 = .625.
    # Prompt 2: 0 of 1.
    found = win_rate(["p", "q"], [["aaa", "a"], ["b"]], [["x", "xx"], ["bb"]], by_length)
    assert found.rate == pytest.approx((0.625 + 0) / 2)
    assert found.gain == pytest.approx(((2 - 1.5) + (1 - 2)) / 2)
    assert found.prompts == 2


@given(st.lists(st.lists(st.text(max_size=5), min_size=2, max_size=2), min_size=1, max_size=20))
def test_against_itself_a_policy_wins_half(samples: list[list[str]]) -> None:
    found = win_rate(["p"] * len(samples), samples, samples, by_length)
    assert found.rate == pytest.approx(0.5)
    assert found.gain == pytest.approx(0)
    assert found.low <= found.rate <= found.high


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=50))
def test_standard_error_is_the_textbook_one(values: list[float]) -> None:
    assert standard_error(values) == pytest.approx(stdev(values) / len(values) ** 0.5, abs=1e-9)


def test_uneven_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="1 prompts, 2"):
        win_rate(["p"], [["a"], ["b"]], [["a"]], by_length)
    with pytest.raises(ValueError, match="no sample"):
        win_rate(["p"], [[]], [["a"]], by_length)


def test_the_table_lines_up_and_says_what_is_unknown() -> None:
    policy = WinRate(64, 0.612, 0.55, 0.67, 0.41)
    first = line(RoundFigures(1, 540, 0, 0, None, None, 0.7, (0.6, 0.8), 120, policy, 141.6))
    later = line(RoundFigures(2, 90, 102, 20, 0.85, 0.9, 0.7, (0.6, 0.8), 150, policy, 99.0))
    assert len(first) == len(later) == len(header())
    assert "– (0)" in first
    assert "61.2 % [55, 67] n=64" in later
