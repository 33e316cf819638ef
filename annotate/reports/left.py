"""Why there is nothing left for somebody while there are open tasks."""

from collections import Counter
from dataclasses import dataclass, field

from django.db import connection

from annotate.assignment.eligibility import speaks
from annotate.models import Membership, Seat, TaskAuthor


@dataclass(frozen=True)
class Left:
    """Open tasks that the person is not given: by language that they did not name, by skills that
    they lack (those of a task, with commas), those for experts alone, and those that hold their
    own texts. Each counts once, for the first of these.
    """

    languages: dict[str, int] = field(default_factory=dict)
    skills: dict[str, int] = field(default_factory=dict)
    experts: int = 0
    own: int = 0

    @property
    def in_other_languages(self) -> int:
        return sum(self.languages.values())

    @property
    def with_other_skills(self) -> int:
        return sum(self.skills.values())

    def __bool__(self) -> bool:
        return bool(self.languages or self.skills or self.experts or self.own)


# The open seats along seat_open_queue; the requirements that are barred are few.
BARRED = """
SELECT r.language, r.skills, r.tier, count(DISTINCT s.task_id)
FROM annotate_seat s JOIN annotate_requirement r ON r.id = s.requirement_id
WHERE s.project_id = %s AND s.state = 'open' AND s.requirement_id = ANY (%s)
GROUP BY r.id, r.language, r.skills, r.tier
"""


def left_for(membership: Membership) -> Left:
    """Three queries; that of the seats reads the open ones once."""
    own = TaskAuthor.objects.filter(
        author=membership.user_id,
        task__project=membership.project_id,
        task__seats__state=Seat.State.OPEN,
    )
    languages: Counter[str] = Counter()
    skills: Counter[str] = Counter()
    experts = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT tandem_barred(%s, %s)", [membership.project_id, membership.pk])
        [barred] = cursor.fetchone()
        if barred:
            cursor.execute(BARRED, [membership.project_id, barred])
        for language, wanted, tier, tasks in cursor.fetchall() if barred else []:
            known = membership.languages
            lacking = set(wanted) - set(membership.skills)
            if language and known and not any(speaks(one, language) for one in known):
                languages[language] += tasks
            elif lacking:
                skills[", ".join(sorted(lacking))] += tasks
            elif tier:
                experts += tasks
    return Left(
        dict(languages.most_common()),
        dict(skills.most_common()),
        experts,
        own.values("task").distinct().count(),
    )
