"""The latest judgements: what the figures of the overview are taken from.

A project may hold millions; a window of fixed size keeps every figure as quick as on the first
day. Each page that shows such a figure says how many judgements it was taken from.
"""

from django.db.models import (
    Avg,
    BigIntegerField,
    Case,
    Exists,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.aggregates import Aggregate
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from annotate.models import Judgement, Project

LATEST = 20_000


class Median(Aggregate):
    """PostgreSQL's interpolated median."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def latest_judgements(project: Project, limit: int = LATEST) -> QuerySet[Judgement]:
    """The people's among the project's `limit` latest judgements, superseded ones left out.

    One query finds where the window begins, by a walk back along the index
    `judgement_of_project`; with that place as a value the planner reads only the window.
    """
    begin = _begin(project, limit)
    # What supersedes a row is newer than it, hence in the window too; saying so saves a scan.
    newer = Judgement.objects.filter(pk__gte=begin, supersedes=OuterRef("pk"))
    mine = Judgement.objects.filter(project=project, pk__gte=begin)
    return mine.filter(~Exists(newer)).by_people()


def latest_as_given(project: Project, limit: int = LATEST) -> QuerySet[Judgement]:
    """What people said by themselves among the project's `limit` latest judgements: see
    `JudgementQuerySet.as_given`. Norming answers are left out.
    """
    begin = _begin(project, limit)
    mine = Judgement.objects.filter(project=project, pk__gte=begin).by_people()
    return mine.as_given(begin).outside_norming()


def _begin(project: Project, limit: int) -> int:
    ids = Judgement.objects.filter(project=project).order_by("-id").values_list("id", flat=True)
    return next(iter(ids[limit - 1 : limit]), 0)


def share(condition: Q, of: Q) -> Avg:
    """The share of rows that meet `condition` among those that meet `of`; None without any."""
    return Avg(
        Case(When(condition, then=Value(1.0)), default=Value(0.0), output_field=FloatField()),
        filter=of,
    )


COMPARES = Q(kind__in=["pairwise", "context", "joint"])
PREFERS = COMPARES & Q(value__verdict="prefer")
TIE_SHARE = share(~PREFERS, COMPARES)
FIRST_SHARE = share(Q(preferred_id=F("shown_order__0")), PREFERS & Q(shown_order__len__gt=0))
PREFERRED_ID = Cast(KT("value__preferred"), BigIntegerField())
