"""The shapes of what is said to judges and what they answer, for REST and its document."""

from rest_framework import serializers as s

from annotate.api.waiting import WaitingShape
from routing.models import DomainTest, JudgeCall, JudgeRun, JudgeTestRun, Suggestion


class JudgeLimits(s.Serializer):
    input_price = s.CharField(required=False, help_text="Dollars for a million tokens sent.")
    output_price = s.CharField(required=False, help_text="Dollars for a million answered.")
    spending_limit = s.CharField(required=False, help_text="Dollars; no call begins beyond it.")
    requests_per_minute = s.IntegerField(required=False, allow_null=True)
    tokens_per_minute = s.IntegerField(required=False, allow_null=True)
    concurrency = s.IntegerField(required=False, help_text="Calls at a time.")
    attempts = s.IntegerField(required=False, help_text="Of one call.")
    patience = s.IntegerField(required=False, help_text="Seconds for one call.")


class JudgeRequest(s.Serializer):
    name = s.CharField(help_text="A name that is there already gets a new version.")
    kind = s.CharField()
    config = s.DictField(help_text="As the kind has it; see docs/judges.md.")
    limits = JudgeLimits(required=False)


class JudgeSpending(JudgeLimits):
    spent = s.CharField()
    reserved = s.CharField(help_text="The most that calls under way can cost.")


class JudgeShape(s.Serializer):
    id = s.IntegerField()
    name = s.CharField()
    version = s.IntegerField()
    kind = s.CharField()
    config = s.DictField()
    limits = JudgeSpending()
    calls = s.DictField(child=s.IntegerField(), help_text="Of this version, by state.")
    cost = s.CharField(help_text="Of this version, in dollars.")
    seconds_per_call = s.FloatField(allow_null=True, help_text="Of its answered calls, on average.")
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "Judge"


class RunRequest(s.Serializer):
    purpose = s.ChoiceField(JudgeRun.Purpose.choices, required=False)
    most_tasks = s.IntegerField(required=False, allow_null=True)
    retry_failed = s.BooleanField(required=False, help_text="Also ask again what failed for good.")


class RunShape(WaitingShape):
    """A judge's work through tasks. A dry run labels nothing and reports instead."""

    class Meta:
        model = JudgeRun
        ref_name = "JudgeRun"
        fields = [
            *("id", "judge", "purpose", "state", "progress", "total", "message", "labelled"),
            *("abstained", "failed", "report", "most_tasks", "retry_failed", "created_at"),
            "waits_because",
        ]


class CallShape(s.ModelSerializer):
    class Meta:
        model = JudgeCall
        ref_name = "JudgeCall"
        fields = [
            *("id", "judge", "task", "run", "shown_order", "sample", "attempt", "template"),
            *("state", "failure", "detail", "raw", "p_first", "value", "prompt_tokens"),
            *("completion_tokens", "reserved", "cost", "seconds", "created_at", "finished_at"),
        ]


class SuggestionShape(s.ModelSerializer):
    class Meta:
        model = Suggestion
        ref_name = "Suggestion"
        fields = ["id", "judge", "task", "kind", "schema_version", "value", "created_at"]


class DecisionsShape(s.Serializer):
    answers = s.IntegerField(help_text="People's, that were shown any.")
    accepted = s.IntegerField(help_text="Marks.")
    changed = s.IntegerField()
    dismissed = s.IntegerField()
    undecided = s.IntegerField()
    share = s.FloatField(allow_null=True, help_text="Accepted among those decided on.")
    low = s.FloatField(allow_null=True, help_text="95 % interval, by tasks.")
    high = s.FloatField(allow_null=True)

    class Meta:
        ref_name = "JudgeDecisions"


class PassedShape(s.Serializer):
    right = s.IntegerField()
    count = s.IntegerField()
    share = s.FloatField(allow_null=True)
    low = s.FloatField(allow_null=True, help_text="95 % interval (Wilson).")
    high = s.FloatField(allow_null=True)

    class Meta:
        ref_name = "JudgeKnownAnswers"


class DomainShape(s.ModelSerializer):
    class Meta:
        model = DomainTest
        ref_name = "DomainTest"
        fields = [
            *("grouping", "domain", "passed", "winning_rate", "advantage", "items", "people"),
            *("comparisons", "missing"),
        ]


class TestRequest(s.Serializer):
    epsilon = s.FloatField(
        required=False, help_text="0..1; .1 beside a crowd, .15 skilled people, .2 experts."
    )

    class Meta:
        ref_name = "JudgeTestRequest"


class TestRunShape(s.ModelSerializer):
    class Meta:
        model = JudgeTestRun
        ref_name = "JudgeTestRun"
        fields = [
            *("id", "judge", "epsilon", "level", "state", "progress", "total", "message"),
            *("created_at", "finished_at"),
        ]


class TestShape(s.Serializer):
    run = TestRunShape(allow_null=True, help_text="The latest.")
    domains = DomainShape(many=True)

    class Meta:
        ref_name = "JudgeTest"


class CallPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = CallShape(many=True)


class SuggestionPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = SuggestionShape(many=True)
