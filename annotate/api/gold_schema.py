"""The shapes of known answers and of the rules of work, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.models import GoldItem as GoldItemRow
from annotate.models import Standing as StandingRow


class GoldChange(s.Serializer):
    use = s.ChoiceField(
        GoldItemRow.Use.choices,
        required=False,
        help_text="hidden and attention: mixed in unseen; quiz; training.",
    )
    explanation = s.CharField(required=False, allow_blank=True, help_text="Markdown.")
    tolerance = s.FloatField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1,
        help_text="Distance that still counts as right; null: as the kind has it.",
    )


class GoldRequest(GoldChange):
    value = s.DictField(help_text="The known answer, as answers of the project's kind.")


class GoldItem(s.Serializer):
    task = s.IntegerField()
    value = s.DictField()
    use = s.ChoiceField(GoldItemRow.Use.choices)
    explanation = s.CharField()
    tolerance = s.FloatField(allow_null=True)
    origin = s.ChoiceField(GoldItemRow.Origin.choices)
    created_at = s.DateTimeField()
    retired_at = s.DateTimeField(allow_null=True)
    right = s.IntegerField(help_text="Right answers to it where it was mixed in unseen.")
    answers = s.IntegerField()


class GoldPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = GoldItem(many=True)


class GoldProposal(s.Serializer):
    task = s.IntegerField()
    people = s.IntegerField(help_text="Who answered it, all alike.")
    value = s.DictField()


class GoldProposals(s.Serializer):
    results = GoldProposal(many=True)


class Rules(s.Serializer):
    gold_percent = s.IntegerField(min_value=0, max_value=50)
    gold_floor = s.IntegerField(min_value=0, max_value=100)
    gold_floor_from = s.IntegerField(min_value=1, max_value=1000)
    training = s.BooleanField()
    quiz_pass_percent = s.IntegerField(min_value=0, max_value=100, help_text="0: no quiz.")
    quiz_tries = s.IntegerField(min_value=0, max_value=100, help_text="0: any number.")
    quiz_wait_minutes = s.IntegerField(min_value=0)
    cap_hour = s.IntegerField(min_value=0, help_text="0: no limit; also of the next two.")
    cap_day = s.IntegerField(min_value=0)
    cap_total = s.IntegerField(min_value=0)
    break_minutes = s.IntegerField(min_value=0, help_text="0: no pause is suggested.")


class Checked(s.Serializer):
    member = s.IntegerField(help_text="The membership's id.")
    user = s.CharField()
    pseudonym = s.CharField()
    simulated = s.BooleanField()
    right = s.IntegerField(help_text="Hidden items answered right.")
    answers = s.IntegerField(help_text="Hidden items answered.")
    share = s.FloatField(allow_null=True)
    low = s.FloatField(allow_null=True, help_text="Wilson's 95 % interval of the share.")
    high = s.FloatField(allow_null=True)
    attention_right = s.IntegerField(help_text="Of these, attention checks.")
    attention_answers = s.IntegerField()
    paused_at = s.DateTimeField(allow_null=True)
    paused_why = s.ChoiceField(StandingRow.Why.choices, allow_blank=True)

    class Meta:
        ref_name = "CheckedMember"


class CheckedList(s.Serializer):
    results = Checked(many=True)
