"""How far the review of answers is, as SQL over judgements `j`; and whose answers are drawn for it.

A stage is what the newest decision about an answer says: accept, return or dismiss; an answer that
a reviewer's amendment made is accepted with it; "none" without a decision. Once an answer is
superseded it has no stage any more.
"""

from django.db import connection
from django.db.models import BooleanField, Max, QuerySet
from django.db.models.expressions import RawSQL

from annotate.models import Judgement, Project, Review

ACCEPT, RETURN, DISMISS, NONE = "accept", "return", "dismiss", "none"

# Up to a decision, so that later ones change nothing of an export that goes on.
STAGE = """coalesce(
    (SELECT r.decision FROM annotate_review r
     WHERE r.judgement_id = j.id AND r.id <= {0} ORDER BY r.id DESC LIMIT 1),
    (SELECT 'accept' FROM annotate_review r WHERE r.amended_id = j.id AND r.id <= {0}),
    'none')"""
# Of ordinary answers alone: checks and norming answers are in no export that could wait for them.
# The same share of everybody's tasks, whatever else is judged and however often it is changed.
# Of a person's answers to a project's tasks each stays in or out; a larger share adds to it.
DRAWN = """(
    {0}.source = 'person' AND NOT {0}.is_gold
    AND (SELECT n.id FROM annotate_normingseat n WHERE n.seat_id = {0}.seat_id) IS NULL
    AND (hashint8extended({0}.task_id, {0}.annotator_id::bigint * 31 + {1})
         & 9223372036854775807) %% 100 < {2})"""


def last_review() -> int:
    """The newest decision of all there are; 0 without any."""
    return Review.objects.aggregate(last=Max("pk"))["last"] or 0


def drawn_sql(project: Project, table: str = "j") -> str:
    """Whether a judgement of `table` needs a reviewer; its percent signs are doubled."""
    return DRAWN.format(table, int(project.seed), int(project.review_percent))


def drawn(project: Project, rows: QuerySet[Judgement]) -> QuerySet[Judgement]:
    """Those among the rows that need a reviewer before they are final."""
    if not project.review_percent:
        return rows.none()
    sql = drawn_sql(project, "annotate_judgement")
    return rows.filter(RawSQL(sql, (), output_field=BooleanField()))


def is_used(project: Project) -> bool:
    """Whether anything was ever decided about the project's answers. One query."""
    return Review.objects.filter(project=project).exists()


def conditions(project: Project, review: str) -> tuple[str, ...]:
    """What an export asks of judgements `j`, as parts of a WHERE.

    `review`: "any" (that was not dismissed), "final" (accepted, or not drawn for a review and
    neither returned nor dismissed) or "accepted". No condition where none could leave any out.
    One query, two where there are decisions, the latest of which is then that of now.
    """
    asks = review == "accepted" or (review == "final" and project.review_percent)
    if not asks and not is_used(project):
        return ()
    stage = STAGE.format(last_review())
    if review == "any":
        return (f"{stage} <> '{DISMISS}'",)
    if review == "accepted":
        return (f"{stage} = '{ACCEPT}'",)
    # Not drawn twice: the share of the settings is that of today.
    free = f"{stage} = '{NONE}' AND NOT {drawn_sql(project)}"
    return (f"({stage} = '{ACCEPT}' OR {free})",)


COUNTS = """
SELECT {stage} AS stage, {drawn} AS drawn, count(*)
FROM annotate_judgement j
WHERE j.project_id = %s AND j.source = 'person' AND NOT j.is_gold
  AND NOT EXISTS (SELECT FROM annotate_normingseat n WHERE n.seat_id = j.seat_id)
  AND NOT EXISTS (SELECT FROM annotate_judgement n WHERE n.supersedes_id = j.id)
GROUP BY 1, 2
"""


def count_stages(project: Project) -> dict[str, int]:
    """People's current answers by stage, "none" being those that need no review, "waiting" those
    that do. One scan of the project's judgements.
    """
    sql = COUNTS.format(stage=STAGE.format(2**62), drawn=drawn_sql(project))
    found = dict.fromkeys(("waiting", RETURN, ACCEPT, DISMISS, NONE), 0)
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk])
        for stage, is_drawn, count in cursor.fetchall():
            found["waiting" if stage == NONE and is_drawn else stage] += count
    return found
