"""What was answered: judgements by people and by judges. Append-only."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import FormVersion, Project
from annotate.models.task import Seat, Task


class Judge(models.Model):
    """An AI annotator at one version. What `kind` does with `config` is routing's to say."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judges")
    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=32, help_text="A name in routing's judge registry.")
    config = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="judge_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


# Of a judgement `j`: when it came here, which is what "since" means of what was not yet looked at.
ARRIVED = "coalesce(j.arrived_at, j.submitted_at)"

# As datetime.isoformat writes it; the driver is slow at making datetimes with a zone.
ISO_TIME = """
    replace(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), '.000000', '')"""


class JudgementQuerySet(models.QuerySet):
    def current(self) -> "JudgementQuerySet":
        """Without those that a later judgement supersedes."""
        return self.filter(superseded_by=None)

    def labels(self) -> "JudgementQuerySet":
        """What counts as labels, wherever the project's data are meant: the current answers, so a
        reviewer's amendment in place of what it amends, that no reviewer dismissed and that were
        asked for as ordinary work. An export without filters has the same ones.
        """
        return self.current().ordinary().standing()

    def as_given(
        self, since: int = 0, *, newest: int | None = None, review: int | None = None
    ) -> "JudgementQuerySet":
        """What everybody said by themselves, for figures about people: without reviewers'
        amendments, with what these supersede, and without what was dismissed, but for what was only
        because another answer alone was to count.

        `since`: no older ids are asked for; saying so saves a scan. `newest`, `review`: as it was
        when these were the newest judgement and the newest decision of a reviewer.
        """
        from annotate.models.review import Review

        changed = Judgement.objects.filter(supersedes=OuterRef("pk"), amendment=None)
        if since:
            changed = changed.filter(pk__gte=since)
        rows = self
        if newest is not None:
            rows, changed = rows.filter(pk__lte=newest), changed.filter(pk__lte=newest)
        decided = (
            Review.objects.dismissing() if review is None else Review.objects.dismissed(review)
        )
        out = decided.filter(judgement=OuterRef("pk"), settled_by=None)
        return rows.filter(~Exists(changed), ~Exists(out), amendment=None)

    def ordinary(self) -> "JudgementQuerySet":
        """Neither checks of their authors by a known answer nor given in norming sessions."""
        return self.filter(is_gold=False).outside_norming()

    def outside_norming(self) -> "JudgementQuerySet":
        from annotate.models.norming import NormingSeat

        return self.filter(~Exists(NormingSeat.objects.filter(seat=OuterRef("seat"))))

    def standing(self) -> "JudgementQuerySet":
        """Without those that a reviewer dismissed, if that is the newest decision about them."""
        from annotate.models.review import Review

        out = Review.objects.dismissing().filter(judgement=OuterRef("pk"))
        return self.filter(~Exists(out))

    def arrived_after(self, moment: datetime) -> "JudgementQuerySet":
        """What was not here at that moment, whenever it was given: imports bring older answers."""
        return self.filter(Q(arrived_at__gt=moment) | Q(arrived_at=None, submitted_at__gt=moment))

    def by_people(self) -> "JudgementQuerySet":
        return self.filter(source=Judgement.Source.PERSON)


class Judgement(models.Model):
    """One answer to one task. A change of mind is a new row that supersedes the old one.

    `value` is validated by the kind's module and names response ids, never sides. An imported
    one may also carry what its file brought along, such as a preference's `margin`.
    Triggers refuse UPDATE, DELETE and TRUNCATE.
    """

    class Source(models.TextChoices):
        PERSON = "person", _("Person")
        JUDGE = "judge", _("AI judge")
        IMPORTED = "imported", _("Imported")

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="judgements", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="judgements")
    form_version = models.ForeignKey(
        FormVersion,
        on_delete=models.PROTECT,
        related_name="judgements",
        null=True,
        blank=True,
        db_index=False,
        help_text="What its author was asked; empty where nobody was shown a form.",
    )
    kind = models.CharField(max_length=32)
    schema_version = models.PositiveSmallIntegerField(default=1)
    value = models.JSONField()
    rationale = models.TextField(blank=True)
    flag = models.TextField(blank=True, help_text="What the annotator wants a manager to see.")
    source = models.CharField(max_length=8, choices=Source.choices)
    simulated = models.BooleanField(default=False)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="judgements",
        null=True,
        blank=True,
    )
    judge = models.ForeignKey(
        Judge, on_delete=models.PROTECT, related_name="judgements", null=True, blank=True
    )
    imported_author = models.CharField(
        max_length=200, blank=True, help_text="The annotator's id in the imported data."
    )
    origin = models.JSONField(
        blank=True,
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text="Of an imported raw row: what the installation that it comes from told of it.",
    )
    seat = models.ForeignKey(
        Seat, on_delete=models.PROTECT, related_name="judgements", null=True, blank=True
    )
    shown_order = ArrayField(models.BigIntegerField(), default=list)
    is_gold = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Given where the known answer checked its author: no ordinary label.",
    )
    late = models.BooleanField(default=False, help_text="Came after somebody else got the seat.")
    seconds_active = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(auto_now_add=True)
    arrived_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it came here, of an imported one that was given at another time.",
    )
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="superseded_by", null=True, blank=True
    )
    idempotency_key = models.CharField(max_length=100, blank=True)

    objects = JudgementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="judgement_source_known",
                condition=Q(source__in=["person", "judge", "imported"]),
            ),
            models.CheckConstraint(
                name="judgement_author_fits_source",
                condition=Q(source="person", annotator__isnull=False, judge__isnull=True)
                | Q(source="judge", annotator__isnull=True, judge__isnull=False, seat__isnull=True)
                | Q(
                    source="imported", annotator__isnull=True, judge__isnull=True, seat__isnull=True
                ),
            ),
            models.CheckConstraint(
                name="judgement_seconds_range",
                condition=Q(seconds_active__isnull=True)
                | Q(seconds_active__gte=0, seconds_active__lte=86400),
            ),
            models.UniqueConstraint(
                name="judgement_one_per_person",
                fields=["task", "annotator"],
                condition=Q(annotator__isnull=False, supersedes__isnull=True),
            ),
            models.UniqueConstraint(
                name="judgement_one_per_seat",
                fields=["seat"],
                condition=Q(seat__isnull=False, supersedes__isnull=True, late=False),
            ),
            models.UniqueConstraint(
                name="judgement_one_per_judge",
                fields=["task", "judge"],
                condition=Q(judge__isnull=False, supersedes__isnull=True),
            ),
            models.UniqueConstraint(
                name="judgement_one_per_import",
                fields=["task", "imported_author", "idempotency_key"],
                condition=Q(source="imported"),
            ),
            # A submit that is repeated finds its row by this.
            models.UniqueConstraint(
                name="judgement_idempotency",
                fields=["idempotency_key", "annotator"],
                condition=Q(annotator__isnull=False) & ~Q(idempotency_key=""),
            ),
        ]
        indexes = [
            # Export and snapshots: a project's judgements in order of id.
            models.Index(fields=["project", "id"], name="judgement_of_project"),
            # The overview's flags (reports/attention.py): the newest of few among many.
            models.Index(fields=["project", "id"], name="judgement_flags", condition=~Q(flag="")),
        ]

    def __str__(self) -> str:
        return f"judgement {self.pk}"
