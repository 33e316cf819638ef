"""What budgets would have given: replays of policies on past labels, and what labels cost."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotate.models import Job, Project

PEOPLE_PRICE = Decimal(300)  # dollars for 1,000 labels, as seen in public tables


class PolicySimulation(Job):
    """A replay of the kinds of policy on what judges and people both labelled. Fits are thrown
    away; `result` is what routing/services/simulating.py writes. Runs where numpy is at home.
    """

    task_name = "routing.tasks.simulate_policies"
    queue = "serving"  # where reward models are warm: they read what they have not read yet

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="simulations")
    judges = ArrayField(models.BigIntegerField(), help_text="Ids, from cheap to strong.")
    settings = models.JSONField(default=dict)
    result = models.JSONField(default=dict)

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.UniqueConstraint(
                fields=["project"],
                name="simulation_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"simulation {self.pk}"


class LabelPrices(models.Model):
    """Dollars for 1,000 labels: of people, and of judges by id where a manager set them. A judge
    without one here costs what its calls on record did.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="label_prices")
    people = models.DecimalField(max_digits=14, decimal_places=6, default=PEOPLE_PRICE)
    judges = models.JSONField(default=dict, help_text='{"judge id": "dollars"}')

    class Meta:
        constraints = [
            models.CheckConstraint(name="label_prices_range", condition=Q(people__gte=0)),
        ]

    def __str__(self) -> str:
        return f"prices of labels in project {self.project_id}"
