"""The rows behind the figures of a report on quality: answers, and items that several answered."""

from datetime import date
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from annotate.access import REVIEW, get_project
from annotate.kinds.sayings import Saying
from annotate.models import Judgement, Project, Task, Voices
from annotate.pages.answer_words import pair_words
from annotate.pages.consensus_words import about_words, question_words
from annotate.pages.paging import number_in
from annotate.pages.review_words import said_in_words, sayings_of
from annotate.reports.behind_figures import CHECKS, HABITS, Asked, Behind, Compared, has_answered
from annotate.reports.consensus import letters_of
from annotate.reports.quality import raters_of, standing

LONGEST = 200  # characters of a text in the address
MOST_SAID = 6  # things that one answer says
HABIT_WORDS = {
    "timed": gettext_lazy("with a time"),
    "hasty": gettext_lazy("answered in haste"),
    "chose": gettext_lazy("one response was chosen"),
    "first": gettext_lazy("the response shown first was chosen"),
    "numbers": gettext_lazy("with four ratings or more"),
    "flat": gettext_lazy("all ratings alike"),
    "run": gettext_lazy("a run of equal answers"),
    "texts": gettext_lazy("with words"),
    "repeated": gettext_lazy("words that come again"),
    "shared": gettext_lazy("words that others wrote too"),
    "known": gettext_lazy("where the answer is known"),
    "aided": gettext_lazy("of people who were shown what judges suggest"),
}
CHECK_WORDS = {
    "without": gettext_lazy("without hidden items"),
    "only": gettext_lazy("hidden items alone"),
}


@login_required
@require_safe
def quality_answers(request: HttpRequest, project_id: int) -> HttpResponse:
    """The answers that the report counted, or those that came since; the oldest first."""
    project = get_project(request.user, project_id, REVIEW)
    asked, run = _asked(request), standing(project).report
    rows, after = (
        Behind(project, run, asked).answers(number_in(request, "after") or 0) if run else ([], None)
    )
    letters = letters_of([row.task_id for row in rows])
    names = {one.key: one.name for one in raters_of(_raters(rows))}
    shown = [
        {
            "row": row,
            "who": names[_key(row)],
            "said": _said(row, letters.get(row.task_id, {})),
            "first": letters.get(row.task_id, {}).get(row.shown_order[0], "")
            if row.shown_order
            else "",
        }
        for row in rows
    ]
    context = {"rows": shown, "run": run, **_frame(request, project, asked, after)}
    return render(request, "annotate/projects/quality_answers.html", context)


@login_required
@require_safe
def quality_items(request: HttpRequest, project_id: int) -> HttpResponse:
    """What two or more answered, with what each said, in the order of the tasks."""
    project = get_project(request.user, project_id, REVIEW)
    asked, run = _asked(request, Voices.HUMAN.value), standing(project).report
    items, after = (
        Behind(project, run, asked).items(number_in(request, "after") or 0) if run else ([], None)
    )
    ids = sorted({item.task for item in items})
    tasks = Task.objects.select_related("prompt").in_bulk(ids)
    letters = letters_of(ids)
    raters = {str(who): who for item in items for _, who, _ in item.said}
    names = dict(zip(raters, (one.name for one in raters_of(list(raters.values()))), strict=True))
    shown = [
        {
            "task": tasks[item.task],
            "about": about_words(item.about, letters.get(item.task, {})),
            "said": [
                (names[str(who)], _in_words(told, letters.get(item.task, {})))
                for _, who, told in item.said
            ],
            "equal": _is_equal(item),
        }
        for item in items
    ]
    context = {"rows": shown, "run": run, **_frame(request, project, asked, after)}
    return render(request, "annotate/projects/quality_items.html", context)


def _asked(request: HttpRequest, usual: str = "") -> Asked:
    """What the address asks for, as far as it makes sense; `usual` are the voices without."""
    given = {name: value[:LONGEST].replace("\x00", "") for name, value in request.GET.items()}
    voices, habit, checks = (given.get(name, "") for name in ("voices", "habit", "checks"))
    return Asked(
        voices=voices if voices in Voices.values else usual,
        rater=given.get("rater", ""),
        other=given.get("other", ""),
        habit=habit if habit in HABITS else "",
        checks=checks if checks in CHECKS else "",
        since=number_in(request, "since"),
        until=number_in(request, "until"),
        question=given.get("question"),
        stratum=given.get("stratum"),
        language=given.get("language"),
        first=_day(given.get("first", "")),
        last=_day(given.get("last", "")),
        new=given.get("new") == "1",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _frame(
    request: HttpRequest, project: Project, asked: Asked, after: int | None
) -> dict[str, object]:
    kept = {name: value for name, value in request.GET.items() if name != "after"}
    return {
        "project": project,
        "tab": "quality",
        "asked": asked,
        "narrowed": _narrowed(project, asked),
        "next_page": urlencode({**kept, "after": after}) if after else None,
        "first_page": urlencode(kept) if request.GET.get("after") else None,
    }


def _narrowed(project: Project, asked: Asked) -> list[str]:
    """In words, what the list is narrowed down to."""
    who = [_rater(project, one) for one in (asked.rater, asked.other) if one]
    days = [date_format(one, "SHORT_DATE_FORMAT") for one in (asked.first, asked.last) if one]
    return [
        *([str(Voices(asked.voices).label)] if asked.voices else []),
        *([_("since the report")] if asked.new else []),
        *([question_words(asked.question)] if asked.question else []),
        *([_("answered by %(who)s") % {"who": _(" and ").join(who)}] if who else []),
        *([str(HABIT_WORDS[asked.habit])] if asked.habit else []),
        *([str(CHECK_WORDS[asked.checks])] if asked.checks else []),
        *(
            [_("stratum %(name)s") % {"name": asked.stratum or "–"}]
            if asked.stratum is not None
            else []
        ),
        *(
            [_("language %(name)s") % {"name": asked.language or "–"}]
            if asked.language is not None
            else []
        ),
        *([_("last answered on %(days)s") % {"days": " – ".join(days)}] if days else []),
    ]


def _rater(project: Project, key: str) -> str:
    """The name of who answered here; of anybody else, whose name is not this project's, the key."""
    if not has_answered(project, key):
        return key
    sort, _colon, value = key.partition(":")
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else 0
    known = {"user": number, "judge": number}.get(sort, value)
    return raters_of([{sort if sort in ("user", "judge") else "imported": known}])[0].name


def _key(row: Judgement) -> str:
    if row.judge_id is not None:
        return f"judge:{row.judge_id}"
    return f"user:{row.annotator_id}" if row.annotator_id else f"imported:{row.imported_author}"


def _raters(rows: list[Judgement]) -> list[dict[str, object]]:
    """As a report names them, each once."""
    found: dict[str, dict[str, object]] = {}
    for row in rows:
        sort, _colon, value = _key(row).partition(":")
        found[_key(row)] = {sort: value if sort == "imported" else int(value)}
    return list(found.values())


def _said(row: Judgement, letters: dict[int, str]) -> str:
    """Such as "B, much better"; of what is asked besides, what comes first."""
    return pair_words(row, letters) or _in_words(sayings_of(row, list(letters)), letters)


def _in_words(sayings: list[Saying], letters: dict[int, str]) -> str:
    told = [
        ": ".join(filter(None, (question_words(one.question), said_in_words(one, letters))))
        if len(sayings) > 1
        else said_in_words(one, letters)
        for one in sayings[:MOST_SAID]
    ]
    return "; ".join([*told, *(["…"] if len(sayings) > MOST_SAID else [])])


def _is_equal(item: Compared) -> bool:
    """Whether all say the same of it."""
    return all(told == item.said[0][2] for _, _, told in item.said)


urlpatterns = [
    path("projects/<int:project_id>/quality/answers/", quality_answers, name="quality_answers"),
    path("projects/<int:project_id>/quality/items/", quality_items, name="quality_items"),
]
