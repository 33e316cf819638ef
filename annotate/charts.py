"""Charts drawn on the server as SVG, each with the table it was drawn from.

Horizontal places are percent and vertical ones pixels, so a chart fits every width without
scaling its letters. Colours, and the room for the labels on the left, come from CSS
(`static/css/charts.css`).
"""

import csv
import io
import math
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

TOP, HEIGHT = 8, 168  # pixels; `.chart-svg` in the CSS has room for the labels below
MAX_POINTS = 300
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Series:
    """A named line. Points are (x, y) by ascending x; a y that is not finite is left out.

    `bounds` gives each point its interval (low, high): drawn as a band if `is_banded`, and always
    in the table. Such a series has at most MAX_POINTS finite points.
    """

    name: str
    points: Sequence[tuple[float, float]]
    bounds: Sequence[tuple[float, float]] = ()
    is_banded: bool = False


@dataclass(frozen=True)
class Chart:
    """A drawn chart. `header` and `rows` are its table; `csv_link` downloads that table."""

    title: str
    svg: SafeString
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    legend: tuple[str, ...] = ()

    @property
    def csv_link(self) -> str:
        """The table as a `data:` address."""
        text = io.StringIO()
        csv.writer(text).writerows([self.header, *self.rows])
        return f"data:text/csv;charset=utf-8;base64,{b64encode(text.getvalue().encode()).decode()}"


def bar_chart(
    title: str, bars: Sequence[tuple[str, float]], *, unit: str, label: str = ""
) -> Chart:
    """One bar for each (name, value >= 0), in order. `unit` is what is counted."""
    ticks = nice_ticks(0, max((value for _, value in bars), default=0))
    slot = 100 / max(1, len(bars))
    marks = format_html_join(
        "",
        '<rect class="bar" x="{}%" y="{}" width="{}%" height="{}" rx="2"><title>{}: {} {}</title>'
        "</rect>",
        (
            (
                _short(i * slot + slot * 0.12),
                _short(_y(value, ticks)),
                _short(slot * 0.76),
                _short(TOP + HEIGHT - _y(value, ticks)),
                name,
                number(value),
                unit,
            )
            for i, (name, value) in enumerate(bars)
        ),
    )
    names = [(slot * (i + 0.5), name) for i, (name, _) in enumerate(bars)]
    return Chart(
        title=title,
        svg=_svg(title, ticks, marks, _thinned(names)),
        header=(label or _("When"), unit),
        rows=[(name, number(value)) for name, value in bars],
    )


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    x_format: Callable[[float], str] | None = None,
    mark: float | None = None,
) -> Chart:
    """Lines over one x axis. Long series are thinned to MAX_POINTS by the mean of buckets.

    `mark`: an x that a line from top to bottom points out, if it lies within the chart.
    """
    x_format = x_format or number
    kept = [
        s if s.bounds else Series(s.name, thin([p for p in s.points if math.isfinite(p[1])]))
        for s in series
    ]
    xs = [x for s in kept for x, _ in s.points]
    ys = [y for s in kept for _, y in s.points]
    ys += [y for s in kept if s.is_banded for bound in s.bounds for y in bound]
    ticks = nice_ticks(min(ys, default=0), max(ys, default=1))
    low, high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    return Chart(
        title=title,
        svg=_svg(
            title, ticks, _lines(kept, ticks, low, high, mark), _x_labels(low, high, x_format)
        ),
        header=(x_label, *(name for s in kept for name in _columns(s))),
        rows=_table(kept, x_format),
        legend=tuple(s.name for s in kept) if len(kept) > 1 else (),
    )


def thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most MAX_POINTS points: means of equal runs of neighbours."""
    size = math.ceil(len(points) / MAX_POINTS) or 1
    runs = [points[i : i + size] for i in range(0, len(points), size)]
    return [(run[-1][0], math.fsum(y for _, y in run) / len(run)) for run in runs]


def nice_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers in steps of 1, 2 or 5 × 10ⁿ that enclose low and high."""
    size = max(abs(low), abs(high))
    if high - low <= size * 1e-9:
        high = low + (size or 1)
    raw = (high - low) / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def number(value: float) -> str:
    """Short and exact enough to read, by locale: 1,234 · 12.3 · 0.0457."""
    if value == 0 or (abs(value) >= 1 and float(value).is_integer()):
        return str(number_format(f"{value:.0f}", force_grouping=True))
    if abs(value) >= 100:
        return str(number_format(f"{value:.0f}", force_grouping=True))
    return str(number_format(f"{value:.3g}"))


def _tick(value: float) -> str:
    """Of the axis, whose room is narrow: from ten million on as 2·10¹⁶."""
    if abs(value) < 1e7:
        return number(value)
    digits, power = f"{value:.9e}".split("e")
    raised = str(int(power)).translate(SUPERSCRIPTS)
    return f"{number_format(digits.rstrip('0').rstrip('.'))}·10{raised}"


def _svg(
    title: str, ticks: list[float], marks: SafeString, x_labels: list[tuple[float, str]]
) -> SafeString:
    y_labels = format_html_join(
        "",
        '<text class="tick y" x="0" y="{}">{}</text>',
        ((_short(_y(t, ticks) + 4), _tick(t)) for t in ticks),
    )
    grid = format_html_join(
        "",
        '<line class="grid-line" x1="0" x2="100%" y1="{0}" y2="{0}"/>',
        ((_short(_y(t, ticks)),) for t in ticks),
    )
    below = format_html_join(
        "",
        '<text class="tick{}" x="{}%" y="{}" text-anchor="{}">{}</text>',
        (
            (" minor" if i % 4 else "", _short(x), TOP + HEIGHT + 18, _anchor(x), name)
            for i, (x, name) in enumerate(x_labels)
        ),
    )
    return format_html(
        '<div class="chart-svg" role="img" aria-label="{}">'
        '<svg class="y-axis">{}</svg><svg class="plot">{}{}{}</svg></div>',
        title,
        y_labels,
        grid,
        marks,
        below,
    )


def _lines(
    kept: list[Series], ticks: list[float], low: float, high: float, mark: float | None
) -> SafeString:
    """The lines in a nested drawing of 1000 units width that stretches with the chart."""
    spread = (high - low) or 1

    def place(x: float, y: float) -> str:
        return f"{_short((x - low) / spread * 1000)},{_short(_y(y, ticks) - TOP)}"

    bands = format_html_join(
        "",
        '<polygon class="band series-{}" points="{}"/>',
        (
            (i, " ".join(place(x, y) for x, y in _outline(s)))
            for i, s in enumerate(kept)
            if s.is_banded
        ),
    )
    marks = format_html_join(
        "",
        '<line class="mark" x1="{0}" x2="{0}" y1="0" y2="{1}" vector-effect="non-scaling-stroke"/>',
        ((_short((x - low) / spread * 1000), HEIGHT) for x in (mark,) if x is not None)
        if mark is not None and low <= mark <= high
        else (),
    )
    paths = format_html_join(
        "",
        '<polyline class="line series-{}" points="{}" vector-effect="non-scaling-stroke"/>',
        (
            (
                i,
                " ".join(place(x, y) for x, y in s.points),
            )
            for i, s in enumerate(kept)
        ),
    )
    return format_html(
        '<svg y="{}" width="100%" height="{}" viewBox="0 0 1000 {}" preserveAspectRatio="none"'
        ' overflow="visible">{}{}{}</svg>',
        TOP,
        HEIGHT,
        HEIGHT,
        bands,
        paths,
        marks,
    )


def _outline(series: Series) -> list[tuple[float, float]]:
    """Along the lower ends of the intervals and back along the upper ones."""
    both = list(zip(series.points, series.bounds, strict=True))
    return [(x, low) for (x, _), (low, _) in both] + [
        (x, high) for (x, _), (_, high) in reversed(both)
    ]


def _y(value: float, ticks: list[float]) -> float:
    return TOP + HEIGHT * (1 - (value - ticks[0]) / (ticks[-1] - ticks[0]))


def _x_labels(low: float, high: float, x_format: Callable[[float], str]) -> list[tuple[float, str]]:
    places = [low + (high - low) * i / 4 for i in range(5)]
    labels = [(25.0 * i, x_format(place)) for i, place in enumerate(places)]
    return [labels[0], *(b for a, b in pairwise(labels) if a[1] != b[1])]


def _thinned(names: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """About five of them, evenly spread."""
    every = math.ceil(len(names) / 5) or 1
    return names[::every]


def _anchor(percent: float) -> str:
    return "start" if percent < 4 else "end" if percent > 96 else "middle"


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _columns(series: Series) -> tuple[str, ...]:
    if not series.bounds:
        return (series.name,)
    return series.name, _("%(name)s, from") % {"name": series.name}, _("to")


def _table(kept: list[Series], x_format: Callable[[float], str]) -> list[tuple[str, ...]]:
    width = sum(len(_columns(s)) for s in kept)
    by_x: dict[float, list[str]] = {}
    column = 0
    for s in kept:
        cells: list[tuple[str, ...]] = [(number(y),) for _, y in s.points]
        if s.bounds:
            cells = [
                (number(y), number(low), number(high))
                for (_, y), (low, high) in zip(s.points, s.bounds, strict=True)
            ]
        for (x, *_rest), cell in zip(s.points, cells, strict=True):
            by_x.setdefault(x, [""] * width)[column : column + len(cell)] = cell
        column += len(_columns(s))
    return [(x_format(x), *row) for x, row in sorted(by_x.items())]
