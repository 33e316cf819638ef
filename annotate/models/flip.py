"""Labels of AI judges that were turned round by what came later."""

from django.db import models
from django.db.models import Exists, OuterRef

from annotate.models.judgement import Judgement


class LabelFlipQuerySet(models.QuerySet["LabelFlip"]):
    def in_force(self) -> "LabelFlipQuerySet":
        """The newest of each judgement, unless it takes the flip back."""
        newer = LabelFlip.objects.filter(judgement=OuterRef("judgement"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(newer), value__isnull=False)


class LabelFlip(models.Model):
    """What a judge's label is taken to be by whoever asks for turned labels. Append-only.

    The judgement itself stays, and stays current: it is what the judge said. The newest row of a
    judgement counts; one without a value takes an earlier one back. Triggers refuse UPDATE, DELETE
    and TRUNCATE.
    """

    # Look-ups by judgement go through label_flip_newest.
    judgement = models.ForeignKey(
        Judgement, on_delete=models.PROTECT, related_name="flips", db_index=False
    )
    value = models.JSONField(null=True, help_text="In the kind's form; empty: taken back.")
    why = models.JSONField(default=dict, help_text="What turned it, and by what figures.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LabelFlipQuerySet.as_manager()

    class Meta:
        indexes = [
            # Exports: the newest flip of a judgement.
            models.Index(fields=["judgement", "-id"], name="label_flip_newest"),
        ]

    def __str__(self) -> str:
        return f"flip of {self.judgement}" if self.value is not None else f"{self.judgement} as is"
