"""What the REST API says of training, and what it takes."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from annotate.api.bodies import read_body
from annotate.api.failures import FailureShape
from annotate.api.waiting import WaitingShape
from annotate.failures import failure_of
from annotate.models import ChatModel
from training.evaluation import gate
from training.models import (
    ModelVersion,
    RunMetric,
    SamplingRun,
    Schedule,
    TrainingLimits,
    TrainingRun,
)
from training.services.limits import used_hours
from training.services.outlook import outlook
from training.services.registry import MAX_REASON


def checked(
    serializer: type[serializers.Serializer], request: Request, **options: Any
) -> dict[str, Any]:
    """The body's values. Raises InvalidValue for a field that there is none of: it would be
    ignored; ValidationError for what is wrong with the others.
    """
    wanted = serializer(data=request.data, **options)
    read_body(request, known=wanted.fields)
    wanted.is_valid(raise_exception=True)
    return wanted.validated_data


def page_of(item: type[serializers.Serializer]) -> serializers.Serializer:
    """The shape of a cursor page, for the schema."""
    return inline_serializer(
        f"{item.__name__.removesuffix('Serializer')}Page",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": item(many=True),
        },
    )


class TrainingPointSerializer(serializers.ModelSerializer):
    values = serializers.DictField(child=serializers.FloatField())

    class Meta:
        model = RunMetric
        fields = ["step", "values"]


class ReasonSerializer(serializers.Serializer):
    trigger = serializers.ChoiceField(["hours", "cron", "judgements", "drift", "routing"])
    due = serializers.BooleanField()
    at = serializers.DateTimeField(allow_null=True)
    has = serializers.FloatField(allow_null=True)
    wants = serializers.FloatField(allow_null=True)
    detail = serializers.CharField()


class TrainingRunSerializer(WaitingShape):
    """One training of one model from one snapshot."""

    percent = serializers.IntegerField(allow_null=True, read_only=True)
    reasons = ReasonSerializer(many=True, read_only=True)
    model_version = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "project",
            "recipe",
            "state",
            "phase",
            "message",
            "progress",
            "total",
            "percent",
            "loss",
            "samples_per_second",
            "eta_seconds",
            "peak_memory_mb",
            "device",
            "device_seconds",
            "attempt",
            "cancel_requested",
            "seed",
            "schedule",
            "trigger",
            "reasons",
            "snapshot",
            "model_version",
            "created_at",
            "started_at",
            "finished_at",
            "waits_because",
        ]

    def get_model_version(self, run: TrainingRun) -> int | None:
        version = getattr(run, "model_version", None)
        return version.pk if version else None


class TrainingRunDetailSerializer(TrainingRunSerializer):
    """With its curves, and all that it takes to do it again."""

    points = serializers.SerializerMethodField()
    config = serializers.DictField()
    environment = serializers.DictField()
    metrics = serializers.DictField()

    class Meta(TrainingRunSerializer.Meta):
        fields = [*TrainingRunSerializer.Meta.fields, "config", "environment", "metrics", "points"]

    @extend_schema_field(TrainingPointSerializer(many=True))
    def get_points(self, run: TrainingRun) -> list[dict]:
        return TrainingPointSerializer(
            sorted(run.points.all(), key=lambda point: point.step), many=True
        ).data


class TrainingRunWishSerializer(serializers.Serializer):
    recipe = serializers.ChoiceField(choices=TrainingRun.Recipe.choices)
    config = serializers.DictField(default=dict, help_text="Fields of the recipe.")


class ModelVersionSerializer(serializers.ModelSerializer):
    metrics = serializers.DictField()

    class Meta:
        model = ModelVersion
        fields = [
            "id",
            "project",
            "kind",
            "number",
            "state",
            "run",
            "parent",
            "sha256",
            "metrics",
            "promoted_at",
            "created_at",
        ]


class PromoteSerializer(serializers.Serializer):
    anyway = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=MAX_REASON,
        help_text="Why it goes into service though the gate does not let it pass.",
    )


class GateCheckSerializer(serializers.Serializer):
    name = serializers.ChoiceField(["paired", "calibration", "accuracy"])
    subset = serializers.CharField()
    rows = serializers.IntegerField()
    candidate = serializers.FloatField()
    serving = serializers.FloatField()
    limit = serializers.FloatField()
    passed = serializers.BooleanField()
    p_value = serializers.FloatField(allow_null=True)
    only_candidate = serializers.IntegerField(allow_null=True)
    only_serving = serializers.IntegerField(allow_null=True)


class GateSerializer(serializers.Serializer):
    state = serializers.ChoiceField([str(state) for state in gate.State])
    passed = serializers.BooleanField()
    rows = serializers.IntegerField(help_text="Rows without ties that both versions scored.")
    unit = serializers.ChoiceField(["pair", "segment"], help_text="What a row is.")
    against = serializers.IntegerField(allow_null=True, help_text="The version in service.")
    checks = GateCheckSerializer(many=True)


class CardSerializer(serializers.Serializer):
    markdown = serializers.CharField()


class RollBackSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=ModelVersion.Kind.choices)


class SamplingSerializer(WaitingShape):
    """Responses drawn from a model to prompts of the project."""

    config = serializers.DictField()
    metrics = serializers.DictField()

    class Meta:
        model = SamplingRun
        fields = [
            "id",
            "project",
            "model_version",
            "chat_model",
            "state",
            "message",
            "progress",
            "total",
            "attempt",
            "cancel_requested",
            "config",
            "metrics",
            "created_at",
            "started_at",
            "finished_at",
            "waits_because",
        ]


class SamplingWishSerializer(serializers.Serializer):
    model_version = serializers.PrimaryKeyRelatedField(
        queryset=ModelVersion.objects.none(), required=False, help_text="A policy; or chat_model."
    )
    chat_model = serializers.PrimaryKeyRelatedField(
        queryset=ChatModel.objects.none(), required=False
    )
    config = serializers.DictField(
        default=dict,
        help_text="prompts or prompt_ids, samples, against, generator, max_new_tokens, "
        "temperature, top_p, seed, overlap, priority.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """Versions and models of the project at hand only; others are as good as absent."""
        fields = super().get_fields()
        if "project" in self.context:
            mine = {"project": self.context["project"]}
            fields["model_version"].queryset = ModelVersion.objects.filter(**mine)
            fields["chat_model"].queryset = ChatModel.objects.filter(**mine)
        return fields


class HoldSerializer(serializers.Serializer):
    by = serializers.ChoiceField(["budget", "quiet_hours"])
    until = serializers.DateTimeField(allow_null=True)


class OutlookSerializer(serializers.Serializer):
    due = serializers.BooleanField()
    starts = serializers.BooleanField(help_text="Whether the next look queues a run.")
    next_at = serializers.DateTimeField(allow_null=True)
    running = serializers.IntegerField(source="running.pk", default=None, allow_null=True)
    hold = HoldSerializer(allow_null=True)
    reasons = ReasonSerializer(many=True)


class LimitsSerializer(serializers.ModelSerializer):
    used_hours = serializers.SerializerMethodField()

    class Meta:
        model = TrainingLimits
        fields = [
            *("device_hours", "period", "quiet_from", "quiet_until", "time_zone"),
            "used_hours",
        ]

    def get_used_hours(self, limits: TrainingLimits) -> float:
        """Of the present period."""
        return used_hours(limits, timezone.now())


class ScheduleSerializer(serializers.ModelSerializer):
    config = serializers.DictField(default=dict, help_text="Fields of the recipe.")
    outlook = serializers.SerializerMethodField()
    failure = serializers.SerializerMethodField()

    class Meta:
        model = Schedule
        fields = [
            "id",
            "project",
            "recipe",
            "config",
            "every_hours",
            "every_judgements",
            "cron",
            "drift_above",
            "on_routing",
            "enabled",
            "last_queued_at",
            "created_at",
            "outlook",
            "failure",
        ]
        read_only_fields = ["project", "last_queued_at"]

    @extend_schema_field(OutlookSerializer)
    def get_outlook(self, schedule: Schedule) -> dict:
        """What it waits for."""
        seen = self.context.get("outlooks", {}).get(schedule.pk)
        return OutlookSerializer(seen or outlook(schedule, timezone.now())).data

    @extend_schema_field(FailureShape(allow_null=True))
    def get_failure(self, schedule: Schedule) -> dict | None:
        """Why it could not be looked at or queue a run, until it can; null while it works."""
        found = failure_of(schedule.failure)
        return None if found is None else FailureShape(found).data
