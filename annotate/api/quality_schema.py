"""The shapes of reports on quality and of consensus, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.api.interchange_schema import ExportedJudgement
from annotate.models import Consensus as ConsensusRow
from annotate.models import JobState, Voices


class QualityRun(s.Serializer):
    id = s.IntegerField()
    state = s.ChoiceField(JobState.choices)
    percent = s.IntegerField(allow_null=True)
    message = s.CharField()
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "QualityRun"


class Figure(s.Serializer):
    value = s.FloatField()
    low = s.FloatField(allow_null=True, help_text="Of the 95 % interval.")
    high = s.FloatField(allow_null=True)

    class Meta:
        ref_name = "QualityFigure"


class Among(s.Serializer):
    name = s.CharField(required=False, help_text="Of the stratum or the language.")
    first = s.CharField(required=False, help_text="The first day of the stretch of time.")
    last = s.CharField(required=False)
    items = s.IntegerField(help_text="With labels of two or more.")
    labels = s.IntegerField()
    alpha = Figure(allow_null=True, help_text="Krippendorff's, at the level of the question.")
    percent = Figure(required=False, allow_null=True, help_text="Share of equal pairs, 0 … 1.")
    w = Figure(required=False, allow_null=True, help_text="Kendall's, of orders.")
    exact = Figure(required=False, allow_null=True, help_text="F1 of equal spans, of marks.")
    partial = Figure(required=False, allow_null=True)
    characters = Figure(required=False, allow_null=True)

    class Meta:
        ref_name = "QualityAmong"


class Pair(Among):
    first = s.CharField(help_text="A rater.")
    second = s.CharField()
    kappa = Figure(required=False, allow_null=True, help_text="Cohen's; of steps, weighted.")
    tau = Figure(required=False, allow_null=True, help_text="Kendall's tau-b, of orders.")
    name = last = labels = alpha = w = None

    class Meta:
        ref_name = "QualityPair"


class Question(s.Serializer):
    question = s.CharField(help_text="Empty for what the kind asks first.")
    sort = s.ChoiceField(["labels", "orders", "marks"])
    level = s.ChoiceField(["nominal", "ordinal", "interval"])
    overall = Among()
    strata = Among(many=True)
    languages = Among(many=True)
    stretches = Among(many=True, help_text="Of time: days, weeks or months.")
    pairs = Pair(many=True, help_text="The two by two with the most in common.")

    class Meta:
        ref_name = "QualityQuestion"


class Figures(s.Serializer):
    judgements = s.IntegerField()
    median_seconds = s.FloatField(allow_null=True)
    timed = s.IntegerField()
    hasty = s.IntegerField(help_text="Under `hasty_below` seconds.")
    hasty_flagged = s.BooleanField()
    run = s.DictField(allow_null=True, help_text="The longest of equal answers.")
    flat = s.IntegerField(help_text="Answers whose ratings are all alike.")
    rows_of_numbers = s.IntegerField()
    flat_flagged = s.BooleanField()
    side = s.DictField(allow_null=True, help_text="How often the first shown was chosen.")
    texts = s.IntegerField()
    repeated = s.IntegerField()
    shared = s.IntegerField(help_text="With words that somebody else wrote too.")
    reliability = s.DictField(allow_null=True, help_text="{labels, value, low, high}")
    gold = s.DictField(allow_null=True, help_text="The same, where the answer is known.")
    trust = s.ListField(child=s.DictField(), help_text="Of orders, by question.")

    class Meta:
        ref_name = "QualityOfOne"


class Person(Figures):
    rater = s.CharField(help_text="A pseudonym, or a judge.")

    class Meta:
        ref_name = "QualityOfPerson"


class VoicesReport(s.Serializer):
    judgements = s.IntegerField()
    tasks = s.IntegerField()
    double = s.IntegerField(help_text="Tasks with two or more judgements.")
    raters = s.IntegerField()
    hasty_below = s.FloatField(allow_null=True)
    questions = Question(many=True)
    people = Person(many=True)
    against_people = s.ListField(
        child=s.DictField(),
        required=False,
        help_text="How often each gives the label that most people gave.",
    )

    class Meta:
        ref_name = "QualityOfVoices"


class Quality(s.Serializer):
    computed_at = s.DateTimeField(allow_null=True, help_text="Null: there is no report yet.")
    version = s.IntegerField(allow_null=True, help_text="Of the report's form.")
    judgements = s.IntegerField(help_text="That were counted.")
    new = s.IntegerField(help_text="That came since.")
    run = QualityRun(allow_null=True, help_text="The latest run, also one that failed.")
    cut = s.BooleanField(help_text="Whether only the newest tasks were counted.")
    gold_unreadable = s.IntegerField()
    aided = s.IntegerField(help_text="Answers of people who were shown what judges suggest.")
    voices = s.DictField(child=VoicesReport(), help_text=f"By {', '.join(Voices.values)}.")

    class Meta:
        ref_name = "Quality"


class OwnQuality(s.Serializer):
    computed_at = s.DateTimeField(allow_null=True)
    figures = Figures(allow_null=True)

    class Meta:
        ref_name = "OwnQuality"


class Consensus(s.Serializer):
    task = s.IntegerField()
    voices = s.ChoiceField(Voices.choices)
    method = s.ChoiceField(ConsensusRow.Method.choices)
    version = s.IntegerField(help_text="Of the method.")
    votes = s.IntegerField()
    answers = s.ListField(
        child=s.DictField(),
        help_text="Each with question, about, votes, posterior, entropy, divided; a label (with "
        "`preferred` where that is a response), an order, or spans; and `minds` where divided.",
    )
    entropy = s.FloatField(help_text="Bits, of the least sure answer.")
    divided = s.FloatField(help_text="P(people are of two minds) about the most divided answer.")
    computed_at = s.DateTimeField()

    class Meta:
        ref_name = "Consensus"


class ConsensusPage(s.Serializer):
    next = s.CharField(allow_null=True)
    results = Consensus(many=True)

    class Meta:
        ref_name = "ConsensusPage"


class QualityAnswerPage(s.Serializer):
    next = s.CharField(allow_null=True)
    results = ExportedJudgement(many=True)

    class Meta:
        ref_name = "QualityAnswerPage"


class QualityItemAnswer(s.Serializer):
    judgement = s.IntegerField()
    rater = s.CharField(help_text="As the report names them.")
    says = s.ListField(
        child=s.DictField(),
        help_text="Each with its question: `about` and `label`, or `order` and `rest`, or "
        "`response` and `marks` (start, end, type) by part.",
    )

    class Meta:
        ref_name = "QualityItemAnswer"


class QualityItem(s.Serializer):
    task = s.IntegerField()
    about = s.CharField(help_text="Of what in the task: as of a consensus; empty for all of it.")
    answers = QualityItemAnswer(many=True)

    class Meta:
        ref_name = "QualityItem"


class QualityItemPage(s.Serializer):
    next = s.CharField(allow_null=True)
    results = QualityItem(many=True)

    class Meta:
        ref_name = "QualityItemPage"
