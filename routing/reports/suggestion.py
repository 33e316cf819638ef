"""What people made of a judge's suggested marks."""

from dataclasses import dataclass

from django.db import connection

from annotate.models import Judge, Judgement
from annotate.quality.intervals import mean_interval
from annotate.reports.remembered import remembered

# From the judge's suggestions to the answers that tell of them, of spans alone or within a form; a
# row for each task.
DECIDED = """
SELECT count(*), sum(jsonb_array_length(told -> 'accepted')),
       sum(jsonb_array_length(told -> 'changed')), sum(jsonb_array_length(told -> 'dismissed')),
       sum(jsonb_array_length(told -> 'undecided'))
FROM routing_suggestion s
JOIN annotate_judgement j ON j.task_id = s.task_id
CROSS JOIN LATERAL jsonb_path_query(j.value, CASE j.kind
    WHEN 'form' THEN '$.answers.*.suggestions[*]' ELSE '$.suggestions[*]' END::jsonpath) told
WHERE s.judge_id = %s AND j.kind IN ('spans', 'form') AND j.source = 'person'
  AND (told ->> 'id')::bigint = s.id
  AND j.id IN ({given})
GROUP BY s.id
"""


@dataclass(frozen=True)
class Decisions:
    """Marks, by what was done with each; `answers` is how many people's answers tell of them.

    `share` is that of the accepted among those decided on, 0..1, and `low` to `high` its 95 %
    interval, tasks taken as drawn at random; None where there is nothing, or one task.
    """

    answers: int = 0
    accepted: int = 0
    changed: int = 0
    dismissed: int = 0
    undecided: int = 0
    share: float | None = None
    low: float | None = None
    high: float | None = None


def decisions(judge: Judge) -> Decisions:
    """Of one version of the judge. One query."""
    return remembered(f"report-suggestions:{judge.pk}", lambda: _decisions(judge))


def _decisions(judge: Judge) -> Decisions:
    rows = Judgement.objects.filter(project=judge.project_id).by_people().as_given().ordinary()
    given, params = rows.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(DECIDED.format(given=given), [judge.pk, *params])
        tasks = [tuple(map(int, row)) for row in cursor.fetchall()]
    if not tasks:
        return Decisions()
    counts = tuple(map(sum, zip(*tasks, strict=True)))
    units = [(float(row[1]), sum(row[1:4])) for row in tasks if sum(row[1:4])]
    decided = sum(count for _, count in units)
    low, high = mean_interval(units) or (None, None)
    return Decisions(*counts, share=counts[1] / decided if decided else None, low=low, high=high)
