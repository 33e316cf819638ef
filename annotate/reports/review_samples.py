"""Which answers a queue draws: so many of each person, and those that miss a known answer."""

from django.db import connection

from annotate.kinds.known import grade
from annotate.models import Judgement, Project

MOST_GOLD = 5000  # answers that are compared with known ones, the latest

SAMPLE = """
SELECT id FROM (
    SELECT j.id, row_number() OVER (
        PARTITION BY j.annotator_id ORDER BY hashint8extended(j.task_id, %s), j.id) AS place
    FROM annotate_judgement j
    WHERE j.project_id = %s AND j.source = 'person'
      AND NOT EXISTS (SELECT FROM annotate_judgement n WHERE n.supersedes_id = j.id)
) drawn
WHERE place <= %s
"""


def sample(project: Project, *, each: int, seed: int) -> list[int]:
    """Ids of `each` of everybody's current answers, drawn by their tasks: the same ones for
    the same seed while nobody answers more. One scan of the project's judgements.
    """
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, [seed, project.pk, each])
        return [pk for (pk,) in cursor.fetchall()]


def failed_gold(project: Project) -> list[int]:
    """Ids of people's current answers that miss their tasks' known ones, of the latest MOST_GOLD.
    An answer or a known one that the kind cannot compare fails nothing. Two queries.
    """
    rows = Judgement.objects.filter(project=project, kind=project.kind).current().by_people()
    rows = rows.filter(task__gold__isnull=False).order_by("-pk")[:MOST_GOLD]
    rows = rows.select_related("task__gold_item").prefetch_related("task__places")
    found = []
    for row in rows:
        ids = sorted(place.response_id for place in row.task.places.all())
        try:
            item = getattr(row.task, "gold_item", None)
            tolerance = item.tolerance if item else None
            graded = grade(row.kind, row.value, row.task.gold, ids, tolerance)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            continue  # the report on quality tells of known answers that cannot be read
        if not graded.right:
            found.append(row.pk)
    return found
