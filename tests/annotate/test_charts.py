"""The drawings are checked as XML: a chart that a browser cannot read is no chart."""

import base64
import csv
import io
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from annotate.charts import MAX_POINTS, Series, bar_chart, line_chart, nice_ticks, number, thin

FINITE = st.floats(-1e9, 1e9, allow_nan=False)


@given(low=FINITE, spread=st.floats(1e-6, 1e9))
def test_ticks_enclose_the_values_in_equal_steps(low: float, spread: float) -> None:
    high = low + spread
    ticks = nice_ticks(low, high)
    step = ticks[1] - ticks[0]
    slack = step * 1e-6
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 8
    assert all(b - a == pytest.approx(step, rel=1e-3) for a, b in pairwise(ticks))


def test_large_numbers_fit_beside_the_axis() -> None:
    with translation.override("de"):
        far = line_chart("Loss", [Series("loss", [(0, 0), (1, 1.8e16)])], x_label="step").svg
        near = line_chart("N", [Series("n", [(0, 12_000_000), (1, 12_001_000)])], x_label="x").svg
    labels = [one.text for one in ET.fromstring(far).iter("text")]
    assert {"0", "5·10¹⁵", "1·10¹⁶"} < set(labels)
    assert "1,20005·10⁷" in [one.text for one in ET.fromstring(near).iter("text")]


def test_equal_values_still_have_an_axis() -> None:
    assert len(nice_ticks(0, 0)) >= 2
    assert len(nice_ticks(7, 7)) >= 2


def test_bars_have_heights_in_proportion() -> None:
    chart = bar_chart("Judgements", [("Mon", 10), ("Tue", 5), ("Wed", 0)], unit="judgements")
    bars = [r for r in ET.fromstring(chart.svg).iter("rect")]
    heights = [float(bar.get("height")) for bar in bars]
    assert len(bars) == 3
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.05)
    assert heights[2] == 0
    assert chart.rows == [("Mon", "10"), ("Tue", "5"), ("Wed", "0")]


def test_names_are_escaped() -> None:
    chart = bar_chart("<script>", [('<b>"x', 1)], unit="rows")
    assert "<script>" not in chart.svg
    assert ET.fromstring(chart.svg).get("aria-label") == "<script>"


def test_a_line_goes_down_when_the_loss_does() -> None:
    series = Series("Loss", [(1, 0.8), (2, 0.6), (3, 0.4)])
    chart = line_chart("Loss", [series], x_label="Step")
    (line,) = ET.fromstring(chart.svg).iter("polyline")
    points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
    xs, ys = zip(*points, strict=True)
    assert xs == (0, 500, 1000)
    assert ys[0] < ys[1] < ys[2]
    assert chart.legend == ()


def test_not_a_number_is_left_out() -> None:
    chart = line_chart("Loss", [Series("Loss", [(1, 0.5), (2, float("nan"))])], x_label="Step")
    assert chart.rows == [("1", "0.5")]


def test_no_points_draw_an_empty_chart() -> None:
    assert line_chart("Loss", [Series("Loss", [])], x_label="Step").rows == []
    assert bar_chart("None", [], unit="rows").rows == []


@given(st.lists(FINITE, max_size=2000))
def test_thinning_keeps_the_mean_and_the_end(values: list[float]) -> None:
    points = [(float(i), y) for i, y in enumerate(values)]
    thinned = thin(points)
    assert len(thinned) <= MAX_POINTS
    assert not points or thinned[-1][0] == points[-1][0]
    if points and len(points) <= MAX_POINTS:
        assert thinned == points


def test_the_download_is_the_table() -> None:
    chart = bar_chart("N", [("a,b", 1), ("é", 2)], unit="rows", label="Name")
    data = base64.b64decode(chart.csv_link.split(",", 1)[1]).decode()
    assert list(csv.reader(io.StringIO(data))) == [["Name", "rows"], ["a,b", "1"], ["é", "2"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234, "1,234"), (12.34, "12.3"), (0.04567, "0.0457"), (250.4, "250"), (-3, "-3")],
)
def test_numbers_read_well(value: float, text: str) -> None:
    assert number(value) == text


def test_intervals_are_drawn_as_a_band_and_stand_in_the_table() -> None:
    series = Series("Error", [(0, 2.0), (1, 1.0)], [(1.0, 3.0), (0.5, 1.5)], is_banded=True)
    other = Series("Chance", [(0, 2.0)])
    chart = line_chart("Error", [series, other], x_label="Share", mark=0.25)
    drawn = ET.fromstring(chart.svg)
    (band,) = drawn.iter("polygon")
    xs = [float(p.split(",")[0]) for p in band.get("points").split()]
    assert xs == [0, 1000, 1000, 0]
    ys = [float(p.split(",")[1]) for p in band.get("points").split()]
    assert ys[0] > ys[3]  # the lower end stands lower
    (mark,) = (line for line in drawn.iter("line") if line.get("class") == "mark")
    assert (mark.get("x1"), mark.get("x2")) == ("250", "250")
    assert chart.header == ("Share", "Error", "Error, from", "to", "Chance")
    assert chart.rows == [("0", "2", "1", "3", "2"), ("1", "1", "0.5", "1.5", "")]


def test_a_mark_outside_is_not_drawn() -> None:
    chart = line_chart("Loss", [Series("Loss", [(0, 1), (1, 2)])], x_label="Step", mark=2)
    assert "mark" not in chart.svg
