import re

import pytest

from annotate.interval_chart import Line, interval_chart


def drawn(*lines: Line):
    return interval_chart("Ratings", lines, label="Model", unit="Rating")


def test_dots_and_whiskers_stand_where_their_values_are() -> None:
    chart = drawn(Line("a", 10, 0, 20), Line("b", 0, -20, 20))
    assert re.findall(r'cx="([\d.]+)%"', chart.svg) == ["75.00", "50.00"]
    assert re.findall(r'whisker" x1="([\d.]+)%" x2="([\d.]+)%"', chart.svg) == [
        ("50.00", "100.00"),
        ("0.00", "100.00"),
    ]
    assert chart.header == ("Model", "Rating", "from", "to")
    assert chart.rows == [("a", "10", "0", "20"), ("b", "0", "-20", "20")]


def test_without_an_interval_there_is_the_dot_alone() -> None:
    chart = drawn(Line("<a>", 5), Line("b", 6))
    assert "whisker" not in chart.svg
    assert "&lt;a&gt;" in chart.svg
    assert chart.rows[0] == ("<a>", "5", "–", "–")


def test_an_interval_without_end_leaves_the_others_their_room() -> None:
    chart = drawn(Line("a", 10, 9, 11), Line("b", 12, 11, 13), Line("c", 11, -5000, 5000))
    ticks = [float(one) for one in re.findall(r"<text[^>]*>([\d.,]+)<", chart.svg)]
    assert (min(ticks), max(ticks)) == (9, 13)
    assert 'x1="0.00%" x2="100.00%" y1="50%"' in chart.svg


@pytest.mark.parametrize(
    ("low", "high", "ends"), [(466, 1364, (400, 1400)), (506, 1470, (500, 1500)), (-3, 3, (-4, 4))]
)
def test_ratings_have_no_zero_to_start_at(low, high, ends) -> None:
    chart = drawn(Line("a", low), Line("b", high))
    told = re.findall(r"<text[^>]*>([\d.,-]+)<", chart.svg)
    ticks = [float(one.replace(",", "")) for one in told]
    assert (min(ticks), max(ticks)) == ends
    assert len(ticks) <= 6


@pytest.mark.parametrize("lines", [(), (Line("a", 3.0),)])
def test_nothing_and_a_single_value_can_be_drawn(lines) -> None:
    assert len(drawn(*lines).rows) == len(lines)
