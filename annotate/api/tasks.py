"""Tasks, for those who review: what is asked, of how many, and how far it is.

Annotators get no lists: generator names, gold values and other people's seats would bias them.
"""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.api import schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.models import Seat, Task
from annotate.services.work.requirements import set_skills


class TaskList(APIView):
    @extend_schema(operation_id="list_tasks", responses=schema.TaskPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's tasks, oldest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return answer_page(request, project.tasks.all(), task_summary)


class TaskDetail(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_task", responses=schema.Task)
    def get(self, request: Request, task_id: int) -> Response:
        """One task with its content and seats."""
        tasks = Task.objects.select_related("prompt")
        task = access.get_in_project(request.user, tasks, task_id, access.REVIEW)
        places = task.places.select_related("response").order_by("position")
        seats = task.seats.select_related("annotator").order_by("number")
        return Response(
            {
                **task_summary(task),
                "prompt": {
                    "system": task.prompt.system,
                    "conversation": task.prompt.conversation,
                    "language": task.prompt.language,
                    "passages": task.prompt.passages,
                },
                "context": task.context,
                "responses": [
                    {
                        "id": place.response.pk,
                        "content": place.response.content,
                        "generator": place.response.generator,
                        "generator_version": place.response.generator_version,
                    }
                    for place in places
                ],
                "gold": task.gold,
                "seats": [seat_summary(seat) for seat in seats],
            }
        )

    @extend_schema(
        operation_id="change_task", request=schema.TaskChange, responses=schema.TaskSummary
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
        "id": seat.pk,
        "number": seat.number,
        "state": seat.state,
        "annotator": seat.annotator.pseudonym if seat.annotator else None,
        "lease_until": seat.leased_until if seat.state == Seat.State.LEASED else None,
    }


urlpatterns = [
    path("projects/<int:project_id>/tasks/", TaskList.as_view(), name="api_tasks"),
    path("tasks/<int:task_id>/", TaskDetail.as_view(), name="api_task"),
]
