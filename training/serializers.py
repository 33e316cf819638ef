"""What the REST API says of training, and what it takes."""

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from training.models import ModelVersion, RunMetric, SamplingRun, Schedule, TrainingRun


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


class TrainingRunSerializer(serializers.ModelSerializer):
    percent = serializers.IntegerField(allow_null=True, read_only=True)
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
            "attempt",
            "cancel_requested",
            "seed",
            "schedule",
            "snapshot",
            "model_version",
            "created_at",
            "started_at",
            "finished_at",
        ]

    def get_model_version(self, run: TrainingRun) -> int | None:
        version = getattr(run, "model_version", None)
        return version.pk if version else None


class TrainingRunDetailSerializer(TrainingRunSerializer):
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


class RollBackSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=ModelVersion.Kind.choices)


class SamplingSerializer(serializers.ModelSerializer):
    config = serializers.DictField()
    metrics = serializers.DictField()

    class Meta:
        model = SamplingRun
        fields = [
            "id",
            "project",
            "model_version",
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
        ]


class SamplingWishSerializer(serializers.Serializer):
    model_version = serializers.PrimaryKeyRelatedField(queryset=ModelVersion.objects.none())
    config = serializers.DictField(
        default=dict,
        help_text="prompts or prompt_ids, against, generator, max_new_tokens, temperature, "
        "top_p, seed, overlap, priority.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """Versions of the project at hand only; others are as good as absent."""
        fields = super().get_fields()
        if "versions" in self.context:
            fields["model_version"].queryset = self.context["versions"]
        return fields


class ScheduleSerializer(serializers.ModelSerializer):
    config = serializers.DictField(default=dict, help_text="Fields of the recipe.")

    class Meta:
        model = Schedule
        fields = [
            "id",
            "project",
            "recipe",
            "config",
            "every_hours",
            "every_judgements",
            "enabled",
            "last_queued_at",
            "created_at",
        ]
        read_only_fields = ["project", "last_queued_at"]
