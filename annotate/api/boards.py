"""Leaderboards: computed by a worker, published, read."""

from dataclasses import fields

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import boards_schema as schema
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.models import Board, BoardRun
from annotate.services.reports import boards
from annotate.services.reports.board_rules import BoardRules
from annotate.services.workers import why_waiting

RULES = frozenset(field.name for field in fields(BoardRules))


class Leaderboard(APIView):
    @extend_schema(operation_id="get_leaderboard", responses=schema.Board)
    def get(self, request: Request, project_id: int) -> Response:
        """The latest published leaderboard, for whoever the project lets read it."""
        project = access.get_board_project(request.user, project_id)
        board = Board.objects.filter(project=project).order_by("-number").first()
        if board is None:
            raise Http404("No leaderboard is published yet.")
        return Response({**board_body(board), "result": board.result})


class BoardList(APIView):
    @extend_schema(operation_id="list_boards", responses=schema.BoardPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The published leaderboards, oldest first, without their results."""
        project = access.get_board_project(request.user, project_id)
        return answer_page(request, Board.objects.filter(project=project), board_body)


class BoardDetail(APIView):
    @extend_schema(operation_id="get_board", responses=schema.Board)
    def get(self, request: Request, board_id: int) -> Response:
        """One published leaderboard; it never changes."""
        board = access.get_in_project(request.user, Board.objects.all(), board_id)
        access.get_board_project(request.user, board.project_id)
        return Response({**board_body(board), "result": board.result})


class BoardRunList(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="compute_board",
        examples=examples.BOARD_RUN,
        request=schema.BoardRules,
        responses={202: schema.BoardRun},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Compute a leaderboard. The one under way by the same rules is answered, if there is one.

        Read the run until it is done, then publish it.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        rules = BoardRules.clean(read_body(request, known=RULES))
        run = boards.start_board(project=project, actor=request.user, rules=rules)
        return Response(run_body(run), 202)


class BoardRunDetail(APIView):
    @extend_schema(operation_id="get_board_run", responses=schema.BoardRun)
    def get(self, request: Request, run_id: int) -> Response:
        """A computation: how far it is, or what came of it."""
        return Response(run_body(_run(request, run_id)))

    @extend_schema(operation_id="cancel_board_run", responses={200: schema.BoardRun})
    def delete(self, request: Request, run_id: int) -> Response:
        """Ask it to stop; one that is over stays as it is."""
        run = _run(request, run_id)
        boards.cancel_board(run=run, actor=request.user)
        run.refresh_from_db()
        return Response(run_body(run))


class PublishBoard(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="publish_board",
        examples=[examples.request({"note": "After the second wave of people."})],
        request=schema.PublishRequest,
        responses={201: schema.Board},
    )
    @repeatable()
    def post(self, request: Request, run_id: int) -> Response:
        """Publish what was computed, under the project's next number."""
        run = _run(request, run_id)
        body = read_body(request, known={"note"})
        board = boards.publish_board(run=run, actor=request.user, note=body.get("note", ""))
        return Response({**board_body(board), "result": board.result}, 201)


def board_body(board: Board) -> dict:
    return {
        "id": board.pk,
        "project": board.project_id,
        "number": board.number,
        "note": board.note,
        "rules": board.rules,
        "counts": board.result["counts"],
        "sha256": board.sha256,
        "created_at": board.created_at,
    }


def run_body(run: BoardRun) -> dict:
    return {
        "id": run.pk,
        "project": run.project_id,
        "rules": run.rules,
        "state": run.state,
        "judgements_read": run.progress,
        "message": run.message,
        "waits_because": why.message if (why := why_waiting(run)) is not None else "",
        "result": run.result,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def _run(request: Request, run_id: int) -> BoardRun:
    return access.get_in_project(request.user, BoardRun.objects.all(), run_id, access.MANAGE)


urlpatterns = [
    path("projects/<int:project_id>/leaderboard/", Leaderboard.as_view(), name="api_leaderboard"),
    path("projects/<int:project_id>/boards/", BoardList.as_view(), name="api_boards"),
    path("projects/<int:project_id>/board-runs/", BoardRunList.as_view(), name="api_board_runs"),
    path("boards/<int:board_id>/", BoardDetail.as_view(), name="api_board"),
    path("board-runs/<int:run_id>/", BoardRunDetail.as_view(), name="api_board_run"),
    path("board-runs/<int:run_id>/publish/", PublishBoard.as_view(), name="api_publish_board"),
]
