"""A factor report as pages show it: odds, shares, what stands behind them."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.charts import Chart
from annotate.interval_chart import Line, interval_chart
from annotate.models import Judgement, Membership
from annotate.reports.quality import Rater, raters_of

CLEAR = 0.05  # false discovery rate
MOST_ODDS = 100
DIFFER = 0.01  # the chance of so much spread among people who are all alike

WORDS = {
    "length": gettext_lazy("Longer"),
    "headers": gettext_lazy("More headings"),
    "lists": gettext_lazy("More list items"),
    "bold": gettext_lazy("More in bold"),
    "code": gettext_lazy("More blocks of code"),
    "tables": gettext_lazy("More rows of tables"),
    "links": gettext_lazy("More links"),
    "emoji": gettext_lazy("More emoji"),
    "exclamations": gettext_lazy("More exclamation marks"),
    "numbers": gettext_lazy("More numbers"),
    "hedges": gettext_lazy("Hedges more (“perhaps”)"),
    "certain": gettext_lazy("Sounds surer (“certainly”)"),
    "first_person": gettext_lazy("Says “I” more"),
    "address": gettext_lazy("Says “you” more"),
    "refusal": gettext_lazy("Refuses"),
    "apology": gettext_lazy("Apologises"),
    "praise": gettext_lazy("Praises the question"),
    "asks": gettext_lazy("Ends with a question"),
    "other_language": gettext_lazy("In another language than the prompt"),
    "position": gettext_lazy("Shown first"),
}
LEFT_OUT = {
    "compares_nothing": gettext_lazy("answers that compare nothing"),
    "all_bad": gettext_lazy("answers that called every response bad"),
    "conversation": gettext_lazy("votes on whole conversations"),
}
SORTS = {
    "role": gettext_lazy("Role"),
    "tier": gettext_lazy("Tier"),
    "team": gettext_lazy("Team"),
}
NAMES = {**dict(Membership.Role.choices), **dict(Membership.Tier.choices)}


@dataclass(frozen=True)
class Odds:
    """By how much the odds of being chosen are multiplied; ends None where there is no interval."""

    odds: float
    low: float | None
    high: float | None
    differs: bool = False

    @property
    def words(self) -> str:
        return _factor(self.odds)

    @property
    def interval(self) -> str:
        """From and to; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"{_factor(self.low)} – {_factor(self.high)}"

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 1 out."""
        return self.low is not None and self.high is not None and (self.low > 1 or self.high < 1)


@dataclass(frozen=True)
class Row:
    """A factor's line of the table."""

    name: str
    words: str
    apart: int
    share: Mapping[str, Any]
    alone: Odds
    together: Odds
    within: Odds | None
    is_clear: bool
    people_differ: bool | None
    chosen: list[tuple[int, int]]
    rejected: list[tuple[int, int]]


@dataclass(frozen=True)
class Part:
    """A category, a group or a person with their odds by factor, in the table's order."""

    name: str
    ballots: int
    odds: list[Odds]
    sort: str = ""
    people: int | None = None
    rater: Rater | None = None


@dataclass(frozen=True)
class Shown:
    """What the page shows; `rows` by how far their odds are from even."""

    rows: list[Row]
    chart: Chart | None
    rare: list[str]
    categories: list[Part]
    groups: list[Part]
    people: list[Part]
    result: Mapping[str, Any]
    left_out: list[tuple[str, int]]


def shown(result: Mapping[str, Any]) -> Shown:
    """A few queries, for the names of people and the tasks behind examples."""
    factors = result["factors"]
    order = sorted(range(len(factors)), key=lambda at: -abs(factors[at]["together"]["effect"]))
    tasks = _tasks(result)
    rows = [_row(factors[at], tasks) for at in order]

    def odds(found: list[Mapping[str, Any]]) -> list[Odds]:
        return [odds_of(found[at]) for at in order]

    raters = raters_of([_who(*one["author"]) for one in result["people"]])
    return Shown(
        rows,
        _chart(rows) if rows else None,
        [str(WORDS[name]) for name in result["rare"]],
        [Part(one["name"], one["ballots"], odds(one["effects"])) for one in result["categories"]],
        [
            Part(
                str(NAMES.get(one["name"], one["name"])) if one["sort"] != "team" else one["name"],
                one["ballots"],
                odds(one["effects"]),
                sort=str(SORTS[one["sort"]]),
                people=one["people"],
            )
            for one in result["groups"]
        ],
        [
            Part(rater.name, one["ballots"], odds(one["effects"]), rater=rater)
            for one, rater in zip(result["people"], raters, strict=True)
        ],
        result,
        [(str(LEFT_OUT[name]), count) for name, count in result["left_out"].items() if count],
    )


def odds_of(effect: Mapping[str, Any]) -> Odds:
    """Log odds as odds."""
    low, high = effect["low"], effect["high"]
    return Odds(
        _odds(effect["effect"]),
        None if low is None else _odds(low),
        None if high is None else _odds(high),
        effect.get("differs", False),
    )


def _factor(value: float) -> str:
    """Two places; what is beyond a hundred, either way, is no more than said to be so."""
    if value > MOST_ODDS:
        return f"> {number_format(MOST_ODDS)}"
    if value < 1 / MOST_ODDS:
        return f"< {number_format(1 / MOST_ODDS, 2)}"
    return str(number_format(value, 2))


def _odds(effect: float) -> float:
    return math.exp(min(50.0, max(-50.0, effect)))


def _row(one: Mapping[str, Any], tasks: Mapping[int, int]) -> Row:
    spread_p = one["spread_p"]
    sides = [
        [(pk, tasks[pk]) for pk in one["examples"][side] if pk in tasks]
        for side in ("chosen", "rejected")
    ]
    return Row(
        one["name"],
        str(WORDS[one["name"]]),
        one["apart"],
        one["share"],
        odds_of(one["alone"]),
        odds_of(one["together"]),
        odds_of(one["within"]) if one["within"] else None,
        one["q"] < CLEAR,
        None if spread_p is None else spread_p < DIFFER,
        *sides,
    )


def _tasks(result: Mapping[str, Any]) -> dict[int, int]:
    """The task of each judgement that is an example."""
    ids = {pk for one in result["factors"] for side in one["examples"].values() for pk in side}
    return dict(Judgement.objects.filter(pk__in=ids).values_list("pk", "task_id"))


def _who(sort: str, value: object) -> dict[str, object]:
    """As reports on quality name who judged."""
    if sort == "person":
        return {"user": value}
    return (
        {"judge": value} if sort == "judge" else {"imported": value if sort == "imported" else ""}
    )


def _chart(rows: list[Row]) -> Chart:
    def log(value: float | None) -> float | None:
        return None if value is None else math.log(value)

    lines = [
        Line(row.words, math.log(row.together.odds), log(row.together.low), log(row.together.high))
        for row in rows
    ]
    return interval_chart(
        _("What each factor does beside all others, with 95 % intervals"),
        lines,
        label=_("Factor"),
        unit=_("Log odds"),
    )


def as_csv(result: Mapping[str, Any]) -> str:
    """Every effect as one table, numbers unrounded; people are left to the page."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["of", "name", "ballots", "factor", "effect", "low", "high"])

    def write(of: str, name: str, ballots: int, effects: list[Mapping[str, Any] | None]) -> None:
        plain = f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
        for factor, one in zip(names, effects, strict=True):
            if one is not None:
                line = [of, plain, ballots, factor, one["effect"], one["low"], one["high"]]
                table.writerow(line)

    names = [one["name"] for one in result["factors"]]
    for way in ("alone", "together", "within"):
        ballots = result["within_ballots" if way == "within" else "ballots"]
        write(way, "", ballots, [one[way] for one in result["factors"]])
    for one in result["categories"]:
        write("category", one["name"], one["ballots"], one["effects"])
    for one in result["groups"]:
        write(one["sort"], one["name"], one["ballots"], one["effects"])
    return text.getvalue()
