"""How many labels an adaptive overlap has saved."""

from dataclasses import dataclass

from django.db import connection

from annotate.models import Project
from annotate.reports.remembered import remembered

FINISHED = """
SELECT count(*), coalesce(sum(greatest(%s - done, 0)), 0)
FROM (SELECT count(*) FILTER (WHERE state = 'done') AS done
      FROM annotate_seat WHERE project_id = %s AND NOT is_gold AND number < 1000
      GROUP BY task_id
      HAVING count(*) FILTER (WHERE state IN ('open', 'leased')) = 0) finished
"""


@dataclass(frozen=True)
class Saved:
    """`tasks` are those that ask for nobody any more; `saved`: labels that `most` people about each
    of them would have given beyond those that people gave.
    """

    tasks: int
    saved: int
    most: int

    @property
    def percent(self) -> float:
        return 100 * self.saved / (self.tasks * self.most) if self.tasks else 0.0


def saved_labels(project: Project) -> Saved:
    """One query over the project's seats, remembered. Of projects whose overlap adapts."""
    most = project.overlap_most

    def count() -> Saved:
        with connection.cursor() as cursor:
            cursor.execute(FINISHED, [most, project.pk])
            tasks, saved = cursor.fetchone()
        return Saved(tasks, int(saved), most)

    return remembered(f"report-saved:{project.pk}:{most}", count)
