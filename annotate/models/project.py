"""Projects and who may do what in them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

BEFORE_ALL_RANKS = -(2**62)  # ranks of the highest priority are below 0
NO_NAMES = models.Value([], ArrayField(models.CharField(max_length=40)))


class ProjectQuerySet(models.QuerySet):
    def visible_to(self, user) -> "ProjectQuerySet":
        """Projects the user is a member of; all of them for a superuser; a token's own one."""
        rows = self if user.only_project is None else self.filter(pk=user.only_project)
        return rows if user.is_superuser else rows.filter(memberships__user=user)

    def live(self) -> "ProjectQuerySet":
        return self.filter(archived_at=None)


class Project(models.Model):
    """One body of work: what is judged, how, by how many people. Archived, never deleted."""

    class Order(models.TextChoices):
        IN_ORDER = "in_order", _("In order of arrival")
        RANDOM = "random", _("Random, the same for everybody")
        LEAST_COVERED = "least_covered", _("Least covered tasks first")

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")

    class BoardReaders(models.TextChoices):
        MANAGERS = "managers", _("Managers")
        REVIEWERS = "reviewers", _("Managers and reviewers")
        MEMBERS = "members", _("Every member")

    class ReviewNames(models.TextChoices):
        NAMES = "names", _("Names")
        PSEUDONYMS = "pseudonyms", _("Pseudonyms")

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    guidelines = models.TextField(blank=True, help_text="Markdown, shown on the work page.")
    kind = models.CharField(max_length=32, default="pairwise")
    kind_settings = models.JSONField(
        default=dict, blank=True, help_text="Validated by the kind's module in annotate/kinds."
    )
    form_version = models.ForeignKey(
        "FormVersion",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        help_text="The version that kind, settings and guidelines are a copy of.",
    )
    overlap = models.PositiveSmallIntegerField(
        default=1, help_text="How many people judge each task; at least, with `overlap_most`."
    )
    overlap_most = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="How many may judge a task whose answers differ; empty: as many as any other.",
    )
    overlap_threshold = models.FloatField(
        null=True,
        blank=True,
        help_text="P(most people would say so) from which an answer is clear; empty: once nobody "
        "who may still be asked can change which answer leads.",
    )
    lease_seconds = models.PositiveIntegerField(default=900)
    order = models.CharField(max_length=16, choices=Order.choices, default=Order.IN_ORDER)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    seed = models.PositiveIntegerField(
        default=0, help_text="Feeds the random order, the order of responses and the split."
    )
    test_percent = models.PositiveSmallIntegerField(
        default=12, help_text="Share of prompts whose human labels are held out for evaluation."
    )
    license = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Of its data, as SPDX writes it; empty: not stated.",
    )
    own_figures = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether annotators see their own figures of quality.",
    )
    board_readers = models.CharField(
        max_length=16,
        choices=BoardReaders.choices,
        default=BoardReaders.REVIEWERS,
        db_default=BoardReaders.REVIEWERS,
        help_text="Who sees published leaderboards.",
    )
    consent = models.ForeignKey(
        "ConsentText",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        help_text="What is agreed to before the first task; empty: nothing is asked.",
    )
    profile_questions = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        editable=False,
        help_text="What members are asked on themselves; annotate/profile_questions.py.",
    )
    tells_answers = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether a webhook that is on wants to know of judgements or tasks.",
    )
    profile_until = models.DateField(
        null=True, blank=True, help_text="The last day on which their answers are kept."
    )
    review_percent = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Share of people's labels that a reviewer must accept before they are final.",
    )
    review_names = models.CharField(
        max_length=16,
        choices=ReviewNames.choices,
        default=ReviewNames.NAMES,
        db_default=ReviewNames.NAMES,
        help_text="How reviewers see whose answer it is.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="created_projects"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="project_overlap_range", condition=Q(overlap__gte=1, overlap__lte=100)
            ),
            models.CheckConstraint(
                name="project_overlap_most_range",
                condition=Q(overlap_most=None)
                | Q(overlap_most__gte=F("overlap"), overlap_most__lte=100),
            ),
            models.CheckConstraint(
                name="project_overlap_threshold_range",
                condition=Q(overlap_threshold=None)
                | Q(overlap_threshold__gt=0, overlap_threshold__lt=1),
            ),
            models.CheckConstraint(
                name="project_lease_range",
                condition=Q(lease_seconds__gte=10, lease_seconds__lte=7 * 24 * 3600),
            ),
            models.CheckConstraint(
                name="project_test_percent_range",
                condition=Q(test_percent__gte=0, test_percent__lte=50),
            ),
            models.CheckConstraint(
                name="project_order_known",
                condition=Q(order__in=["in_order", "random", "least_covered"]),
            ),
            models.CheckConstraint(
                name="project_state_known", condition=Q(state__in=["active", "paused"])
            ),
            models.CheckConstraint(
                name="project_board_readers_known",
                condition=Q(board_readers__in=["managers", "reviewers", "members"]),
            ),
            models.CheckConstraint(
                name="project_review_percent_range",
                condition=Q(review_percent__gte=0, review_percent__lte=100),
            ),
            models.CheckConstraint(
                name="project_review_names_known",
                condition=Q(review_names__in=["names", "pseudonyms"]),
            ),
            models.CheckConstraint(name="project_name_given", condition=~Q(name="")),
            models.CheckConstraint(
                name="project_profile_ends",
                condition=Q(profile_questions=[]) | Q(profile_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FormVersion(models.Model):
    """What was asked, and how it was explained, from one change to the next. Append-only.

    A judgement keeps the version that its author saw. Made by annotate/services/projects.py.
    """

    # Look-ups by project go through form_version_unique.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="form_versions", db_index=False
    )
    number = models.PositiveIntegerField(help_text="From 1 within the project.")
    kind = models.CharField(max_length=32)
    kind_settings = models.JSONField(default=dict)
    guidelines = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="form_version_unique"),
            models.CheckConstraint(name="form_version_number_from_one", condition=Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.project}"


class Membership(models.Model):
    """A person's role in a project, and the counters that must not cost a scan."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MANAGER = "manager", _("Manager")
        REVIEWER = "reviewer", _("Reviewer")
        ANNOTATOR = "annotator", _("Annotator")

    class Tier(models.TextChoices):
        CROWD = "crowd", _("Crowd")
        EXPERT = "expert", _("Expert")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    tier = models.CharField(
        max_length=16, choices=Tier.choices, default=Tier.CROWD, db_default=Tier.CROWD
    )
    languages = ArrayField(
        models.CharField(max_length=35),
        default=list,
        db_default=NO_NAMES,
        help_text="BCP 47 tags that the person reads; none: nothing is known.",
    )
    skills = ArrayField(
        models.CharField(max_length=40),
        default=list,
        db_default=NO_NAMES,
        help_text="Short names in small letters.",
    )
    # The index: who leaves a team that is deleted.
    team = models.ForeignKey(
        "Team", on_delete=models.SET_NULL, related_name="members", null=True, blank=True
    )
    consent = models.ForeignKey(
        "ConsentText",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="What the person agreed to last; the record is Consent.",
    )
    profile_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the project's questions were answered or passed."
    )
    done_count = models.PositiveIntegerField(
        default=0,
        help_text="Tasks this person judged; kept by services/work/judgements.py.",
    )
    # How far the hand-out has looked for this person: see annotate/handout.py.
    queue_cursor = models.BigIntegerField(default=-1)
    reopened_cursor = models.BigIntegerField(default=0)
    ranked_cursor = models.BigIntegerField(default=BEFORE_ALL_RANKS)
    held_seats = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="Seats this person may hold; only the seat's own row says whether.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_unique"),
            models.CheckConstraint(
                name="membership_role_known",
                condition=Q(role__in=["owner", "manager", "reviewer", "annotator"]),
            ),
            models.CheckConstraint(
                name="membership_tier_known", condition=Q(tier__in=["crowd", "expert"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} of {self.project}"
