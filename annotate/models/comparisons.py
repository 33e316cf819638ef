"""Which models meet next: a plan that makes tasks of many responses by what is still open."""

from django.contrib.postgres.fields import ArrayField
from django.db import models as db
from django.db.models import Q

from annotate.models.project import Project
from annotate.models.task import Task


class ComparisonPlan(db.Model):
    """What a manager set, and what the votes so far say. Only workers write the latter.

    `models` are their names by number; `state` is an OnlineRating of them (as .npz). Where people
    hold live conversations it makes no tasks, but chooses who replies.
    """

    project = db.OneToOneField(
        Project, on_delete=db.CASCADE, primary_key=True, related_name="comparison_plan"
    )
    is_on = db.BooleanField(default=False)
    size = db.PositiveSmallIntegerField(default=4, help_text="Responses a task.")
    ahead = db.PositiveSmallIntegerField(default=20, help_text="Open tasks to be kept.")
    per_prompt = db.PositiveSmallIntegerField(
        default=1, help_text="Tasks that a prompt is used for at most."
    )
    models = ArrayField(db.CharField(max_length=310), default=list, editable=False)
    state = db.BinaryField(null=True, editable=False)
    standings = db.JSONField(default=list, editable=False)
    groups = db.JSONField(
        default=list, editable=False, help_text="Who replies in the next live conversations."
    )
    votes = db.PositiveIntegerField(default=0, editable=False)
    read_up_to = db.BigIntegerField(
        default=0, editable=False, help_text="The id of the latest judgement in it."
    )
    begun_at = db.DateTimeField(
        null=True, editable=False, help_text="When it was reckoned from the first vote on."
    )
    advanced_at = db.DateTimeField(null=True, editable=False)
    told = db.JSONField(null=True, editable=False, help_text="What stands in its way.")

    class Meta:
        constraints = [
            db.CheckConstraint(
                name="comparison_plan_size_range", condition=Q(size__gte=2, size__lte=10)
            ),
            db.CheckConstraint(
                name="comparison_plan_ahead_range", condition=Q(ahead__gte=1, ahead__lte=500)
            ),
            db.CheckConstraint(
                name="comparison_plan_per_prompt_range",
                condition=Q(per_prompt__gte=1, per_prompt__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return f"comparison plan of {self.project_id}"


class PlannedTask(db.Model):
    """A task that a plan made, and the models in it."""

    task = db.OneToOneField(
        Task,
        on_delete=db.CASCADE,
        primary_key=True,
        related_name="planned",
        db_constraint=False,
    )
    # The index: those of a project that are still open.
    project = db.ForeignKey(Project, on_delete=db.CASCADE, related_name="planned_tasks")
    models = ArrayField(db.CharField(max_length=310))

    def __str__(self) -> str:
        return f"task {self.task_id}: {', '.join(self.models)}"
