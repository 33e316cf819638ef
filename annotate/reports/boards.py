"""A leaderboard as pages show it: a category's table, chart, pairs and effects of style."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.charts import Chart
from annotate.interval_chart import Line, interval_chart

# Strengths in points as Elo (1978) has them: 400 of them are odds of ten to one.
POINTS = 400 / math.log(10)
MIDDLE = 1000
MOST_IN_MAP = 25
MOST_IN_CHART = 40
SHADES = 10  # from nothing to everything; even is none

STYLE_WORDS = {
    "length": gettext_lazy("Longer"),
    "headers": gettext_lazy("More headings"),
    "lists": gettext_lazy("More list items"),
    "bold": gettext_lazy("More in bold"),
    "code": gettext_lazy("More blocks of code"),
    "position": gettext_lazy("Shown first"),
}
LEFT_OUT = {
    "compares_nothing": gettext_lazy("answers that compare nothing"),
    "unnamed_model": gettext_lazy("with a response that names no model"),
    "same_model": gettext_lazy("with two responses of one model"),
    "worst_of_many": gettext_lazy("of ten or more responses, of which the best alone counts"),
}


@dataclass(frozen=True)
class Cell:
    """The row's model against the column's: its share of the win, ties as halves."""

    first: int
    second: int
    share: float | None
    wins: int
    ties: int
    count: int

    @property
    def shade(self) -> str:
        """A class of the stylesheet: how far from even, and to which side."""
        if self.share is None:
            return ""
        steps = round(abs(self.share - 0.5) * SHADES)
        return f"heat-{'good' if self.share > 0.5 else 'bad'}-{steps}" if steps else ""


@dataclass(frozen=True)
class Standing:
    """One category's board, with style taken out or not."""

    category: str
    styled: bool
    has_style: bool
    rows: list[dict[str, Any]]
    length: float | None  # what one usual difference in it does to the odds
    effects: list[dict[str, Any]]
    tie_share: float | None
    clusters: int
    chart: Chart | None
    heat: list[tuple[dict[str, Any], list[Cell | None]]]
    shortened: int


def standing(result: Mapping[str, Any], category: str = "", styled: bool = False) -> Standing:
    """What of a board's result is asked for; of an unknown category that of all votes."""
    category = category if category in result["boards"] else ""
    boards = result["boards"][category]
    styled = styled and "style" in boards
    board = boards["style" if styled else "plain"]
    even = boards.get("length")
    rate_of = {one["model"]: one for one in even["rows"]} if even else {}
    rows = [
        {**_row(row, result["models"]), "even": rate_of.get(row["model"])} for row in board["rows"]
    ]
    return Standing(
        category=category,
        styled=styled,
        has_style="style" in boards,
        rows=rows,
        length=math.exp(even["effect"]["effect"] * math.tanh(1)) if even else None,
        effects=[_effect(one) for one in board["effects"]],
        tie_share=_tie_share(board["tie_odds"]),
        clusters=board["clusters"],
        chart=_chart(rows[:MOST_IN_CHART]) if rows else None,
        heat=_heat(rows[:MOST_IN_MAP], result["pairs"][category]),
        shortened=max(0, len(rows) - MOST_IN_MAP),
    )


def as_csv(result: Mapping[str, Any]) -> str:
    """Every board of the result as one table, numbers unrounded."""
    text = io.StringIO()
    table = csv.writer(text)
    names = ("strength", "low", "high", "rank", "best", "worst", "votes", "wins", "losses", "ties",
             "bad")  # fmt: skip
    rate = ("rate", "low", "high")
    table.writerow(
        ["category", "style", "model", *names, *(f"length_controlled_{name}" for name in rate)]
    )
    for category, boards in result["boards"].items():
        even = {one["model"]: one for one in boards.get("length", {"rows": []})["rows"]}
        for variant in [name for name in ("plain", "style") if name in boards]:
            for row in boards[variant]["rows"]:
                model = result["models"][row["model"]]
                said = [_as_text(one) for one in (category, variant, model)]
                controlled = even.get(row["model"], dict.fromkeys(rate))
                table.writerow(
                    [*said, *(row[name] for name in names), *(controlled[name] for name in rate)]
                )
    return text.getvalue()


def _as_text(value: str) -> str:
    """A spreadsheet takes what begins like this for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _row(row: Mapping[str, Any], models: list[str]) -> dict[str, Any]:
    compared = row["wins"] + row["losses"] + row["ties"]
    return {
        **row,
        "name": models[row["model"]],
        "rating": MIDDLE + POINTS * row["strength"],
        "from": None if row["low"] is None else MIDDLE + POINTS * row["low"],
        "to": None if row["high"] is None else MIDDLE + POINTS * row["high"],
        "win_share": (row["wins"] + row["ties"] / 2) / compared if compared else None,
        "bad_share": row["bad"] / (row["bad"] + row["votes"]),
    }


def _effect(one: Mapping[str, Any]) -> dict[str, Any]:
    """As odds, and in points."""
    return {
        "words": STYLE_WORDS[one["name"]],
        "points": POINTS * one["effect"],
        "from": None if one["low"] is None else POINTS * one["low"],
        "to": None if one["high"] is None else POINTS * one["high"],
        "clear": one["low"] is not None and one["low"] * one["high"] > 0,
    }


def _tie_share(odds: list[float]) -> float | None:
    """Of two equal models; None where ties are halves or there are none of two."""
    if not odds:
        return None
    tie = math.exp(odds[0])
    return tie / (2 + tie)


def _chart(rows: list[dict[str, Any]]) -> Chart:
    lines = [Line(row["name"], row["rating"], row["from"], row["to"]) for row in rows]
    return interval_chart(
        _("Ratings with their 95 % intervals"), lines, label=_("Model"), unit=_("Rating")
    )


def _heat(
    rows: list[dict[str, Any]], pairs: list[list[int]]
) -> list[tuple[dict[str, Any], list[Cell | None]]]:
    """For each row's model its cell against each of the others; None against itself."""
    said = {}
    for first, second, won, lost, ties in pairs:
        said[first, second], said[second, first] = (won, lost, ties), (lost, won, ties)

    def cell(first: int, second: int) -> Cell | None:
        if first == second:
            return None
        won, lost, ties = said.get((first, second), (0, 0, 0))
        count = won + lost + ties
        return Cell(first, second, (won + ties / 2) / count if count else None, won, ties, count)

    return [(row, [cell(row["model"], other["model"]) for other in rows]) for row in rows]
