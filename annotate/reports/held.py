"""Why somebody gets no further task, and until when."""

from dataclasses import dataclass
from datetime import datetime

from annotate.models import User
from annotate.statements import fetch_one

HELD = """
SELECT h.why, h.until FROM annotate_membership m, tandem_hold_back(m.id, 0) h
WHERE m.project_id = %(project)s::bigint AND m.user_id = %(user)s::bigint
"""


@dataclass(frozen=True)
class Held:
    """`why`: paused, practice, hour, day or total (annotate/sql/checks.sql); `until` where time
    alone lets them go on."""

    why: str
    until: datetime | None = None


def held_back(project_id: int, user: User) -> Held | None:
    """None where nothing but a lack of tasks keeps a person from working. One query."""
    row = fetch_one(HELD, {"project": project_id, "user": user.pk})
    return Held(*row) if row and row[0] else None
