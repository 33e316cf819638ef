"""The shapes of review, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.api.bulk import MOST
from annotate.models import Review as ReviewRow


class ReviewRequest(s.Serializer):
    decision = s.ChoiceField(ReviewRow.Decision.choices)
    note = s.CharField(required=False, max_length=5000, help_text="Needed with return.")
    value = s.JSONField(required=False, help_text="The amended answer, as the kind has it.")
    rationale = s.CharField(required=False, help_text="Of the amended answer.")
    dismiss_others = s.BooleanField(
        required=False, help_text="With accept or amend: the task's other answers count no more."
    )
    seen = s.IntegerField(
        required=False, help_text="The newest decision about the task that was read; 0 for none."
    )
    seen_judgement = s.IntegerField(
        required=False, help_text="The task's newest judgement that was read; with dismiss_others."
    )


class Review(s.Serializer):
    id = s.IntegerField()
    task = s.IntegerField()
    judgement = s.IntegerField()
    decision = s.ChoiceField(ReviewRow.Decision.choices)
    note = s.CharField()
    reviewer = s.CharField(help_text="A pseudonym.")
    author = s.CharField(allow_null=True, help_text="Of the answer; a pseudonym.")
    amended = s.IntegerField(allow_null=True, help_text="The judgement that supersedes it.")
    settles_task = s.BooleanField(help_text="Whether it is the only answer that counts.")
    replaces = s.IntegerField(allow_null=True, help_text="An earlier decision about the answer.")
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "Review"


class ReviewOfMany(s.Serializer):
    judgement = s.IntegerField(min_value=0)
    decision = s.ChoiceField(ReviewRow.Decision.choices)
    note = s.CharField(required=False, max_length=5000, help_text="Needed with return.")
    value = s.JSONField(required=False, help_text="The amended answer, as the kind has it.")
    rationale = s.CharField(required=False, help_text="Of the amended answer.")
    seen = s.IntegerField(
        required=False,
        min_value=0,
        help_text="The newest decision about the task that was read; 0 for none.",
    )


class ManyReviews(s.Serializer):
    items = s.ListField(child=ReviewOfMany(), min_length=1, max_length=MOST)


class FieldWrong(s.Serializer):
    field = s.CharField()
    message = s.CharField()


class ReviewedRow(s.Serializer):
    judgement = s.IntegerField(allow_null=True)
    status = s.ChoiceField(
        [(one, str(one)) for one in (201, 200, 400, 403, 404, 409)],
        help_text="As of the same decision by itself.",
    )
    review = Review(allow_null=True, help_text="Null where it was refused.")
    errors = FieldWrong(many=True, help_text="Why it was refused.")


class ReviewedRows(s.Serializer):
    results = ReviewedRow(many=True)


class ReviewPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Review(many=True)

    class Meta:
        ref_name = "ReviewPage"


class QueueItem(s.Serializer):
    task = s.IntegerField()
    judgement = s.IntegerField(allow_null=True, help_text="Null in the queue of divided tasks.")
    author = s.CharField(allow_null=True, help_text="A pseudonym, or a judge.")
    flag = s.CharField()
    decision = s.CharField(allow_null=True, help_text="The newest one.")
    divided = s.FloatField(allow_null=True, help_text="P(people are of two minds).")

    class Meta:
        ref_name = "ReviewQueueItem"


class QueuePage(s.Serializer):
    next = s.CharField(allow_null=True)
    results = QueueItem(many=True)

    class Meta:
        ref_name = "ReviewQueuePage"


class Stages(s.Serializer):
    waiting = s.IntegerField(help_text="Drawn for a review and undecided.")
    returned = s.IntegerField()
    accepted = s.IntegerField(help_text="Or amended.")
    dismissed = s.IntegerField()
    free = s.IntegerField(help_text="Undecided, and not in need of a review.")

    class Meta:
        ref_name = "ReviewStages"


class Returned(s.Serializer):
    judgement = s.IntegerField()
    task = s.IntegerField()
    note = s.CharField(help_text="What the reviewer asks to look at.")
    value = s.JSONField()
    rationale = s.CharField()
    returned_at = s.DateTimeField()

    class Meta:
        ref_name = "ReturnedAnswer"
