"""What reviewers decided about answers. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import pgettext_lazy

from annotate.models.judgement import Judgement
from annotate.models.project import Project
from annotate.models.task import Task


class ReviewQuerySet(models.QuerySet["Review"]):
    def newest(self) -> "ReviewQuerySet":
        """Without those that a later decision about the same answer replaces."""
        return self.filter(replaced_by=None)

    def dismissing(self) -> "ReviewQuerySet":
        """Decisions by which an answer counts no more."""
        return self.newest().filter(decision=Review.Decision.DISMISS)

    def dismissed(self, newest: int) -> "ReviewQuerySet":
        """The same when `newest` was the newest decision of all."""
        then = self.filter(decision=Review.Decision.DISMISS, pk__lte=newest)
        return then.filter(Q(replaced_by=None) | Q(replaced_by__pk__gt=newest))

    def returned_to(self, user) -> "ReviewQuerySet":
        """Answers that wait for this person to look at them again, the oldest first."""
        waiting = self.newest().filter(
            decision=Review.Decision.RETURN, author=user, judgement__superseded_by=None
        )
        return waiting.order_by("pk")


class Review(models.Model):
    """One decision about one answer; the newest of an answer counts. Append-only.

    "amend" made the judgement `amended`, which supersedes the reviewed one. `author` is whose
    answer it was; nobody where a machine, a file or a reviewer's amendment gave it. Triggers
    refuse UPDATE, DELETE and TRUNCATE.
    """

    class Decision(models.TextChoices):
        ACCEPT = "accept", pgettext_lazy("decision of a reviewer", "Accepted")
        AMEND = "amend", pgettext_lazy("decision of a reviewer", "Amended")
        RETURN = "return", pgettext_lazy("decision of a reviewer", "Returned")
        DISMISS = "dismiss", pgettext_lazy("decision of a reviewer", "Dismissed")

    # Look-ups by project go through review_of_project, by judgement through review_newest.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="reviews", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    judgement = models.ForeignKey(
        Judgement, on_delete=models.PROTECT, related_name="reviews", db_index=False
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews", db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        db_index=False,
    )
    decision = models.CharField(max_length=8, choices=Decision.choices)
    note = models.TextField(blank=True)
    amended = models.OneToOneField(
        Judgement, on_delete=models.PROTECT, related_name="amendment", null=True
    )
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="replaced_by", null=True
    )
    settled_by = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="settles",
        null=True,
        db_index=False,
        help_text="Of a dismissal: the decision that settled the task by another answer.",
    )
    settles_task = models.BooleanField(
        default=False, help_text="Whether this answer alone counts from now on."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="review_decision_known",
                condition=Q(decision__in=["accept", "amend", "return", "dismiss"]),
            ),
            models.CheckConstraint(
                name="review_amended_fits",
                condition=Q(decision="amend", amended__isnull=False)
                | (~Q(decision="amend") & Q(amended__isnull=True)),
            ),
            models.CheckConstraint(
                name="review_not_own",
                condition=Q(author__isnull=True) | ~Q(author=F("reviewer")),
            ),
            models.CheckConstraint(
                name="review_return_has_author",
                condition=~Q(decision="return") | Q(author__isnull=False),
            ),
            models.CheckConstraint(
                name="review_settles_fits",
                condition=(Q(settled_by__isnull=True) | Q(decision="dismiss"))
                & (Q(settles_task=False) | Q(decision__in=["accept", "amend"])),
            ),
            # With the one-to-one `replaces` this makes the decisions about an answer a chain.
            models.UniqueConstraint(
                name="review_first_once", fields=["judgement"], condition=Q(replaces__isnull=True)
            ),
        ]
        indexes = [
            # Exports, queues: the newest decision about an answer.
            models.Index(fields=["judgement", "-id"], name="review_newest"),
            # The page: the decisions about a task's answers.
            models.Index(fields=["task", "-id"], name="review_of_task"),
            # Counts of a project, and whether it has any.
            models.Index(fields=["project", "-id"], name="review_of_project"),
            # The work page: what came back to this person.
            models.Index(
                fields=["author", "project", "id"],
                name="review_returned",
                condition=Q(decision="return"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision} of {self.judgement_id}"


def newest_decision() -> Subquery:
    """For an annotation of judgements: the newest decision about each, None without any."""
    found: QuerySet[Review] = Review.objects.filter(judgement=OuterRef("pk")).order_by("-pk")
    return Subquery(found.values("decision")[:1])
