"""The shapes of training and quiz, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.api.schema import Form, ShownPrompt, ShownResponse
from annotate.models import PracticeRun


class PracticeEnd(s.Serializer):
    right = s.IntegerField()
    of = s.IntegerField(help_text="Items that were answered.")
    passed = s.BooleanField()
    ended_at = s.DateTimeField()


class PracticeItem(s.Serializer):
    run = s.IntegerField()
    task = s.IntegerField()
    answered = s.IntegerField(help_text="Items of this run so far.")
    prompt = ShownPrompt()
    responses = ShownResponse(many=True, help_text="In the order in which to show them.")
    context = s.DictField()
    form = Form()


class Practice(s.Serializer):
    stage = s.ChoiceField(
        PracticeRun.Stage.choices, allow_null=True, help_text="null: nothing is left to do."
    )
    items = s.IntegerField(help_text="In this stage.")
    pass_percent = s.IntegerField()
    tries_left = s.IntegerField(allow_null=True, help_text="null: any number.")
    wait_until = s.DateTimeField(allow_null=True, help_text="No try before.")
    last = PracticeEnd(allow_null=True, help_text="The last try at the quiz.")
    item = PracticeItem(allow_null=True, help_text="Asked now; null before POST begins a run.")


class PracticeAnswerRequest(s.Serializer):
    run = s.IntegerField()
    task = s.IntegerField()
    value = s.DictField(help_text="As of a judgement.")
    rationale = s.CharField(required=False)
    seconds_active = s.FloatField(required=False, min_value=0, max_value=86400)


class PracticeAnswer(s.Serializer):
    task = s.IntegerField()
    right = s.BooleanField(allow_null=True, help_text="Of training; null in a quiz.")
    known = s.DictField(allow_null=True, help_text="The known answer, of training.")
    explanation = s.CharField(allow_null=True, help_text="Markdown, of training.")
    ended = PracticeEnd(allow_null=True, help_text="Where this was the last item.")


class Qualified(s.Serializer):
    member = s.IntegerField(help_text="The membership's id.")
    user = s.CharField()
    pseudonym = s.CharField()
    simulated = s.BooleanField()
    trained_at = s.DateTimeField(allow_null=True)
    qualified_at = s.DateTimeField(allow_null=True)
    tries = s.IntegerField(help_text="At the quiz, that ended.")
    last = PracticeEnd(allow_null=True)
    in_hour = s.IntegerField(help_text="Tasks answered in the hour that counts now.")
    in_day = s.IntegerField(help_text="In the 24 hours that count now.")
    in_all = s.IntegerField()

    class Meta:
        ref_name = "QualifiedMember"


class QualifiedList(s.Serializer):
    results = Qualified(many=True)
