"""REST for loops: making and changing one, following its rounds, holding and overruling it."""

from collections.abc import Callable
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from annotate import access
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from training.api.loop_serializers import (
    LoopDetailSerializer,
    LoopReasonSerializer,
    LoopRollBackSerializer,
    LoopSerializer,
)
from training.api.serializers import checked
from training.models import Loop
from training.services import loops

EXAMPLE = {
    "reward_config": {"method": "frozen"},
    "policy_config": {"base_model": "tiny"},
    "labels_wanted": 200,
    "sampling": {"prompts": 100, "strategy": "least_covered", "samples": 2},
    "guards": {"people_share": 0.3, "gap": 0.1},
}


class Loops(APIView):
    @extend_schema(operation_id="list_loops", responses=LoopSerializer(many=True))
    def get(self, request, project_id: int) -> Response:
        """A project's loops, newest first; one at most is not over."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        found = Loop.objects.filter(project=project).order_by("-pk")
        return Response(LoopSerializer(found, many=True).data)

    @extend_schema(
        operation_id="create_loop",
        examples=[OpenApiExample("Request", value=EXAMPLE, request_only=True)],
        request=LoopSerializer,
        responses={201: LoopSerializer},
    )
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Begin a loop. What is left out takes its default; no policy_config: none is trained."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = checked(LoopSerializer, request, context={"project": project})
        loop = loops.create_loop(project=project, actor=request.user, **wanted)
        return Response(LoopSerializer(loop).data, status=201)


class OneLoop(APIView):
    @extend_schema(operation_id="get_loop", responses=LoopDetailSerializer)
    def get(self, request, loop_id: int) -> Response:
        """A loop with its rounds: what each made, what its guards found, its figures."""
        return _detail(_find(request, loop_id, access.REVIEW))

    @extend_schema(
        operation_id="change_loop",
        examples=[OpenApiExample("Request", value={"labels_wanted": 500}, request_only=True)],
        request=LoopSerializer(partial=True),
        responses=LoopDetailSerializer,
    )
    def patch(self, request, loop_id: int) -> Response:
        """Change what is given, from the next step on; objects are replaced as a whole."""
        loop = _find(request, loop_id, access.MANAGE)
        wanted = checked(LoopSerializer, request, partial=True, context={"project": loop.project})
        return _detail(loops.change_loop(loop=loop, actor=request.user, **wanted))


class OverruleGuard(APIView):
    @extend_schema(
        operation_id="overrule_loop_guard",
        examples=[
            OpenApiExample("Request", value={"reason": "The people were new."}, request_only=True)
        ],
        request=LoopReasonSerializer,
        responses=LoopDetailSerializer,
    )
    def post(self, request, loop_id: int) -> Response:
        """Go on although a guard stopped the loop; it is not asked again in this round."""
        loop = _find(request, loop_id, access.MANAGE)
        wanted = checked(LoopReasonSerializer, request)
        return _detail(loops.overrule_guard(loop=loop, actor=request.user, **wanted))


class RollBackLoop(APIView):
    @extend_schema(
        operation_id="roll_back_loop",
        examples=[
            OpenApiExample(
                "Request", value={"round": 2, "reason": "It flatters."}, request_only=True
            )
        ],
        request=LoopRollBackSerializer,
        responses=LoopDetailSerializer,
    )
    def post(self, request, loop_id: int) -> Response:
        """Put the models of an earlier round back into service; the next round starts from them."""
        loop = _find(request, loop_id, access.MANAGE)
        wanted = checked(LoopRollBackSerializer, request)
        loop = loops.roll_back_loop(
            loop=loop, actor=request.user, number=wanted["round"], reason=wanted["reason"]
        )
        return _detail(loop)


class GoOnLoop(APIView):
    @extend_schema(operation_id="go_on_loop", request=None, responses=LoopDetailSerializer)
    def post(self, request, loop_id: int) -> Response:
        """Begin the next round, or end this one's judging, without waiting for labels."""
        return _act(request, loop_id, loops.go_on)


class PauseLoop(APIView):
    @extend_schema(operation_id="pause_loop", request=None, responses=LoopDetailSerializer)
    def post(self, request, loop_id: int) -> Response:
        """Start nothing new; a job under way goes on to its end."""
        return _act(request, loop_id, loops.pause_loop)


class ResumeLoop(APIView):
    @extend_schema(operation_id="resume_loop", request=None, responses=LoopDetailSerializer)
    def post(self, request, loop_id: int) -> Response:
        """Go on after a pause; after a guard, look again or repeat the run that failed."""
        return _act(request, loop_id, loops.resume_loop)


class CancelLoop(APIView):
    @extend_schema(operation_id="cancel_loop", request=None, responses=LoopDetailSerializer)
    def post(self, request, loop_id: int) -> Response:
        """End it, its round and the jobs under way; models, tasks and labels stay."""
        return _act(request, loop_id, loops.cancel_loop)


def _find(request: Any, loop_id: int, roles: frozenset) -> Loop:
    return access.get_in_project(request.user, Loop.objects.all(), loop_id, roles)


def _act(request: Any, loop_id: int, act: Callable[..., Loop]) -> Response:
    return _detail(act(loop=_find(request, loop_id, access.MANAGE), actor=request.user))


def _detail(loop: Loop) -> Response:
    return Response(LoopDetailSerializer(loop).data)


urlpatterns = [
    path("projects/<int:project_id>/training/loops/", Loops.as_view(), name="api_loops"),
    path("training/loops/<int:loop_id>/", OneLoop.as_view(), name="api_loop"),
    *[
        path(f"training/loops/<int:loop_id>/{address}/", view.as_view(), name=f"api_{name}")
        for address, view, name in (
            ("go-on", GoOnLoop, "go_on_loop"),
            ("pause", PauseLoop, "pause_loop"),
            ("resume", ResumeLoop, "resume_loop"),
            ("cancel", CancelLoop, "cancel_loop"),
            ("overrule", OverruleGuard, "overrule_guard"),
            ("roll-back", RollBackLoop, "roll_back_loop"),
        )
    ],
]
