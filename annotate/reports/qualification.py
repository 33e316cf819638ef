"""How annotators stand with training, quiz and limits."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from annotate.models import Membership, PracticeRun, Project, Standing


@dataclass(frozen=True)
class Qualified:
    """`tries`: quizzes that ended; `last` the newest of them. Counts are of windows not over."""

    membership: Membership
    standing: Standing | None
    tries: int = 0
    last: PracticeRun | None = None
    last_of: int = 0
    in_hour: int = 0
    in_day: int = 0


def qualified_people(project: Project, person: int | None = None) -> list[Qualified]:
    """The annotators by name; `person`: only that member, by the user's id. Two queries."""
    members = Membership.objects.filter(project=project, role=Membership.Role.ANNOTATOR)
    runs = PracticeRun.objects.filter(
        project=project, stage=PracticeRun.Stage.QUIZ, ended_at__isnull=False
    )
    if person is not None:
        members, runs = members.filter(user=person), runs.filter(annotator=person)
    by_person: dict[int, list[PracticeRun]] = {}
    for run in runs.annotate(of=Count("answers")).order_by("pk"):
        by_person.setdefault(run.annotator_id, []).append(run)
    now, found = timezone.now(), []
    for member in members.select_related("user", "standing").order_by("user__username"):
        standing = getattr(member, "standing", None)
        mine = by_person.get(member.user_id, [])
        hour = day = 0
        if standing is not None:
            if standing.hour_began and standing.hour_began > now - timedelta(hours=1):
                hour = standing.hour_count
            if standing.day_began and standing.day_began > now - timedelta(days=1):
                day = standing.day_count
        last = mine[-1] if mine else None
        found.append(
            Qualified(member, standing, len(mine), last, last.of if last else 0, hour, day)
        )
    return found
