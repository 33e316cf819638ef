"""Known answers, the rules of work, and how people stand with them. For managers."""

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import gold_schema as schema
from annotate.api.bodies import PlainJSONParser, read_body, read_id
from annotate.api.bulk import change_many, many_of, results_of
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.query_parameters import integer_parameter, refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.models import GoldItem, Membership, Project, Task, WorkRules
from annotate.reports.gold import LEAST, Checked, checked_people, proposals
from annotate.services.people import standing
from annotate.services.work import gold


class GoldView(APIView):
    parser_classes = [PlainJSONParser]


class GoldOfTask(schema.GoldRequest):
    task = s.IntegerField(min_value=0)


class GoldList(GoldView):
    @extend_schema(
        operation_id="list_gold",
        parameters=[OpenApiParameter("use", str, enum=GoldItem.Use.values)],
        responses=schema.GoldPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """The known answers, oldest first, also those that are not used any more."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        tasks = Task.objects.filter(project=project, gold_item__isnull=False)
        if "use" in request.query_params:
            use = clean_choice("use", request.query_params["use"], GoldItem.Use.values)
            tasks = tasks.filter(gold_item__use=use)
        return answer_page(request, _with_checks(tasks), _item_body)

    @extend_schema(
        operation_id="set_gold_of_tasks",
        examples=[
            examples.request(
                {
                    "items": [
                        {
                            "task": 31,
                            "value": {"verdict": "prefer", "preferred": 104},
                            "use": "hidden",
                            "explanation": "The other answer names the wrong river.",
                        }
                    ]
                }
            )
        ],
        request=many_of(GoldOfTask, "GoldOfTasks"),
        responses=results_of(schema.GoldItem, "GoldOfTasksSet"),
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Set the known answers of many tasks, up to 500: all of them, or none."""
        project = access.get_project(request.user, project_id, access.MANAGE)

        def change(number: int, fields: dict) -> GoldItem:
            task = get_object_or_404(project.tasks.select_related("project"), pk=number)
            return gold.set_gold(task=task, actor=request.user, **fields)

        items = change_many(
            request,
            key="task",
            known={"value", *gold.FIELDS},
            required=["value"],
            change=change,
        )
        found = _with_checks(Task.objects.filter(pk__in=[one.task_id for one in items]))
        bodies = {task.pk: _item_body(task) for task in found}
        return Response({"results": [bodies[one.task_id] for one in items]})


class TaskGold(GoldView):
    @extend_schema(
        operation_id="set_gold",
        examples=[
            examples.request(
                {
                    "value": {"verdict": "prefer", "preferred": 104},
                    "use": "hidden",
                    "explanation": "The other answer names the wrong river.",
                }
            )
        ],
        request=schema.GoldRequest,
        responses=schema.GoldItem,
    )
    def put(self, request: Request, task_id: int) -> Response:
        """Set the task's known answer. Nobody is asked about it as ordinary work any more."""
        task = access.get_in_project(request.user, Task.objects.all(), task_id, access.MANAGE)
        body = read_body(request, known={"value", *gold.FIELDS}, required=["value"])
        item = gold.set_gold(task=task, actor=request.user, **body)
        return _answer(item)

    @extend_schema(
        operation_id="change_gold",
        examples=[
            examples.request(
                {"use": "training", "explanation": "The other answer names the wrong river."}
            )
        ],
        request=schema.GoldChange,
        responses=schema.GoldItem,
    )
    def patch(self, request: Request, task_id: int) -> Response:
        """Change what the known answer is used for. Another tolerance grades answers anew."""
        item = _item(request, task_id)
        body = read_body(request, known=gold.FIELDS)
        return _answer(gold.change_gold(item=item, actor=request.user, **body))

    @extend_schema(
        operation_id="retire_gold",
        parameters=[integer_parameter("to_people", "1: the task is ordinary work from now on.")],
        responses={204: None},
    )
    def delete(self, request: Request, task_id: int) -> Response:
        """Use the known answer no longer; what was checked by it stays."""
        to_people = read_id(request, "to_people") == 1
        gold.retire_gold(item=_item(request, task_id), actor=request.user, to_people=to_people)
        return Response(status=204)


class Proposals(GoldView):
    @extend_schema(
        operation_id="list_gold_proposals",
        parameters=[integer_parameter("least", f"People who agree; {LEAST} by default.")],
        responses=schema.GoldProposals,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """Tasks that everybody answered alike, up to twenty of the latest judgements."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        found = proposals(project, read_id(request, "least") or LEAST)
        rows = [
            {"task": one.task.pk, "people": one.people, "value": one.judgement.value}
            for one in found
        ]
        return Response({"results": rows})


class RulesDetail(Tagged, GoldView):
    row = "project_id"
    locked = Project.objects.select_for_update(no_key=True)

    @extend_schema(operation_id="get_rules", responses=schema.Rules)
    def get(self, request: Request, project_id: int) -> Response:
        """The rules that annotators work under."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return Response(_rules_body(standing.rules_of(project)))

    @extend_schema(
        operation_id="change_rules",
        examples=[
            examples.request(
                {
                    "gold_percent": 5,
                    "gold_floor": 70,
                    "gold_floor_from": 10,
                    "cap_day": 200,
                    "break_minutes": 10,
                }
            )
        ],
        request=schema.Rules,
        responses=schema.Rules,
    )
    @if_match
    def patch(self, request: Request, project_id: int) -> Response:
        """Change the rules that are given."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=standing.RULES)
        return Response(
            _rules_body(standing.set_rules(project=project, actor=request.user, **body))
        )


class Checks(GoldView):
    @extend_schema(operation_id="list_checks", responses=schema.CheckedList)
    def get(self, request: Request, project_id: int) -> Response:
        """How each annotator did at hidden items, the lowest share first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, [])
        return Response({"results": [_checked_body(row) for row in checked_people(project)]})


class MemberPause(GoldView):
    @extend_schema(operation_id="pause_member", request=None, responses=schema.Checked)
    def post(self, request: Request, project_id: int, member_id: int) -> Response:
        """Hand the member nothing more; what is in their hands may still be submitted."""
        member = _member(request, project_id, member_id)
        standing.pause_member(membership=member, actor=request.user)
        return _standing(member)

    @extend_schema(operation_id="resume_member", responses={200: schema.Checked})
    def delete(self, request: Request, project_id: int, member_id: int) -> Response:
        """Hand out to the member again; the floor counts hidden items from now on."""
        member = _member(request, project_id, member_id)
        standing.resume_member(membership=member, actor=request.user)
        return _standing(member)


def _item(request: Request, task_id: int) -> GoldItem:
    rows = GoldItem.objects.select_related("task")
    return access.get_in_project(request.user, rows, task_id, access.MANAGE)


def _member(request: Request, project_id: int, member_id: int) -> Membership:
    rows = Membership.objects.filter(project=project_id, role=Membership.Role.ANNOTATOR)
    return access.get_in_project(request.user, rows, member_id, access.MANAGE)


def _standing(member: Membership) -> Response:
    [row] = checked_people(member.project, member.user_id)
    return Response(_checked_body(row))


def _answer(item: GoldItem) -> Response:
    return Response(_item_body(_with_checks(Task.objects.filter(pk=item.task_id)).get()))


def _with_checks(tasks: QuerySet[Task]) -> QuerySet[Task]:
    right = Count("gold_checks", filter=Q(gold_checks__right=True))
    return tasks.select_related("gold_item").annotate(right=right, answers=Count("gold_checks"))


def _item_body(task: Task) -> dict:
    item = task.gold_item
    return {
        "task": task.pk,
        "value": task.gold,
        "use": item.use,
        "explanation": item.explanation,
        "tolerance": item.tolerance,
        "origin": item.origin,
        "created_at": item.created_at,
        "retired_at": item.retired_at,
        "right": task.right,
        "answers": task.answers,
    }


def _rules_body(rules: WorkRules) -> dict:
    return {name: getattr(rules, name) for name in schema.Rules().fields}


def _checked_body(row: Checked) -> dict:
    interval = row.passed.interval or (None, None)
    return {
        "member": row.membership.pk,
        "user": row.membership.user.username,
        "pseudonym": row.membership.user.pseudonym,
        "simulated": row.membership.user.is_simulated,
        "right": row.passed.right,
        "answers": row.passed.count,
        "share": row.passed.share,
        "low": interval[0],
        "high": interval[1],
        "attention_right": row.attention.right,
        "attention_answers": row.attention.count,
        "paused_at": row.standing.paused_at if row.standing else None,
        "paused_why": row.standing.paused_why if row.standing else "",
    }


urlpatterns = [
    path("projects/<int:project_id>/gold/", GoldList.as_view(), name="api_gold"),
    path(
        "projects/<int:project_id>/gold/proposals/",
        Proposals.as_view(),
        name="api_gold_proposals",
    ),
    path("projects/<int:project_id>/rules/", RulesDetail.as_view(), name="api_rules"),
    path("projects/<int:project_id>/checks/", Checks.as_view(), name="api_checks"),
    path(
        "projects/<int:project_id>/members/<int:member_id>/pause/",
        MemberPause.as_view(),
        name="api_member_pause",
    ),
    path("tasks/<int:task_id>/gold/", TaskGold.as_view(), name="api_task_gold"),
]
