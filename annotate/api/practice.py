"""Training and the qualification quiz: as annotators go through them, and as managers see them."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import practice_schema as schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.problems import Conflict
from annotate.api.views import APIView
from annotate.inputs import BIGINT_MAX, clean_integer
from annotate.models import Membership, PracticeAnswer, PracticeRun, Project
from annotate.reports.qualification import Qualified, qualified_people
from annotate.services.people import standing
from annotate.services.work import practice


class PracticeView(APIView):
    scope = read_scope = "annotate"
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_practice", responses=schema.Practice)
    def get(self, request: Request, project_id: int) -> Response:
        """What the caller has yet to go through before real tasks, and the item asked now."""
        project = access.get_project(request.user, project_id)
        return Response(_practice_body(request, project))

    @extend_schema(operation_id="begin_practice", request=None, responses=schema.Practice)
    def post(self, request: Request, project_id: int) -> Response:
        """Begin the training, or a try at the quiz. 409 where none may begin now."""
        project = access.get_project(request.user, project_id)
        if practice.begin_run(project=project, user=request.user) is None:
            raise Conflict("There is nothing to begin now; GET tells why.")
        return Response(_practice_body(request, project))


class PracticeAnswers(APIView):
    scope = read_scope = "annotate"
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="answer_practice",
        examples=[
            examples.request(
                {"run": 3, "task": 31, "value": {"verdict": "prefer", "preferred": 104}}
            )
        ],
        request=schema.PracticeAnswerRequest,
        responses=schema.PracticeAnswer,
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Answer the item asked now. Training tells at once what is right; a quiz once it ends."""
        project = access.get_project(request.user, project_id)
        known = {"run", "task", "value", "rationale", "seconds_active"}
        body = read_body(request, known=known, required=["run", "task", "value"])
        answer = practice.answer_item(
            run_id=clean_integer("run", body.pop("run"), low=1, high=BIGINT_MAX),
            task_id=clean_integer("task", body.pop("task"), low=1, high=BIGINT_MAX),
            user=request.user,
            **body,
        )
        return Response(_answer_body(answer, project))


class Qualification(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="let_member_in", request=None, responses=schema.Qualified)
    def put(self, request: Request, project_id: int, member_id: int) -> Response:
        """Take the member as trained and qualified."""
        member = _member(request, project_id, member_id)
        standing.let_in(membership=member, actor=request.user)
        return _qualified(member)

    @extend_schema(operation_id="ask_member_again", responses={200: schema.Qualified})
    def delete(self, request: Request, project_id: int, member_id: int) -> Response:
        """Ask the member to go through training and quiz again, with all tries."""
        member = _member(request, project_id, member_id)
        standing.ask_again(membership=member, actor=request.user)
        return _qualified(member)


class PracticeResults(APIView):
    @extend_schema(operation_id="list_qualification", responses=schema.QualifiedList)
    def get(self, request: Request, project_id: int) -> Response:
        """How each annotator stands with training, quiz and limits."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return Response({"results": [_body(row) for row in qualified_people(project)]})


def _practice_body(request: Request, project: Project) -> dict:
    now = practice.practice_of(project=project, user=request.user)
    return {
        "stage": now.stage,
        "items": now.items,
        "pass_percent": now.pass_percent,
        "tries_left": now.tries_left,
        "wait_until": now.wait_until,
        "last": _run_body(now.last) if now.last else None,
        "item": _item_body(now.run) if now.run else None,
    }


def _item_body(run: PracticeRun) -> dict | None:
    task = practice.next_item(run)
    if task is None:
        return None
    form = practice.form_of(run.project)
    found = {row.response_id: row.response for row in task.places.select_related("response")}
    return {
        "run": run.pk,
        "task": task.pk,
        "answered": run.answers.count(),
        "prompt": {
            "system": task.prompt.system,
            "conversation": task.prompt.conversation,
            "language": task.prompt.language,
            "passages": task.prompt.passages,
        },
        "responses": [
            {"id": pk, "content": found[pk].content} for pk in practice.shown_order(run, task)
        ],
        "context": task.context,
        "form": {
            "id": form.version,
            "kind": form.kind,
            "settings": run.project.kind_settings,
        },
    }


def _answer_body(answer: PracticeAnswer, project: Project) -> dict:
    run, tells = answer.run, answer.run.stage == PracticeRun.Stage.TRAINING
    run.refresh_from_db()
    return {
        "task": answer.task_id,
        "right": answer.right if tells else None,
        "known": answer.task.gold if tells else None,
        "explanation": answer.task.gold_item.explanation if tells else None,
        "ended": _run_body(run) if run.ended_at else None,
    }


def _run_body(run: PracticeRun) -> dict:
    return {
        "right": run.right,
        "of": run.answers.count(),
        "passed": run.passed,
        "ended_at": run.ended_at,
    }


def _member(request: Request, project_id: int, member_id: int) -> Membership:
    rows = Membership.objects.filter(project=project_id, role=Membership.Role.ANNOTATOR)
    return access.get_in_project(request.user, rows, member_id, access.MANAGE)


def _qualified(member: Membership) -> Response:
    [row] = qualified_people(member.project, member.user_id)
    return Response(_body(row))


def _body(row: Qualified) -> dict:
    return {
        "member": row.membership.pk,
        "user": row.membership.user.username,
        "pseudonym": row.membership.user.pseudonym,
        "simulated": row.membership.user.is_simulated,
        "trained_at": row.standing.trained_at if row.standing else None,
        "qualified_at": row.standing.qualified_at if row.standing else None,
        "tries": row.tries,
        "last": {
            "right": row.last.right,
            "of": row.last_of,
            "passed": row.last.passed,
            "ended_at": row.last.ended_at,
        }
        if row.last
        else None,
        "in_hour": row.in_hour,
        "in_day": row.in_day,
        "in_all": row.membership.done_count,
    }


urlpatterns = [
    path("projects/<int:project_id>/practice/", PracticeView.as_view(), name="api_practice"),
    path(
        "projects/<int:project_id>/practice/answers/",
        PracticeAnswers.as_view(),
        name="api_practice_answers",
    ),
    path(
        "projects/<int:project_id>/practice/results/",
        PracticeResults.as_view(),
        name="api_practice_results",
    ),
    path(
        "projects/<int:project_id>/members/<int:member_id>/qualification/",
        Qualification.as_view(),
        name="api_member_qualification",
    ),
]
