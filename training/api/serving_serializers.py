"""What the REST API takes and says of serving."""

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s

from training.models import ServingJob

TURN = {
    "type": "object",
    "properties": {"role": {"type": "string"}, "content": {"type": "string"}},
    "required": ["role", "content"],
}


@extend_schema_field({"type": ["string", "integer"]})
class IdField(s.Field):
    """A text or a number."""


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "array", "items": TURN}]})
class PromptField(s.Field):
    """A text, or turns."""


class ServedContext(s.Serializer):
    criterion = s.CharField(required=False, help_text="What the responses are to be compared by.")
    situation = s.CharField(required=False)


class ScoreRow(s.Serializer):
    id = IdField(required=False, help_text="Yours; comes back.")
    prompt = PromptField(help_text="Turns, or a text, which is the user's only turn.")
    context = ServedContext(
        required=False, help_text="One or both; models read it at the end of the prompt."
    )
    responses = s.ListField(child=s.CharField(), required=False, help_text="Those to be compared.")
    response = s.CharField(required=False, help_text="One text, in place of `responses`.")
    criteria = s.ListField(
        child=s.CharField(), required=False, help_text="Of multi_objective: only these."
    )
    annotator = s.CharField(
        required=False, help_text="Of personal: a pseudonym; without, all people together."
    )


class ScoreRequest(s.Serializer):
    rows = ScoreRow(many=True)
    idempotency_key = s.CharField(
        required=False,
        max_length=100,
        help_text="With a key a request may be sent again and counts once.",
    )


class SampleRow(s.Serializer):
    id = IdField(required=False, help_text="Yours; comes back.")
    prompt = PromptField(help_text="Turns, or a text, which is the user's only turn.")
    context = ServedContext(
        required=False, help_text="One or both; models read it at the end of the prompt."
    )


class SampleRequest(s.Serializer):
    rows = SampleRow(many=True)
    n = s.IntegerField(required=False, min_value=1, help_text="Responses to each prompt; 1.")
    max_new_tokens = s.IntegerField(
        required=False, min_value=1, max_value=settings.SERVING["new_tokens"], help_text="128."
    )
    temperature = s.FloatField(
        required=False, min_value=0, max_value=10, help_text="1; 0 takes the likeliest token."
    )
    top_p = s.FloatField(required=False, min_value=0.01, max_value=1, help_text="1.")
    seed = s.IntegerField(
        required=False, min_value=0, help_text="0. The same request draws the same on one machine."
    )
    idempotency_key = s.CharField(required=False, max_length=100)


class ServedJob(s.ModelSerializer):
    rows = s.IntegerField(source="total")
    answered = s.IntegerField(source="progress")
    errors = s.IntegerField(source="error_count", help_text="Rows with an error for an answer.")
    percent = s.IntegerField(allow_null=True, read_only=True)
    version = s.CharField(source="model_version.__str__", read_only=True)
    results = s.SerializerMethodField()

    class Meta:
        model = ServingJob
        fields = [
            "id",
            "project",
            "kind",
            "model_version",
            "version",
            "state",
            "rows",
            "answered",
            "errors",
            "percent",
            "message",
            "created_at",
            "finished_at",
            "expires_at",
            "results",
        ]

    def get_results(self, job: ServingJob) -> str:
        """Where to fetch the answers."""
        return f"/api/v1/serving/{job.pk}/results/"


class RowError(s.Serializer):
    field = s.CharField(help_text="Such as rows.3.responses.0; empty if no field is at fault.")
    value = s.CharField(help_text="An excerpt.")
    message = s.CharField()

    class Meta:
        ref_name = "ServedRowError"


class ServedRow(s.Serializer):
    """Either `error`, or `scores`, or `samples`, and what the objective knows beside."""

    row = s.IntegerField(help_text="Its place in the request, from 0.")
    id = s.CharField(required=False)
    scores = s.ListField(
        child=s.FloatField(),
        required=False,
        help_text="One a response. Of two, 1 / (1 + exp(b - a)) is the probability that a wins.",
    )
    samples = s.ListField(child=s.DictField(), required=False, help_text="{text, tokens} each.")
    error = RowError(required=False)


class ServedJobWithAnswers(ServedJob):
    answers = ServedRow(many=True, help_text="In the order of the rows.")

    class Meta(ServedJob.Meta):
        fields = [*ServedJob.Meta.fields, "answers"]
