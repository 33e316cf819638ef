"""Shapes of leaderboards, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.models import JobState
from annotate.ranking.style import STYLES
from annotate.services.reports.board_rules import BY, CHOICES, METADATA


class BoardRules(s.Serializer):
    source = s.ChoiceField(CHOICES["source"], required=False, help_text="people when left out.")
    simulated = s.ChoiceField(
        CHOICES["simulated"], required=False, help_text="exclude when left out."
    )
    group = s.ChoiceField(
        CHOICES["group"], required=False, help_text="By role in the project; all when left out."
    )
    team = s.CharField(
        required=False,
        allow_blank=True,
        help_text="Only votes of people who are in this team of the project now, by its name.",
    )
    question = s.CharField(
        required=False,
        allow_blank=True,
        help_text="The name of a question on oneself: with `answer`, a board of a group of people.",
    )
    answer = s.CharField(
        required=False,
        allow_blank=True,
        help_text="A choice of it: only votes of people who told this, ten of them at least.",
    )
    by = s.CharField(
        required=False,
        allow_blank=True,
        help_text=f"Categories: {', '.join(one for one in BY if one)}, {METADATA}<key>, or none.",
    )
    ties = s.ChoiceField(CHOICES["ties"], required=False, help_text="davidson when left out.")
    style = s.ListField(
        child=s.ChoiceField(STYLES), required=False, help_text="All of them when left out."
    )
    most = s.IntegerField(
        required=False, allow_null=True, help_text="Votes of one person that count at most."
    )
    intervals = s.ChoiceField(CHOICES["intervals"], required=False)


class BoardSummary(s.Serializer):
    id = s.IntegerField()
    project = s.IntegerField()
    number = s.IntegerField()
    note = s.CharField(allow_blank=True)
    rules = BoardRules()
    counts = s.DictField(child=s.IntegerField())
    sha256 = s.CharField(help_text="Over the rules and every vote, in order of judgements.")
    created_at = s.DateTimeField()


class BoardPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = BoardSummary(many=True)


class BoardRow(s.Serializer):
    model = s.IntegerField(help_text="Its place in `models`.")
    strength = s.FloatField(help_text="In nats about the mean: differences are log odds.")
    low = s.FloatField(allow_null=True, help_text="Of the 95 % interval.")
    high = s.FloatField(allow_null=True)
    rank = s.IntegerField()
    best = s.IntegerField(help_text="The best rank that the intervals leave open.")
    worst = s.IntegerField()
    votes = s.IntegerField()
    wins = s.IntegerField(help_text="Over single models; an order compares every two.")
    losses = s.IntegerField()
    ties = s.IntegerField()
    bad = s.IntegerField(help_text="Answers that called every response bad.")


class BoardEffect(s.Serializer):
    name = s.CharField(help_text=f"One of: {', '.join(STYLES)}.")
    effect = s.FloatField(help_text="In nats for one standard deviation; position: first to last.")
    low = s.FloatField(allow_null=True)
    high = s.FloatField(allow_null=True)


class FittedBoard(s.Serializer):
    rows = BoardRow(many=True)
    effects = BoardEffect(many=True)
    tie_odds = s.ListField(child=s.FloatField(), help_text="Log odds of ties by size, from two.")
    clusters = s.IntegerField(help_text="Authors, or prompts, that intervals are over.")


class LengthEffect(s.Serializer):
    effect = s.FloatField(help_text="In nats, of tanh(difference / standard deviation).")
    low = s.FloatField(allow_null=True)
    high = s.FloatField(allow_null=True)


class LengthRate(s.Serializer):
    model = s.IntegerField(help_text="Its place in `models`.")
    rate = s.FloatField(
        allow_null=True, help_text="Share of the win against every other model, lengths equal."
    )
    low = s.FloatField(allow_null=True, help_text="Of the 95 % interval.")
    high = s.FloatField(allow_null=True)


class LengthControlled(s.Serializer):
    effect = LengthEffect()
    rows = LengthRate(many=True)


class BoardVariants(s.Serializer):
    plain = FittedBoard()
    style = FittedBoard(required=False)
    length = LengthControlled(
        required=False, help_text="Where length is among the styles, and responses differ in it."
    )


class BoardCategory(s.Serializer):
    name = s.CharField()
    ballots = s.IntegerField()


class BoardResult(s.Serializer):
    models = s.ListField(child=s.CharField())
    categories = BoardCategory(many=True)
    small = s.IntegerField(help_text="Categories with too few votes for a board.")
    boards = s.DictField(child=BoardVariants(), help_text='By category; "" is all votes.')
    pairs = s.DictField(
        child=s.ListField(child=s.ListField(child=s.IntegerField())),
        help_text="By category: [first, second, first won, second won, tied].",
    )
    counts = s.DictField(child=s.IntegerField())
    left_out = s.DictField(child=s.IntegerField())
    intervals = s.ChoiceField(["people", "prompts"])


class Board(BoardSummary):
    result = BoardResult()


class BoardRun(s.Serializer):
    id = s.IntegerField()
    project = s.IntegerField()
    rules = BoardRules()
    state = s.ChoiceField(JobState.choices)
    judgements_read = s.IntegerField()
    message = s.CharField(allow_blank=True)
    waits_because = s.CharField(allow_blank=True, help_text="Why it is queued still, else empty.")
    result = BoardResult(allow_null=True)
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)


class PublishRequest(s.Serializer):
    note = s.CharField(required=False, allow_blank=True, max_length=2000)
