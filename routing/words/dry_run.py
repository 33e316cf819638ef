"""What a judge said in a dry run, in the words of a page: with the letters of the task's page."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotate.interchange.renaming import named_value
from annotate.kinds import critique, ranking, rating, spans
from annotate.kinds.rating import RatingSettings
from annotate.kinds.span_settings import SpansSettings
from annotate.models import Project, TaskResponse
from annotate.pages.reasons import in_words
from annotate.wording import Told
from routing.services.asked import Asked, asked_of

Lettered = Mapping[int, "Shown"]  # by response id, in the task's order


@dataclass(frozen=True)
class Shown:
    """A response as the page tells it: by its letter, with who wrote it and its parts."""

    letter: str
    maker: str
    content: list[dict[str, Any]]


def answers_shown(project: Project, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The report's items, each with `said`: its answer, a line for each response or mark, or ""
    where there is none. One query.
    """
    tasks = [item["task"] for item in report["items"]]
    shown: dict[int, dict[int, Shown]] = {}
    places = TaskResponse.objects.filter(task__in=tasks).order_by("task", "position")
    columns = ("task", "response", "response__generator", "response__content")
    for task, pk, maker, content in places.values_list(*columns):
        of_task = shown.setdefault(task, {})
        of_task[pk] = Shown(chr(ord("A") + len(of_task)), maker, content)
    asked = asked_of(project)
    return [
        {
            **item,
            "said": _said(asked, item["value"], shown.get(item["task"], {})),
            "why_not": _why_not(item),
        }
        for item in report["items"]
    ]


def _why_not(item: Mapping[str, Any]) -> str:
    """Reports that were made before there were words for it have the English text alone."""
    text = item["why_not"]
    return in_words(Told.from_dict(item["told"]) if item.get("told") else Told(text))


def _said(asked: Asked, value: dict[str, Any] | None, shown: Lettered) -> str:
    if value is None:
        return ""
    if value.get("preferred") is not None:
        return _preferred(value["preferred"], shown)
    if asked.kind == ranking.NAME and "tiers" in value:
        return " > ".join(" = ".join(_letter(pk, shown) for pk in tier) for tier in value["tiers"])
    if asked.kind == rating.NAME and "ratings" in value:
        return "\n".join(_ratings(value, asked.settings, shown))
    if asked.kind == critique.NAME and "responses" in value:
        return "\n".join(_critiques(value, shown))
    if asked.kind == spans.NAME and "marks" in value:
        return "\n".join(_marks(value, asked.settings, shown)) or _("No error marked")
    return json.dumps(_named(asked, value, shown), ensure_ascii=False)


def _preferred(pk: int, shown: Lettered) -> str:
    if pk not in shown:  # the response is not of the task any more
        return _("A response that is gone")
    words = _("Response %(letter)s") % {"letter": shown[pk].letter}
    return f"{words} ({shown[pk].maker})" if shown[pk].maker else words


def _letter(pk: int, shown: Lettered) -> str:
    return shown[pk].letter if pk in shown else "?"


def _ratings(value: Mapping[str, Any], settings: RatingSettings, shown: Lettered) -> Iterator[str]:
    """A line for each response: "A: Helpful 4, True yes"."""
    titles = {one.name: one.title or one.name for one in settings.criteria}
    for pk, rated in value["ratings"].items():
        each = (
            f"{titles.get(name, name)} {'–' if said is None else said}"
            for name, said in rated.items()
        )
        yield f"{_letter(int(pk), shown)}: {', '.join(each)}"


def _critiques(value: Mapping[str, Any], shown: Lettered) -> Iterator[str]:
    for pk, said in value["responses"].items():
        if said.get("critique"):
            yield f"{_letter(int(pk), shown)}: {said['critique']}"


def _marks(value: Mapping[str, Any], settings: SpansSettings, shown: Lettered) -> Iterator[str]:
    """A line for each mark: what it quotes, its type, and why."""
    titles = {one.name: one.title or one.name for one in settings.types}
    for mark in value["marks"]:
        kind = titles.get(mark["type"], mark["type"])
        about = ", ".join(filter(None, [kind, mark.get("severity"), mark.get("note")]))
        quote = _quoted(mark, shown)
        yield f"{_letter(mark['response'], shown)}: “{quote}” – {about}"


def _quoted(mark: Mapping[str, Any], shown: Lettered) -> str:
    """What it marks; "…" where the response is gone or has no such part any more."""
    parts = shown[mark["response"]].content if mark["response"] in shown else []
    if mark.get("part", 0) >= len(parts):
        return "…"
    return str(parts[mark.get("part", 0)].get("text", "…"))[mark["start"] : mark["end"]]


def _named(asked: Asked, value: dict[str, Any], shown: Lettered) -> dict[str, Any]:
    """With letters for ids; as it is where a response is gone."""
    letters = {pk: one.letter for pk, one in shown.items()}
    try:
        return named_value(asked.kind, value, letters, asked.settings)
    except KeyError:
        return value
