"""What people said of each task, as labels: the input of annotate/quality/agreement.py."""

from collections import Counter

from django.db import connection

from annotate.models import Judgement, Project
from annotate.quality.agreement import Labels

# Preferences by the response's place in order of id, not by the side it was shown on.
PAIRWISE_UNITS = """
SELECT labels, count(*)
FROM (
    SELECT array_agg(label ORDER BY label) AS labels
    FROM (
        SELECT judgement.task_id,
               CASE WHEN judgement.value ->> 'verdict' <> 'prefer'
                    THEN judgement.value ->> 'verdict'
                    WHEN (judgement.value ->> 'preferred')::bigint
                         = (SELECT min(id) FROM unnest(judgement.shown_order) AS id)
                    THEN 'first' ELSE 'second' END AS label
        FROM annotate_judgement judgement
        WHERE judgement.id IN ({given})
    ) labelled
    GROUP BY task_id
) units
GROUP BY labels
"""


def label_units(project: Project) -> Counter[Labels]:
    """How many tasks got which labels from people, as they gave them (late ones too).

    One pass over the project's judgements.
    """
    rows = Judgement.objects.filter(project=project).by_people().as_given().ordinary()
    given, params = rows.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(PAIRWISE_UNITS.format(given=given), params)
        return Counter({tuple(labels): times for labels, times in cursor.fetchall()})
