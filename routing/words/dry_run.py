"""What a judge said in a dry run, in the words of a page: with the letters of the task's page."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from annotate.interchange.renaming import named_value
from annotate.models import Project, TaskResponse
from annotate.pages.reasons import in_words
from annotate.wording import Told
from routing.services.asked import asked_of

Names = Mapping[int, str]  # response id -> letter


def answers_shown(project: Project, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The report's items, each with `said`: its answer, or "" where there is none. One query."""
    tasks = [item["task"] for item in report["items"]]
    letters: dict[int, dict[int, str]] = {}
    makers: dict[int, str] = {}
    places = TaskResponse.objects.filter(task__in=tasks).order_by("task", "position")
    for task, pk, maker in places.values_list("task", "response", "response__generator"):
        of_task = letters.setdefault(task, {})
        of_task[pk] = chr(ord("A") + len(of_task))
        makers[pk] = maker
    return [
        {
            **item,
            "said": _said(project, item["value"], letters.get(item["task"], {}), makers),
            "why_not": _why_not(item),
        }
        for item in report["items"]
    ]


def _why_not(item: Mapping[str, Any]) -> str:
    """Reports that were made before there were words for it have the English text alone."""
    text = item["why_not"]
    return in_words(Told.from_dict(item["told"]) if item.get("told") else Told(text))


def _said(
    project: Project, value: dict[str, Any] | None, letters: Names, makers: Mapping[int, str]
) -> str:
    if value is None:
        return ""
    preferred = value.get("preferred")
    if preferred is not None:
        letter = letters.get(preferred)
        if letter is None:  # the response is not of the task any more
            return _("A response that is gone")
        words = _("Response %(letter)s") % {"letter": letter}
        maker = makers[preferred]
        return f"{words} ({maker})" if maker else words
    if "tiers" in value:
        tiers = [" = ".join(letters.get(pk, "?") for pk in tier) for tier in value["tiers"]]
        return " > ".join(tiers)
    return json.dumps(_named(project, value, letters), ensure_ascii=False)


def _named(project: Project, value: dict[str, Any], letters: Names) -> dict[str, Any]:
    """With letters for ids; as it is where a response is gone."""
    try:
        asked = asked_of(project)
        return named_value(asked.kind, value, letters, asked.settings)
    except KeyError:
        return value
