"""Who does what, how fast, and with which habits."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from annotate.models import Membership, Project, Seat, Skip, Team, User
from annotate.reports.latest import (
    FIRST_SHARE,
    PREFERRED_ID,
    TIE_SHARE,
    Median,
    latest_as_given,
)
from annotate.reports.remembered import remembered


@dataclass(frozen=True)
class Person:
    """A member with figures. Shares and seconds are of the latest judgements; None without any."""

    membership: Membership
    recent: int = 0
    median_seconds: float | None = None
    tie_share: float | None = None
    first_share: float | None = None
    last_active: datetime | None = None
    skips: int = 0
    leased: int = 0

    @property
    def user(self) -> User:
        return self.membership.user

    @property
    def done(self) -> int:
        return self.membership.done_count

    @property
    def leans(self) -> bool:
        """Whether the choice of the first shown is 3 standard errors away from one half."""
        if self.first_share is None or self.recent < 30:
            return False
        return abs(self.first_share - 0.5) > 3 * 0.5 / self.recent**0.5


def people(project: Project, team: Team | None = None) -> list[Person]:
    """All members, or those of the team, the busiest first. Four queries."""
    habits = remembered(f"report-habits:{project.pk}", lambda: _habits(project))
    skips = _count(Skip.objects.filter(seat__project=project))
    leases = _count(Seat.objects.filter(project=project, state=Seat.State.LEASED))
    members = Membership.objects.filter(project=project).select_related("user", "team")
    if team is not None:
        members = members.filter(team=team)
    return [
        Person(
            membership=member,
            skips=skips.get(member.user_id, 0),
            leased=leases.get(member.user_id, 0),
            **habits.get(member.user_id, {}),
        )
        for member in members.order_by("-done_count", "user__username")
    ]


def teams_of(project: Project) -> list[Team]:
    """The teams by name, each with `size`, the number of its members."""
    return list(project.teams.annotate(size=Count("members")).order_by("name"))


def _habits(project: Project) -> dict[int, dict]:
    rows = (
        latest_as_given(project)
        .alias(preferred_id=PREFERRED_ID)
        .values("annotator_id")
        .order_by()
        .annotate(
            recent=Count("*"),
            median_seconds=Median("seconds_active"),
            tie_share=TIE_SHARE,
            first_share=FIRST_SHARE,
            last_active=Max("submitted_at"),
        )
    )
    return {row.pop("annotator_id"): row for row in rows}


def _count(rows) -> dict[int, int]:
    return dict(rows.order_by().values_list("annotator_id").annotate(n=Count("*")))
