"""What the REST API says of loops, and what it takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate.api.failures import FailureShape
from annotate.failures import failure_of
from annotate.models import ChatModel
from training.loop.guards import GUARDS
from training.models import Loop, LoopRound, ModelVersion
from training.services.loops import MAX_REASON


class FindingSerializer(serializers.Serializer):
    name = serializers.ChoiceField(GUARDS)
    passed = serializers.BooleanField(allow_null=True, help_text="null: too little to tell.")
    figure = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    detail = serializers.DictField()
    overruled = serializers.DictField(required=False, help_text="by and reason.")


class LoopRoundSerializer(serializers.ModelSerializer):
    gates = serializers.DictField(help_text="By kind of model: what the gate said.")
    guards = serializers.DictField(child=FindingSerializer())
    figures = serializers.DictField(help_text="Frozen when the round ends; empty before.")

    class Meta:
        model = LoopRound
        fields = [
            "number",
            "phase",
            "phase_since",
            "outcome",
            "reward_snapshot",
            "policy_snapshot",
            "reward_run",
            "policy_run",
            "sampling_run",
            "reward_version",
            "policy_version",
            "serving_reward",
            "serving_policy",
            "gates",
            "guards",
            "figures",
            "started_at",
            "finished_at",
        ]


class LoopSerializer(serializers.ModelSerializer):
    """A loop, and the fields by which one is made or changed."""

    reward_config = serializers.DictField(required=False, help_text="Of the reward model's runs.")
    policy_config = serializers.DictField(
        required=False, allow_null=True, help_text="Of the policy's runs; null trains none."
    )
    sampling = serializers.DictField(
        required=False,
        help_text="prompts, strategy, samples, pairs, matching, max_new_tokens, temperature, "
        "top_p, overlap, priority.",
    )
    guards = serializers.DictField(
        required=False, help_text="people, people_share, diversity_drop, gap, gap_rows."
    )
    stopped_by = serializers.SerializerMethodField()
    failure = serializers.SerializerMethodField()

    class Meta:
        model = Loop
        fields = [
            "id",
            "project",
            "state",
            "reward_config",
            "policy_config",
            "sampler",
            "sampler_version",
            "sampler_model",
            "sampling",
            "guards",
            "labels_wanted",
            "rounds_wanted",
            "unknown_reason",
            "seed",
            "go_on",
            "waits_for",
            "stopped_by",
            "failure",
            "created_at",
            "finished_at",
        ]
        read_only_fields = ["project", "state", "go_on", "waits_for", "finished_at"]

    def get_fields(self) -> dict[str, serializers.Field]:
        """Versions and models of the project at hand only; others are as good as absent."""
        fields = super().get_fields()
        project = self.context.get("project")
        if project is not None:
            versions = ModelVersion.objects.filter(project=project)
            fields["sampler_version"].queryset = versions
            fields["sampler_model"].queryset = ChatModel.objects.filter(project=project)
        return fields

    @extend_schema_field(FindingSerializer(allow_null=True))
    def get_stopped_by(self, loop: Loop) -> dict[str, Any] | None:
        """The guard that stopped it."""
        return loop.stopped_by

    @extend_schema_field(FailureShape(allow_null=True))
    def get_failure(self, loop: Loop) -> dict[str, Any] | None:
        """Why it could not be looked at, until it can be; null while it works."""
        found = failure_of(loop.failure)
        return None if found is None else FailureShape(found).data


class LoopDetailSerializer(LoopSerializer):
    rounds = serializers.SerializerMethodField()

    class Meta(LoopSerializer.Meta):
        fields = [*LoopSerializer.Meta.fields, "rounds"]

    @extend_schema_field(LoopRoundSerializer(many=True))
    def get_rounds(self, loop: Loop) -> list[dict[str, Any]]:
        """In order. One query."""
        return LoopRoundSerializer(loop.rounds.order_by("number"), many=True).data


class LoopReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=MAX_REASON, help_text="Goes to the audit trail.")


class LoopRollBackSerializer(LoopReasonSerializer):
    round = serializers.IntegerField(min_value=1, help_text="Number of an earlier round.")
