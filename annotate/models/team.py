"""Teams: groups of a project's members."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from annotate.models.project import Project


class Team(models.Model):
    """A group of members, to look at and to export apart. A member is in one at most.

    That a member's team is of the member's project is the database's constraint
    membership_team_of_project (0025).
    """

    # Look-ups by project go through team_name_unique.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="teams", db_index=False
    )
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="team_name_unique"),
            # What membership_team_of_project refers to.
            models.UniqueConstraint(fields=["project", "id"], name="team_with_project_unique"),
            models.CheckConstraint(name="team_name_given", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
