"""Known answers that a file brought along."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotate.interchange.records import ImportedGold
from annotate.models import GoldItem, Project
from annotate.services.incoming.canonical import encode
from annotate.services.work.gold import draw_key, more_gold, regrade, void_ordinary_seats

SET_ANSWERS = """
UPDATE annotate_task SET gold = wanted.gold::jsonb, overlap = 0
FROM unnest(%s::bigint[], %s::text[]) AS wanted (id, gold) WHERE annotate_task.id = wanted.id
"""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """`value` as it is stored."""

    task_id: int
    value: dict[str, Any]
    gold: ImportedGold


def store_gold(*, project: Project, answers: list[KnownAnswer]) -> set[int]:
    """Write what is new or has changed; the tasks of these. The caller owns the transaction.

    What a file leaves out of how an item is used stays as it was.
    """
    wanted = {answer.task_id: answer for answer in answers}
    if not wanted:
        return set()
    there = GoldItem.objects.select_related("task").in_bulk(list(wanted))
    items = {pk: _item(project, answer, there.get(pk)) for pk, answer in wanted.items()}
    changed = [
        pk for pk, item in items.items() if pk not in there or _differs(item, there[pk], wanted[pk])
    ]
    with connection.cursor() as cursor:
        cursor.execute(SET_ANSWERS, [changed, [encode(wanted[pk].value) for pk in changed]])
    void_ordinary_seats(changed)
    GoldItem.objects.bulk_create(
        [items[pk] for pk in changed],
        update_conflicts=True,
        unique_fields=["task"],
        update_fields=["use", "explanation", "tolerance", "retired_at"],
    )
    for item in GoldItem.objects.select_related("task").filter(task__in=there, pk__in=changed):
        regrade(item)
    if changed:
        more_gold(project)
    return set(changed)


def _item(project: Project, answer: KnownAnswer, there: GoldItem | None) -> GoldItem:
    gold = answer.gold
    return GoldItem(
        task_id=answer.task_id,
        project=project,
        use=gold.use or (there.use if there else GoldItem.Use.HIDDEN),
        explanation=gold.explanation or (there.explanation if there else ""),
        tolerance=gold.tolerance
        if gold.tolerance is not None or there is None
        else there.tolerance,
        origin=there.origin if there else GoldItem.Origin.IMPORTED,
        draw_key=draw_key(project.seed, answer.task_id),
    )


def _differs(item: GoldItem, there: GoldItem, answer: KnownAnswer) -> bool:
    now = (there.task.gold, there.use, there.explanation, there.tolerance, there.retired_at)
    return now != (answer.value, item.use, item.explanation, item.tolerance, None)
