"""Tasks, for those who review: what is asked, of how many, and how far it is.

Annotators get no lists: generator names, gold values and other people's seats would bias them.
"""

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples, schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.bulk import change_many, many_of, read_ids, results_of
from annotate.api.paging import answer_page
from annotate.api.query_parameters import integer_parameter, read_integer, refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.models import Seat, Task
from annotate.reports.tasks import SHOW, filter_tasks
from annotate.seat_numbers import id_of, number_of
from annotate.services.work.held_seats import release_seats
from annotate.services.work.requirements import set_skills

SHOWS = [one for one in SHOW if one]
FILTERS = [
    OpenApiParameter("show", str, enum=SHOWS, description="As on the page of tasks."),
    OpenApiParameter("route", str, enum=Task.Route.values, description="Who is to judge it."),
    integer_parameter(
        "person",
        "The id of who judged it; with show=skipped, ties or first: of who declined or said so.",
    ),
]


class ChangeOfTask(schema.TaskChange):
    id = s.IntegerField(min_value=0)


class TaskList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_tasks", parameters=FILTERS, responses=schema.TaskPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's tasks, oldest first, narrowed down as the page of tasks is."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, ["show", "route", "person", "cursor", "page_size"])
        show, route = (request.query_params.get(name, "") for name in ("show", "route"))
        if show:
            clean_choice("show", show, SHOWS)
        if route:
            clean_choice("route", route, Task.Route.values)
        person = read_integer(request, "person", None)
        rows = filter_tasks(project, show=show, route=route, person=person)
        return answer_page(request, rows, task_summary)

    @extend_schema(
        operation_id="change_tasks",
        examples=[
            examples.request({"items": [{"id": 31, "skills": ["law"]}, {"id": 32, "skills": []}]})
        ],
        request=many_of(ChangeOfTask, "TasksChange"),
        responses=results_of(schema.TaskSummary, "TasksChanged"),
    )
    def patch(self, request: Request, project_id: int) -> Response:
        """Say which skills many tasks ask for, up to 500: all of them, or none."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        address = request.META.get("REMOTE_ADDR") or None

        def change(number: int, fields: dict) -> Task:
            task = get_object_or_404(project.tasks, pk=number)
            return set_skills(task=task, actor=request.user, address=address, **fields)

        known = ("skills",)
        changed = change_many(request, key="id", known=known, required=known, change=change)
        return Response({"results": [task_summary(one) for one in changed]})


class SeatOfMany(s.Serializer):
    id = s.IntegerField(min_value=0)


class SeatReleased(schema.SeatSummary):
    released = s.BooleanField(
        help_text="False where nobody held it, of hidden checks and seats of norming."
    )


class SeatsRelease(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="release_seats",
        examples=[examples.request({"items": [{"id": 31}, {"id": 32}]})],
        request=many_of(SeatOfMany, "SeatsRelease"),
        responses=results_of(SeatReleased, "SeatsReleased"),
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Give what people hold to others, up to 500 seats: all that are held, or none.

        Whoever is at one may still submit it.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        found = release_seats(
            project=project,
            seat_ids=[id_of(number) for number in read_ids(request)],
            actor=request.user,
            address=request.META.get("REMOTE_ADDR") or None,
        )
        rows = [{**seat_summary(one.seat), "released": one.released} for one in found]
        return Response({"results": rows})


class TaskDetail(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_task", responses=schema.Task)
    def get(self, request: Request, task_id: int) -> Response:
        """One task with its content and seats."""
        tasks = Task.objects.select_related("prompt")
        task = access.get_in_project(request.user, tasks, task_id, access.REVIEW)
        more = {name: of for name, of in DETAILS.items() if self.asks_for(name)}
        return Response({**task_summary(task), **{name: of(task) for name, of in more.items()}})

    @extend_schema(
        operation_id="change_task",
        examples=[examples.request({"skills": ["law"]})],
        request=schema.TaskChange,
        responses=schema.TaskSummary,
    )
    def patch(self, request: Request, task_id: int) -> Response:
        """Say which skills whoever judges the task must have. Who holds it keeps it."""
        task = access.get_in_project(request.user, Task.objects.all(), task_id, access.MANAGE)
        body = read_body(request, known={"skills"}, required=["skills"])
        task = set_skills(
            task=task,
            actor=request.user,
            skills=body["skills"],
            address=request.META.get("REMOTE_ADDR") or None,
        )
        return Response(task_summary(task))


def task_summary(task: Task) -> dict:
    return {
        "id": task.pk,
        "prompt": task.prompt_id,
        "overlap": task.overlap,
        "priority": task.priority,
        "stratum": task.stratum,
        "skills": task.skills,
        "tier": task.tier,
        "route": task.route,
        "created_at": task.created_at,
    }


def seat_summary(seat: Seat) -> dict:
    return {
        "id": number_of(seat.pk),
        "number": seat.number,
        "state": seat.state,
        "annotator": seat.annotator.pseudonym if seat.annotator else None,
        "lease_until": seat.leased_until if seat.state == Seat.State.LEASED else None,
    }


def _prompt(task: Task) -> dict:
    prompt = task.prompt
    return {
        "system": prompt.system,
        "conversation": prompt.conversation,
        "language": prompt.language,
        "passages": prompt.passages,
    }


def _responses(task: Task) -> list[dict]:
    places = task.places.select_related("response").order_by("position")
    return [
        {
            "id": place.response.pk,
            "content": place.response.content,
            "generator": place.response.generator,
            "generator_version": place.response.generator_version,
        }
        for place in places
    ]


def _seats(task: Task) -> list[dict]:
    seats = task.seats.select_related("annotator").order_by("number")
    return [seat_summary(seat) for seat in seats]


# What one task tells beside its summary. Responses and seats cost a query each.
DETAILS: dict[str, Callable[[Task], Any]] = {
    "prompt": _prompt,
    "context": lambda task: task.context,
    "responses": _responses,
    "gold": lambda task: task.gold,
    "seats": _seats,
}


urlpatterns = [
    path("projects/<int:project_id>/tasks/", TaskList.as_view(), name="api_tasks"),
    path(
        "projects/<int:project_id>/seats/release/",
        SeatsRelease.as_view(),
        name="api_release_seats",
    ),
    path("tasks/<int:task_id>/", TaskDetail.as_view(), name="api_task"),
]
