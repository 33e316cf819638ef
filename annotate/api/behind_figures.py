"""The rows behind the figures of a report on quality, over REST: answers, and compared items."""

from typing import Any

from django.urls import path
from django.utils.dateparse import parse_date
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import quality_schema as schema
from annotate.api.interchange import judgement_row
from annotate.api.paging import MOST, wrong_cursor
from annotate.api.quality import next_page, rater_names
from annotate.api.query_parameters import (
    flag_parameter,
    integer_parameter,
    read_flag,
    read_integer,
    refuse_unknown,
)
from annotate.api.views import APIView
from annotate.inputs import InvalidValue, clean_choice
from annotate.kinds.sayings import Label, Order, Saying
from annotate.models import Project, QualityRun, Voices
from annotate.reports.behind_figures import CHECKS, HABITS, Asked, Behind, Compared, key_of
from annotate.reports.quality import standing

CHOICES = {"voices": Voices.values, "habit": HABITS, "checks": CHECKS}
RATER = "Whose: a pseudonym or a judge, as the report names them."
CHECKED = "Hidden items: left out, or they alone."
ANSWERS = {
    "voices": "Whose answers; everybody's without.",
    "rater": RATER,
    "habit": "What this figure counts; `repeated` and `shared` go with `rater`.",
    "checks": CHECKED,
}
ITEMS = {
    "voices": "Whose answers (default human).",
    "question": "As the report names it, empty for what the kind asks first; whole tasks without.",
    "rater": RATER,
    "other": "With `rater`: what both answered.",
    "stratum": "Only tasks of this stratum.",
    "language": "Only tasks whose prompt is in this language.",
    "first": "Only tasks whose latest answer is of this day (UTC) or later.",
    "last": "Of this day or earlier.",
    "checks": CHECKED,
}
PAGING = ("cursor", "page_size")  # which the document adds by itself


def _parameters(texts: dict[str, str]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, str, description=text, enum=CHOICES.get(name))
        for name, text in texts.items()
    ]


class QualityAnswers(APIView):
    @extend_schema(
        operation_id="list_quality_answers",
        parameters=[
            *_parameters(ANSWERS),
            integer_parameter("since", "The first id of a judgement."),
            integer_parameter("until", "The last one."),
            flag_parameter("new", "1: what came after the report, whether it will count or not."),
        ],
        responses=schema.QualityAnswerPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """The answers that the latest report on quality counted, as it counted them."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, (*ANSWERS, "since", "until", "new", *PAGING))
        given, run = _given(request, project, ANSWERS)
        asked = Asked(
            **given,
            since=read_integer(request, "since", None),
            until=read_integer(request, "until", None),
            new=read_flag(request, "new"),
        )
        after, size = _place(request)
        rows, beyond = Behind(project, run, asked).answers(after, size) if run else ([], None)
        return Response(
            {"next": next_page(request, beyond), "results": [judgement_row(row) for row in rows]}
        )


class QualityItems(APIView):
    @extend_schema(
        operation_id="list_quality_items",
        parameters=_parameters(ITEMS),
        responses=schema.QualityItemPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """What two or more answered, with what each said: behind the figures of agreement.

        `page_size` counts tasks, each with all of its items.
        """
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, (*ITEMS, *PAGING))
        given, run = _given(request, project, ITEMS)
        days = {name: _day(name, given.pop(name, None)) for name in ("first", "last")}
        asked = Asked(**{"voices": Voices.HUMAN.value, **given}, **days)
        after, size = _place(request)
        items, beyond = Behind(project, run, asked).items(after, size) if run else ([], None)
        return Response(
            {"next": next_page(request, beyond), "results": _item_bodies(project, items)}
        )


def _given(
    request: Request, project: Project, known: dict[str, str]
) -> tuple[dict[str, Any], QualityRun | None]:
    """The parameters, raters by their keys; and the report."""
    given = {name: request.query_params[name] for name in known if name in request.query_params}
    for name, choices in CHOICES.items():
        if name in given:
            clean_choice(name, given[name], choices)
    run = standing(project).report
    there = run.report["voices"] if run and run.report else {}
    keys = {
        name: key_of(who)
        for found in there.values()
        for who, name in zip(found["who"], rater_names(project, found["who"]), strict=True)
    }
    for name in ("rater", "other"):
        if name in given:
            if given[name] not in keys:
                raise InvalidValue(name, "is nobody of whom the latest report on quality tells")
            given[name] = keys[given[name]]
    return given, run


def _day(name: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        day = parse_date(text)
    except ValueError:  # well formed, but no such day
        day = None
    if day is None:
        raise InvalidValue(name, "must be a day such as 2030-01-31")
    return day


def _place(request: Request) -> tuple[int, int]:
    try:
        after = read_integer(request, "cursor", 0)
    except InvalidValue as error:
        raise wrong_cursor() from error
    size = read_integer(request, "page_size", 50, low=1, high=MOST)
    return after or 0, size or 50


def _item_bodies(project: Project, items: list[Compared]) -> list[dict[str, Any]]:
    raters = {key_of(who): who for item in items for _, who, _ in item.said}
    names = dict(zip(raters, rater_names(project, list(raters.values())), strict=True))
    return [
        {
            "task": item.task,
            "about": item.about,
            "answers": [
                {
                    "judgement": judgement,
                    "rater": names[key_of(who)],
                    "says": [_saying_body(one) for one in told],
                }
                for judgement, who, told in item.said
            ],
        }
        for item in items
    ]


def _saying_body(one: Saying) -> dict[str, Any]:
    if isinstance(one, Label):
        return {"question": one.question, "about": one.about, "label": one.value}
    if isinstance(one, Order):
        return {"question": one.question, "order": one.tiers, "rest": one.rest}
    marks = {str(part): list(marks) for part, marks in one.marks.items()}
    return {"question": one.question, "response": one.response, "marks": marks}


urlpatterns = [
    path(
        "projects/<int:project_id>/quality/answers/",
        QualityAnswers.as_view(),
        name="api_quality_answers",
    ),
    path(
        "projects/<int:project_id>/quality/items/",
        QualityItems.as_view(),
        name="api_quality_items",
    ),
]
