"""Values with their intervals, one line each: drawn on the server, with the table behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from annotate.charts import Chart, nice_ticks, number

MOST_TICKS = 6


@dataclass(frozen=True)
class Line:
    """A named value; no interval where one end of it is None."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def interval_chart(title: str, lines: Sequence[Line], *, label: str, unit: str) -> Chart:
    """A dot and a bar from `low` to `high` for each line, in order. `label` heads the names.

    Names are text beside the drawing, so that long ones wrap. An interval that is far wider than
    all values lie apart runs out of the picture.
    """
    values = [line.value for line in lines]
    width = max(values, default=1.0) - min(values, default=0.0) or 1.0
    ends = [
        end
        for line in lines
        for end in (line.low, line.high)
        if end is not None and abs(end - line.value) <= 3 * width
    ]
    ticks = _ticks(min([*values, *ends], default=0.0), max([*values, *ends], default=1.0))

    def place(value: float) -> str:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return f"{100 * min(1.0, max(0.0, share)):.2f}%"

    grid = format_html_join(
        "",
        '<line class="grid-line" x1="{0}" x2="{0}" y1="0" y2="100%"/>',
        ((place(t),) for t in ticks),
    )
    rows = format_html_join(
        "",
        '<span class="interval-name" dir="auto">{}</span>'
        '<svg class="interval">{}{}<circle cx="{}" cy="50%" r="4"><title>{}</title></circle></svg>',
        (
            (
                line.name,
                grid,
                format_html(
                    '<line class="whisker" x1="{}" x2="{}" y1="50%" y2="50%"/>',
                    place(line.low),
                    place(line.high),
                )
                if line.low is not None and line.high is not None
                else "",
                place(line.value),
                _told(line),
            )
            for line in lines
        ),
    )
    below = format_html_join(
        "",
        '<text class="tick" x="{}" y="14" text-anchor="{}">{}</text>',
        ((place(t), _anchor(at, len(ticks)), number(t)) for at, t in enumerate(ticks)),
    )
    return Chart(
        title=title,
        svg=format_html(
            '<div class="intervals" role="img" aria-label="{}">{}<span></span>'
            '<svg class="interval-ticks">{}</svg></div>',
            title,
            rows,
            below,
        ),
        header=(label, unit, _("from"), _("to")),
        rows=[(line.name, number(line.value), _end(line.low), _end(line.high)) for line in lines],
    )


def _ticks(low: float, high: float) -> list[float]:
    """As close around the values as MOST_TICKS have room on a phone: ratings have no zero."""
    fine = nice_ticks(low, high, MOST_TICKS - 1)
    return fine if len(fine) <= MOST_TICKS else nice_ticks(low, high)


def _told(line: Line) -> str:
    if line.low is None or line.high is None:
        return f"{line.name}: {number(line.value)}"
    return f"{line.name}: {number(line.value)} ({number(line.low)} – {number(line.high)})"


def _end(value: float | None) -> str:
    return "–" if value is None else number(value)


def _anchor(at: int, count: int) -> str:
    return "start" if at == 0 else "end" if at == count - 1 else "middle"
