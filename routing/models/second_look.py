"""A second look at labels that a judge gave alone: trust them, turn them round, or ask people."""

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Judge, Judgement, Project, Task


class SecondLook(Job):
    """One look through the margins of a reward model. A dry run reports and changes nothing.

    A look that is no dry run first keeps what it is to do with every task as rows, and then does
    it task by task; one that was killed goes on with the rows that are left.
    """

    task_name = "routing.tasks.look_again"
    queue = "serving"  # where reward models are warm: they read what they have not read yet

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="second_looks")
    judge = models.ForeignKey(
        Judge,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The version of the reward model.",
    )
    settings = models.JSONField(default=dict)
    dry_run = models.BooleanField(default=True)
    seed = models.PositiveBigIntegerField(default=0)
    report = models.JSONField(default=dict)
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.UniqueConstraint(
                fields=["project"],
                name="secondlook_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"second look {self.pk}"


class SecondLookItemQuerySet(models.QuerySet["SecondLookItem"]):
    def asking_people(self) -> "SecondLookItemQuerySet":
        """Those at which seats were opened for people."""
        asks = Q(outcome=SecondLookItem.Outcome.PEOPLE) | Q(explored=True)
        return self.filter(asks, state=SecondLookItem.State.APPLIED)


class SecondLookItem(models.Model):
    """What one look made of one task. Only its state ever changes, once."""

    class Outcome(models.TextChoices):
        TRUST = "trust", _("Trusted")
        FLIP = "flip", _("Turned round")
        PEOPLE = "people", _("People are asked")
        WAIT = "wait", _("Doubtful, but nobody is left to ask")

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        APPLIED = "applied", _("Done")
        PASSED_OVER = "passed_over", _("Passed over: somebody was faster")

    look = models.ForeignKey(SecondLook, on_delete=models.CASCADE, related_name="items")
    # Look-ups by task go through second_look_item_once.
    task = models.ForeignKey(
        Task, on_delete=models.PROTECT, related_name="second_looks", db_index=False
    )
    label = models.SmallIntegerField(
        help_text="The judge's: 1 for the task's first response, -1 for the second."
    )
    margin = models.FloatField(
        help_text="Of the label: the reward of what it prefers less that of the other, in nats."
    )
    p_wrong = models.FloatField(help_text="P(the label is wrong), 0..1.")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    explored = models.BooleanField(default=False, help_text="Drawn to be asked about all the same.")
    propensity = models.FloatField(help_text="P(people are asked by this look).")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)

    objects = SecondLookItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "look"], name="second_look_item_once"),
            models.CheckConstraint(
                name="second_look_outcome_known",
                condition=Q(outcome__in=["trust", "flip", "people", "wait"]),
            ),
            models.CheckConstraint(
                name="second_look_state_known",
                condition=Q(state__in=["planned", "applied", "passed_over"]),
            ),
            models.CheckConstraint(name="second_look_label_known", condition=Q(label__in=[-1, 1])),
            models.CheckConstraint(
                name="second_look_probabilities",
                condition=Q(p_wrong__gte=0, p_wrong__lte=1, propensity__gte=0, propensity__lte=1),
            ),
        ]
        indexes = [
            # A look that goes on: what is left to do, in order.
            models.Index(
                fields=["look", "id"],
                name="second_look_planned",
                condition=Q(state="planned"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.outcome}"

    @property
    def asks_people(self) -> bool:
        return self.explored or self.outcome == self.Outcome.PEOPLE


def outside_second_looks(answers: QuerySet[Judgement]) -> QuerySet[Judgement]:
    """Without those at tasks that a second look asked people about.

    It asks where a reward model doubts the judge, so its answers are no sample of the judge's
    share: figures of how often the judge is right must not count them.
    """
    asked = SecondLookItem.objects.asking_people().filter(task=OuterRef("task"))
    return answers.filter(~Exists(asked))
