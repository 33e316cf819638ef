"""REST for training: runs and their curves, model versions, sampling, schedules."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import ById
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.models import Project
from training.api import loop as loop_api
from training.api.serializers import (
    CardSerializer,
    GateSerializer,
    LimitsSerializer,
    ModelVersionSerializer,
    PromoteSerializer,
    RollBackSerializer,
    SamplingSerializer,
    SamplingWishSerializer,
    ScheduleSerializer,
    TrainingRunDetailSerializer,
    TrainingRunSerializer,
    TrainingRunWishSerializer,
    checked,
    page_of,
)
from training.models import ModelVersion, SamplingRun, Schedule, TrainingRun
from training.services import cards, limits, registry, runs, sampling, schedules
from training.services.outlook import outlooks


class NewestFirst(ById):
    ordering = "-id"


def _page(view: APIView, queryset, serializer: type[serializers.Serializer]) -> Response:
    pages = NewestFirst()
    page = pages.paginate_queryset(queryset, view.request, view=view)
    return pages.get_paginated_response(serializer(page, many=True).data)


class Runs(APIView):
    costly = ("post",)

    @extend_schema(
        operation_id="list_training_runs",
        parameters=[
            OpenApiParameter(
                "trigger",
                str,
                enum=TrainingRun.Trigger.values,
                description="Only runs that this asked for.",
            )
        ],
        responses=page_of(TrainingRunSerializer),
    )
    def get(self, request, project_id: int) -> Response:
        """A project's runs, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        found = TrainingRun.objects.of_project(project)
        if "trigger" in request.query_params:
            wanted = request.query_params["trigger"]
            found = found.filter(
                trigger=clean_choice("trigger", wanted, TrainingRun.Trigger.values)
            )
        return _page(self, found, TrainingRunSerializer)

    @extend_schema(
        operation_id="start_training_run",
        examples=[
            OpenApiExample(
                "Request",
                value={
                    "recipe": "reward_model",
                    "config": {"base_model": "minilm", "method": "frozen"},
                },
                request_only=True,
            )
        ],
        request=TrainingRunWishSerializer,
        responses={201: TrainingRunSerializer},
    )
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Queue a run. Fields left out of `config` take the recipe's defaults."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = checked(TrainingRunWishSerializer, request)
        run = runs.queue_run(
            project=project, actor=request.user, trigger=TrainingRun.Trigger.API, **wanted
        )
        return Response(TrainingRunSerializer(run).data, status=201)


class Run(APIView):
    @extend_schema(
        operation_id="get_training_run",
        responses=TrainingRunDetailSerializer,
    )
    def get(self, request, run_id: int) -> Response:
        """A run with the points of its curves."""
        found = TrainingRun.objects.select_related("model_version").prefetch_related("points")
        run = access.get_in_project(request.user, found, run_id, access.REVIEW)
        return Response(TrainingRunDetailSerializer(run).data)


class CancelRun(APIView):
    @extend_schema(
        operation_id="cancel_training_run", request=None, responses=TrainingRunSerializer
    )
    def post(self, request, run_id: int) -> Response:
        """Ask a run to stop; without effect on one that is over."""
        run = access.get_in_project(request.user, TrainingRun.objects.all(), run_id, access.MANAGE)
        runs.cancel_run(run=run, actor=request.user)
        return Response(TrainingRunSerializer(run).data)


class Models(APIView):
    @extend_schema(
        operation_id="list_model_versions",
        responses=page_of(ModelVersionSerializer),
    )
    def get(self, request, project_id: int) -> Response:
        """A project's model versions, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return _page(self, ModelVersion.objects.of_project(project), ModelVersionSerializer)


class PromoteModel(APIView):
    @extend_schema(
        operation_id="promote_model_version",
        examples=[
            OpenApiExample(
                "Request", value={"anyway": "The old one is too slow."}, request_only=True
            )
        ],
        request=PromoteSerializer,
        responses=ModelVersionSerializer,
    )
    def post(self, request, version_id: int) -> Response:
        """Put a version into service and retire the one before.

        Past a gate that does not let it pass, `anyway` says why; it is audited.
        """
        version = access.get_in_project(
            request.user, ModelVersion.objects.all(), version_id, access.MANAGE
        )
        wanted = checked(PromoteSerializer, request)
        version = registry.promote(version=version, actor=request.user, **wanted)
        return Response(ModelVersionSerializer(version).data)


class ModelGate(APIView):
    @extend_schema(operation_id="get_model_gate", responses=GateSerializer)
    def get(self, request, version_id: int) -> Response:
        """How a version stands against the one in service, on the pairs that both scored."""
        version = access.get_in_project(
            request.user, ModelVersion.objects.select_related("run"), version_id, access.REVIEW
        )
        return Response(GateSerializer(registry.gate_verdict(version)).data)


class ModelCard(APIView):
    @extend_schema(operation_id="get_model_card", responses=CardSerializer)
    def get(self, request, version_id: int) -> Response:
        """The model card of a version, in Markdown; its files hold it as README.md."""
        found = ModelVersion.objects.select_related("run__snapshot", "run__project")
        version = access.get_in_project(request.user, found, version_id, access.REVIEW)
        return Response({"markdown": cards.model_card(version)})


class RollBackModel(APIView):
    @extend_schema(
        operation_id="roll_back_model",
        examples=[OpenApiExample("Request", value={"kind": "reward_model"}, request_only=True)],
        request=RollBackSerializer,
        responses=ModelVersionSerializer,
    )
    def post(self, request, project_id: int) -> Response:
        """Put the version that served before the present one back into service."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        kind = checked(RollBackSerializer, request)["kind"]
        version = registry.roll_back(project=project, kind=kind, actor=request.user)
        return Response(ModelVersionSerializer(version).data)


class Samplings(APIView):
    costly = ("post",)

    @extend_schema(
        operation_id="list_samplings",
        responses=page_of(SamplingSerializer),
    )
    def get(self, request, project_id: int) -> Response:
        """A project's sampling runs, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        found = SamplingRun.objects.filter(project=project)
        return _page(self, found, SamplingSerializer)

    @extend_schema(
        operation_id="start_sampling",
        examples=[
            OpenApiExample(
                "Request",
                value={"model_version": 12, "config": {"prompts": 100, "temperature": 0.7}},
                request_only=True,
            )
        ],
        request=SamplingWishSerializer,
        responses={201: SamplingSerializer},
    )
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Have a policy, or a chat model, answer prompts and make tasks of the answers."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = checked(SamplingWishSerializer, request, context={"project": project})
        run = sampling.queue_sampling(
            version=wanted.get("model_version"),
            chat_model=wanted.get("chat_model"),
            actor=request.user,
            config=wanted["config"],
        )
        return Response(SamplingSerializer(run).data, status=201)


class Sampling(APIView):
    @extend_schema(
        operation_id="get_sampling",
        responses=SamplingSerializer,
    )
    def get(self, request, run_id: int) -> Response:
        """How far a sampling run is, and what came of it."""
        run = access.get_in_project(request.user, SamplingRun.objects.all(), run_id, access.REVIEW)
        return Response(SamplingSerializer(run).data)


class Schedules(APIView):
    @extend_schema(
        operation_id="list_schedules",
        responses=ScheduleSerializer(many=True),
    )
    def get(self, request, project_id: int) -> Response:
        """A project's schedules."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        seen = {one.schedule.pk: one for one in outlooks(project, limits.limits_of(project))}
        found = [seen[pk].schedule for pk in sorted(seen)]
        return Response(ScheduleSerializer(found, many=True, context={"outlooks": seen}).data)

    @extend_schema(
        operation_id="create_schedule",
        examples=[
            OpenApiExample(
                "Request",
                value={
                    "recipe": "reward_model",
                    "config": {"method": "frozen"},
                    "every_judgements": 500,
                },
                request_only=True,
            )
        ],
        request=ScheduleSerializer,
        responses={201: ScheduleSerializer},
    )
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Retrain when the first of the triggers given is due: see `outlook`."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = checked(ScheduleSerializer, request)
        schedule = schedules.save_schedule(project=project, actor=request.user, **wanted)
        return Response(ScheduleSerializer(schedule).data, status=201)


class OneSchedule(Tagged, APIView):
    row = "schedule_id"
    locked = Schedule.objects.select_for_update(of=["self"])

    @extend_schema(
        operation_id="get_schedule",
        responses=ScheduleSerializer,
    )
    def get(self, request, schedule_id: int) -> Response:
        """One schedule."""
        schedule = self.find(schedule_id, access.REVIEW)
        return Response(ScheduleSerializer(schedule).data)

    @extend_schema(
        operation_id="change_schedule",
        examples=[examples.request({"every_hours": 24, "enabled": True})],
        request=ScheduleSerializer(partial=True),
        responses=ScheduleSerializer,
    )
    @if_match
    def patch(self, request, schedule_id: int) -> Response:
        """Change what is given; `config` is replaced as a whole."""
        schedule = self.find(schedule_id, access.MANAGE)
        values = checked(ScheduleSerializer, request, partial=True)
        schedule = schedules.change_schedule(schedule=schedule, actor=request.user, **values)
        return Response(ScheduleSerializer(schedule).data)

    @extend_schema(operation_id="delete_schedule", responses={204: None})
    @if_match
    def delete(self, request, schedule_id: int) -> Response:
        """Remove it; its runs stay."""
        schedule = self.find(schedule_id, access.MANAGE)
        schedules.delete_schedule(schedule=schedule, actor=request.user)
        return Response(status=204)

    def find(self, schedule_id: int, roles: frozenset) -> Schedule:
        return access.get_in_project(self.request.user, Schedule.objects.all(), schedule_id, roles)


class Limits(Tagged, APIView):
    row = "project_id"
    locked = Project.objects.select_for_update(no_key=True)

    @extend_schema(operation_id="get_training_limits", responses=LimitsSerializer)
    def get(self, request, project_id: int) -> Response:
        """A project's budget of device hours, how much of it is used, and its quiet hours."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(LimitsSerializer(limits.limits_of(project)).data)

    @extend_schema(
        operation_id="change_training_limits",
        examples=[
            OpenApiExample(
                "Request",
                value={"device_hours": 40, "period": "month", "time_zone": "Europe/Berlin"},
                request_only=True,
            )
        ],
        request=LimitsSerializer(partial=True),
        responses=LimitsSerializer,
    )
    @if_match
    def patch(self, request, project_id: int) -> Response:
        """Change what is given; null takes a limit away."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = checked(LimitsSerializer, request, partial=True)
        saved = limits.save_limits(project=project, actor=request.user, **wanted)
        return Response(LimitsSerializer(saved).data)


IN_PROJECT = "projects/<int:project_id>"
urlpatterns = [
    path(f"{IN_PROJECT}/training/runs/", Runs.as_view(), name="api_training_runs"),
    path("training/runs/<int:run_id>/", Run.as_view(), name="api_training_run"),
    path("training/runs/<int:run_id>/cancel/", CancelRun.as_view(), name="api_cancel_run"),
    path(f"{IN_PROJECT}/training/models/", Models.as_view(), name="api_models"),
    path(f"{IN_PROJECT}/training/models/roll-back/", RollBackModel.as_view(), name="api_roll_back"),
    path("training/models/<int:version_id>/promote/", PromoteModel.as_view(), name="api_promote"),
    path("training/models/<int:version_id>/card/", ModelCard.as_view(), name="api_model_card"),
    path("training/models/<int:version_id>/gate/", ModelGate.as_view(), name="api_model_gate"),
    path(f"{IN_PROJECT}/training/samplings/", Samplings.as_view(), name="api_samplings"),
    path("training/samplings/<int:run_id>/", Sampling.as_view(), name="api_sampling"),
    path(f"{IN_PROJECT}/training/limits/", Limits.as_view(), name="api_training_limits"),
    *loop_api.urlpatterns,
    path(f"{IN_PROJECT}/schedules/", Schedules.as_view(), name="api_schedules"),
    path("schedules/<int:schedule_id>/", OneSchedule.as_view(), name="api_schedule"),
]
