"""Whose labels the figures of routing count as people's."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotate.models import Judgement, Project


class PeopleCounted(models.Model):
    """Whether simulated people count as people in a project's figures, fits and tests of routing.
    Projects without a row count them.
    """

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="people_counted"
    )
    simulated = models.BooleanField()
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    chosen_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"people counted in {self.project_id}"


def of_people(answers: QuerySet[Judgement]) -> QuerySet[Judgement]:
    """Those that count as people's, imported ones among them. Not what a known answer checked: such
    tasks are chosen, and asked of far more people than others.
    """
    return answers.exclude(source=Judgement.Source.JUDGE).filter(counted(), is_gold=False)


def counted() -> Q:
    """Of people's judgements those that count: all, or without simulated people's."""
    left_out = PeopleCounted.objects.filter(project=OuterRef("project"), simulated=False)
    return Q(simulated=False) | ~Exists(left_out)
