"""What is asked of people: tasks, and the seats at them."""

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from annotate.models.checks import WorkRules
from annotate.models.content import Prompt, Response
from annotate.models.project import Membership, Project


class Task(models.Model):
    """A prompt and 1..K of its responses, to be judged by `overlap` people or by a judge."""

    class Route(models.TextChoices):
        PEOPLE = "people", _("People")
        AI = "ai", _("AI judge")
        BOTH = "both", _("Both")

    # Look-ups by project go through task_unique.
    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        related_name="tasks",
        db_index=False,
        db_constraint=False,
    )
    prompt = models.ForeignKey(
        Prompt, on_delete=models.PROTECT, related_name="tasks", db_constraint=False
    )
    responses = models.ManyToManyField(Response, through="TaskResponse", related_name="tasks")
    dedup_key = models.CharField(
        max_length=64, editable=False, help_text="Hash of the prompt and the set of responses."
    )
    overlap = models.PositiveSmallIntegerField(default=1)
    priority = models.PositiveSmallIntegerField(default=500, help_text="1000 first, 0 last.")
    stratum = models.CharField(max_length=100, blank=True)
    skills = ArrayField(
        models.CharField(max_length=40),
        default=list,
        db_default=models.Value([], ArrayField(models.CharField(max_length=40))),
        blank=True,
        help_text="Those that whoever judges it must have, all of them, in small letters.",
    )
    tier = models.CharField(
        max_length=8,
        choices=[(Membership.Tier.EXPERT, Membership.Tier.EXPERT.label)],
        default="",
        db_default="",
        blank=True,
        help_text="Of members to whom alone it is given; empty for everybody.",
    )
    route = models.CharField(max_length=8, choices=Route.choices, default=Route.PEOPLE)
    gold = models.JSONField(null=True, blank=True)
    context = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="What is asked beside the prompt, such as a criterion.",
    )
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "dedup_key"], name="task_unique"),
            models.CheckConstraint(
                name="task_priority_range", condition=Q(priority__gte=0, priority__lte=1000)
            ),
            models.CheckConstraint(
                name="task_overlap_range", condition=Q(overlap__gte=0, overlap__lte=100)
            ),
            models.CheckConstraint(
                name="task_route_known", condition=Q(route__in=["people", "ai", "both"])
            ),
            models.CheckConstraint(name="task_tier_known", condition=Q(tier__in=["", "expert"])),
        ]
        indexes = [
            # The routing page: what waits for experts alone.
            models.Index(fields=["project"], name="task_of_experts", condition=Q(tier="expert")),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class TaskResponse(models.Model):
    """A response's place in a task. The place is storage order, not the order shown."""

    # Look-ups by task go through task_response_place_unique.
    task = models.ForeignKey(
        Task, on_delete=models.CASCADE, related_name="places", db_index=False, db_constraint=False
    )
    # Look-ups by response go through task_response_unique.
    response = models.ForeignKey(
        Response,
        on_delete=models.PROTECT,
        related_name="places",
        db_index=False,
        db_constraint=False,
    )
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "position"], name="task_response_place_unique"),
            models.UniqueConstraint(fields=["response", "task"], name="task_response_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.response} in {self.task}"


class TaskPlace(models.Model):
    """Where a strategy put a task: before all tasks of its priority that have no place.

    Written by annotate/services/work/places.py; the task's open seats carry it as `ranked_key`.
    """

    task = models.OneToOneField(
        Task,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="chosen_place",
        db_constraint=False,
    )
    # Look-ups by project go through task_place_once.
    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        related_name="task_places",
        db_index=False,
        db_constraint=False,
    )
    place = models.PositiveIntegerField(help_text="0 comes first.")
    score = models.FloatField(null=True, help_text="The strategy's; empty where it was drawn.")
    reasons = models.JSONField(default=list)

    class Meta:
        constraints = [
            # Deferred, because places are exchanged in one statement.
            models.UniqueConstraint(
                fields=["project", "place"],
                name="task_place_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"place {self.place} of {self.task_id}"


CHECKS = "checks"  # beside the states of seats: whether hidden items are mixed in


class SeatQuerySet(models.QuerySet["Seat"]):
    def ordinary(self) -> "SeatQuerySet":
        """Those that the tasks' overlap asks for: no hidden checks, none of norming sessions."""
        return self.filter(is_gold=False, number__lt=Seat.NORMING)

    def counts_by_state(
        self, project_ids: Iterable[int], *, checks: bool = False
    ) -> dict[int, dict[str, int]]:
        """By project, then state; without those that are none. One query.

        Hidden checks and seats of norming sessions are left out; with `checks` a project that
        mixes hidden checks in has a number under CHECKS. The open ones and hidden checks are
        counted apart, because each part has a partial index to itself.
        """
        seats = self.filter(project__in=list(project_ids)).order_by()
        rows = seats.values("project", named=F("state"))
        of_open = rows.filter(state=Seat.State.OPEN).annotate(n=models.Count("*"))
        of_others = rows.exclude(state=Seat.State.OPEN).annotate(n=models.Count("*"))
        of_gold = rows.filter(is_gold=True).annotate(n=-models.Count("*"))
        of_norming = rows.filter(norming__isnull=False).annotate(n=-models.Count("*"))
        parts = [of_others, of_gold, of_norming]
        if checks:
            rules = WorkRules.objects.filter(project__in=list(project_ids), gold_percent__gt=0)
            mixed = rules.order_by().values("project", named=models.Value(CHECKS))
            parts.append(mixed.annotate(n=models.Count("*")))
        found: dict[int, Counter[str]] = {}
        for row in of_open.union(*parts, all=True):
            found.setdefault(row["project"], Counter())[row["named"]] += row["n"]
        return {pk: {state: n for state, n in states.items() if n} for pk, states in found.items()}


class Seat(models.Model):
    """One wanted human judgement of one task.

    Rows are made with the task, so a hand-out can never overshoot. `queue_key` is the seat's
    place in the project's order (see annotate/handout.py); `reopened_key` is set, from a
    sequence, when a lease ended without an answer, so that such seats are found first;
    `ranked_key` where a strategy put the task before others, until the seat is handed out.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        LEASED = "leased", _("Leased")
        DONE = "done", _("Done")
        VOID = "void", _("Void")

    NORMING = 1000  # from this number on seats are norming's: services/review/norming.py

    # Every hand-out rewrites the row in all its indexes; those of the three keys are below.
    task = models.ForeignKey(
        Task, on_delete=models.CASCADE, related_name="seats", db_index=False, db_constraint=False
    )
    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        related_name="seats",
        db_index=False,
        db_constraint=False,
    )
    number = models.PositiveSmallIntegerField(help_text="0 .. overlap - 1 within the task.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="seats",
        null=True,
        blank=True,
        db_index=False,
    )
    leased_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    shown_order = ArrayField(
        models.BigIntegerField(), default=list, help_text="Response ids as shown, drawn once."
    )
    former_holders = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="Users whose lease ran out; they may still submit late.",
    )
    is_gold = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Drawn to check one person by a known answer; never open to others.",
    )
    requirement = models.ForeignKey(
        "Requirement",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        db_constraint=False,
    )
    queue_key = models.BigIntegerField()
    reopened_key = models.BigIntegerField(null=True, blank=True)
    ranked_key = models.BigIntegerField(null=True, blank=True)

    objects = SeatQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="seat_number_unique"),
            # Also the look-up "has this person a seat at this task", asked by every hand-out.
            models.UniqueConstraint(
                fields=["task", "annotator"],
                name="seat_one_per_person",
                condition=Q(annotator__isnull=False),
            ),
            models.CheckConstraint(
                name="seat_state_known", condition=Q(state__in=["open", "leased", "done", "void"])
            ),
            models.CheckConstraint(
                name="seat_lease_complete",
                condition=Q(
                    state="leased",
                    annotator__isnull=False,
                    leased_at__isnull=False,
                    leased_until__isnull=False,
                )
                | Q(state="done", annotator__isnull=False)
                | Q(state__in=["open", "void"], annotator__isnull=True),
            ),
            models.CheckConstraint(
                name="seat_lease_forward",
                condition=Q(leased_until__isnull=True) | Q(leased_until__gte=F("leased_at")),
            ),
        ]
        indexes = [
            # Hand-out: the next open seats of a project in its order.
            models.Index(
                fields=["project", "queue_key", "id"],
                name="seat_open_queue",
                condition=Q(state="open"),
            ),
            # Hand-out: seats that came back, oldest first.
            models.Index(
                fields=["project", "reopened_key"],
                name="seat_reopened",
                condition=Q(state="open", reopened_key__isnull=False),
            ),
            # Hand-out: seats that a strategy put first, in its order.
            models.Index(
                fields=["project", "ranked_key", "id"],
                name="seat_ranked",
                condition=Q(state="open", ranked_key__isnull=False),
            ),
            # Sweep: leases that ran out.
            models.Index(fields=["leased_until"], name="seat_leases", condition=Q(state="leased")),
            # The page: what one did last.
            models.Index(
                fields=["annotator", "project", "state"],
                name="seat_of_annotator",
                condition=Q(annotator__isnull=False),
            ),
            # Overview: counts by state; those of open seats come from seat_open_queue.
            models.Index(
                fields=["project", "state"], name="seat_project_state", condition=~Q(state="open")
            ),
            # Overview: hidden checks by state, which are no progress.
            models.Index(fields=["project", "state"], name="seat_gold", condition=Q(is_gold=True)),
        ]

    def __str__(self) -> str:
        return f"seat {self.number} of {self.task}"


class Skip(models.Model):
    """A person declined a task, with the reason. Append-only; the person never gets it again."""

    class Reason(models.TextChoices):
        UNCLEAR = "unclear", _("I do not understand it")
        EXPERTISE = "expertise", _("I lack the knowledge")
        LANGUAGE = "language", _("I do not read this language")
        HARMFUL = "harmful", _("I do not want to read this")
        BROKEN = "broken", _("It is displayed wrongly")
        OTHER = "other", _("Something else")

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="skips")
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="skips")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="skips"
    )
    reason = models.CharField(max_length=16, choices=Reason.choices)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # Also the look-up "did this person decline this task", asked by every hand-out.
            models.UniqueConstraint(fields=["task", "annotator"], name="skip_unique"),
            models.CheckConstraint(
                name="skip_reason_known",
                condition=Q(
                    reason__in=["unclear", "expertise", "language", "harmful", "broken", "other"]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} skipped {self.task}"


class Draft(models.Model):
    """An unfinished answer, saved as its author works; gone once submitted."""

    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="drafts")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts"
    )
    value = models.JSONField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seat", "annotator"], name="draft_unique"),
        ]

    def __str__(self) -> str:
        return f"draft of {self.annotator} for {self.seat}"
