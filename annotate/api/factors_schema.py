"""Shapes of reports on factors, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.factors.texts import FACTORS
from annotate.models import JobState
from annotate.services.reports.board_rules import BY, CHOICES, METADATA


class FactorRules(s.Serializer):
    source = s.CharField(
        required=False, help_text=f"people when left out; one of: {', '.join(CHOICES['source'])}."
    )
    simulated = s.CharField(
        required=False,
        help_text=f"exclude when left out; one of: {', '.join(CHOICES['simulated'])}.",
    )
    group = s.CharField(
        required=False,
        help_text=f"By role; all when left out; one of: {', '.join(CHOICES['group'])}.",
    )
    by = s.CharField(
        required=False,
        allow_blank=True,
        help_text=f"Categories: {', '.join(one for one in BY if one)}, {METADATA}<key>, or none.",
    )
    ties = s.CharField(
        required=False, help_text=f"davidson when left out; one of: {', '.join(CHOICES['ties'])}."
    )


class FactorEffect(s.Serializer):
    effect = s.FloatField(help_text="Log odds of being chosen for one spread more of the factor.")
    low = s.FloatField(allow_null=True, help_text="Of the 95 % interval.")
    high = s.FloatField(allow_null=True)


class PersonsEffect(FactorEffect):
    differs = s.BooleanField(help_text="Whether the interval leaves out what holds for all.")


class FactorShare(s.Serializer):
    share = s.FloatField(help_text="How often the response with more of it was put first.")
    low = s.FloatField(allow_null=True)
    high = s.FloatField(allow_null=True)
    count = s.IntegerField(help_text="Comparisons whose two responses differ in it.")


class FactorExamples(s.Serializer):
    chosen = s.ListField(
        child=s.IntegerField(), help_text="Judgements that put the response with more of it first."
    )
    rejected = s.ListField(child=s.IntegerField())


class Factor(s.Serializer):
    name = s.CharField(help_text=f"One of: {', '.join(FACTORS)}.")
    apart = s.IntegerField(help_text="Votes whose responses differ in it.")
    share = FactorShare()
    alone = FactorEffect()
    together = FactorEffect(help_text="Beside all other factors.")
    within = FactorEffect(allow_null=True, help_text="And beside the strengths of the models.")
    q = s.FloatField(help_text="The false discovery rate at which `together` is told from none.")
    spread = s.FloatField(allow_null=True, help_text="Standard deviation over people.")
    spread_p = s.FloatField(
        allow_null=True, help_text="How likely so much spread is among people who are all alike."
    )
    examples = FactorExamples()


class FactorPart(s.Serializer):
    name = s.CharField()
    ballots = s.IntegerField()
    effects = FactorEffect(many=True, help_text="In the order of `factors`.")


class FactorGroup(FactorPart):
    sort = s.ChoiceField(["role", "tier", "team"])
    people = s.IntegerField()


class FactorPerson(s.Serializer):
    author = s.CharField(help_text="A pseudonym, or a judge with its version.")
    ballots = s.IntegerField()
    effects = PersonsEffect(many=True)


class Foretold(s.Serializer):
    share = s.FloatField(help_text="Of held-out comparisons that the factors foretell.")
    low = s.FloatField()
    high = s.FloatField()
    by_length = s.FloatField(allow_null=True, help_text="The same by the length alone.")
    count = s.IntegerField()


class FactorResult(s.Serializer):
    factors = Factor(many=True)
    rare = s.ListField(child=s.CharField(), help_text="In which too few votes differ.")
    ballots = s.IntegerField()
    within_ballots = s.IntegerField(help_text="Whose models are all known and different.")
    clusters = s.IntegerField(help_text="Authors, or prompts, that intervals are over.")
    clusters_of = s.CharField(help_text="people, or prompts where fewer than five people voted.")
    foretold = Foretold(allow_null=True)
    categories = FactorPart(many=True)
    small = s.IntegerField(help_text="Categories with too few votes.")
    groups = FactorGroup(many=True)
    people = FactorPerson(many=True)
    counts = s.DictField(child=s.IntegerField())
    left_out = s.DictField(child=s.IntegerField())


class FactorRunSummary(s.Serializer):
    id = s.IntegerField()
    project = s.IntegerField()
    rules = FactorRules()
    state = s.ChoiceField(JobState.choices)
    judgements_read = s.IntegerField()
    message = s.CharField(allow_blank=True)
    waits_because = s.CharField(allow_blank=True, help_text="Why it is queued still, else empty.")
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)


class FactorRunBody(FactorRunSummary):
    result = FactorResult(allow_null=True)


class FactorRunPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = FactorRunSummary(many=True)
