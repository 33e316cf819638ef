"""REST shapes of evaluation sets and runs."""

from rest_framework import serializers

from annotate.api.waiting import WaitingShape
from training.models import EvaluationRun, EvaluationSet, ModelVersion


class EvaluationSetSerializer(serializers.ModelSerializer):
    subsets = serializers.DictField(
        child=serializers.IntegerField(), help_text="Rows by subset; none for prompts."
    )
    overlap = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Of its prompts: how many the project had when it was added, and how many of "
        "those were not held out (`trainable`).",
    )

    class Meta:
        model = EvaluationSet
        fields = [
            *("id", "project", "name", "kind", "file_name", "sha256", "rows", "prompts"),
            *("left_out", "subsets", "overlap", "created_at"),
        ]


class EvaluationRunSerializer(WaitingShape):
    """A model version on an evaluation set: agreement with pairs, or best-of-n over prompts."""

    config = serializers.DictField()
    metrics = serializers.DictField()
    percent = serializers.IntegerField(allow_null=True, read_only=True)

    class Meta:
        model = EvaluationRun
        fields = [
            *("id", "project", "evaluation_set", "model_version", "proxy", "gold", "state"),
            *("message", "progress", "total", "percent", "attempt", "cancel_requested"),
            *("config", "metrics", "device_seconds", "created_at", "started_at", "finished_at"),
            "waits_because",
        ]


class EvaluationWishSerializer(serializers.Serializer):
    evaluation_set = serializers.PrimaryKeyRelatedField(queryset=EvaluationSet.objects.none())
    model_version = serializers.PrimaryKeyRelatedField(queryset=ModelVersion.objects.none())
    config = serializers.DictField(
        default=dict,
        help_text="Of a set of prompts: proxy, gold, samples, prompts, max_new_tokens, "
        "temperature, top_p, seed.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """Sets and versions of the project at hand only; others are as good as absent."""
        fields = super().get_fields()
        if "project" in self.context:
            for name, model in (("evaluation_set", EvaluationSet), ("model_version", ModelVersion)):
                fields[name].queryset = model.objects.filter(project=self.context["project"])
        return fields


class DifferenceSerializer(serializers.Serializer):
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField()


class PairedTestSerializer(serializers.Serializer):
    first = serializers.IntegerField(source="first.pk")
    second = serializers.IntegerField(source="second.pk")
    only_a = serializers.IntegerField(help_text="Rows that only the first gets right.")
    only_b = serializers.IntegerField(help_text="Rows that only the second gets right.")
    p_value = serializers.FloatField(help_text="Of the exact McNemar test.")
    difference = DifferenceSerializer(
        help_text="Accuracy of the first less that of the second, interval by prompts."
    )


class SetComparisonSerializer(serializers.Serializer):
    runs = EvaluationRunSerializer(many=True, help_text="The newest finished run of each version.")
    tests = PairedTestSerializer(many=True)
