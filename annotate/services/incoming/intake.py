"""One batch of imported items into prompts, responses, tasks, seats and judgements.

Everything is looked up by content hash first, so a batch that is already there adds nothing.
The caller owns the transaction and holds `bulk.lock_imports`.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from annotate.interchange.fitting import Fit
from annotate.interchange.records import ItemTask
from annotate.interchange.renaming import named_context
from annotate.models import OverlapDue, Project, Seat, Task, TaskResponse
from annotate.services.incoming import bulk
from annotate.services.incoming.canonical import encode, encode_text, hash_json
from annotate.services.incoming.imported_contents import (
    BatchResult,
    PreparedItem,
    store_prompts,
    store_responses,
)
from annotate.services.incoming.imported_gold import KnownAnswer, store_gold
from annotate.services.incoming.imported_labels import LabelledItem, store_labels
from annotate.services.work.cursors import lower_cursors
from annotate.services.work.requirements import (
    NOTHING,
    Asked,
    asked,
    name_authors,
    renew_requirements,
    requirement_ids,
)
from annotate.services.work.tasks import queue_key, shown_order


@dataclass(frozen=True)
class Wish:
    """What is to become of the items: labels as judgements, or tasks for people.

    `fit` is what the items were fitted to the project with.
    """

    fit: Fit
    as_tasks: bool
    overlap: int
    priority: int = 500


@dataclass(slots=True)
class _Wanted:
    """A task that an item asks for. `context` is JSON text, empty without any."""

    item: PreparedItem
    positions: tuple[int, ...]
    response_ids: tuple[int, ...]
    key: str
    for_people: bool
    context: str
    known: ItemTask | None = None

    @property
    def asked(self) -> Asked:
        skills = self.item.source.skills
        return asked(self.item.language, skills) if skills or self.item.language else NOTHING

    @property
    def authors(self) -> list[str]:
        source = self.item.source
        wrote = [source.responses[place].author for place in self.positions]
        return [name for name in (*source.authors, *wrote) if name]


def store_batch(*, project: Project, items: list[PreparedItem], wish: Wish) -> BatchResult:
    """Write what is new. The errors are items whose id belongs to another prompt."""
    result = BatchResult()
    for item in items:
        item.outcome = "skipped"
    with bulk.Copies() as copies:
        waiting = store_prompts(project, items, result, copies)
        store_responses(waiting, result, copies)
        wanted: list[_Wanted] = []
        for item in waiting:
            wanted += _wanted(item, wish)
        task_ids = _store_tasks(project, wanted, wish, result, copies)
    _store_gold(project, wanted, task_ids, wish, result)
    if result.relabelled:
        renew_requirements(project=project, prompt_ids=result.relabelled)
    authors = {task_ids[task.key]: task.authors for task in wanted if task.authors}
    name_authors(project=project, authors=authors)
    if not wish.as_tasks:
        _store_labels(project, waiting, wanted, task_ids, wish, result)
    outcomes = Counter(item.outcome for item in waiting)
    result.created, result.updated = outcomes["created"], outcomes["updated"]
    result.skipped = outcomes["skipped"]
    return result


def pair_key(prompt_id: int, response_ids: Iterable[int], context: str = "") -> str:
    """The task's dedup_key: content_hash(prompt_id, sorted(response_ids), context, if any)."""
    ids = ",".join([str(pk) for pk in sorted(response_ids)])
    return hash_json(f"[{prompt_id},[{ids}],{context}]" if context else f"[{prompt_id},[{ids}]]")


def _wanted(item: PreparedItem, wish: Wish) -> list[_Wanted]:
    source, ids = item.source, item.response_ids
    if wish.as_tasks and wish.fit.group == "none":
        return []
    context = encode(named_context(source.context, dict(enumerate(ids)))) if source.context else ""
    if source.tasks is None:
        for_people = wish.as_tasks or not source.labels
        return [
            _task(item, positions, for_people, context)
            for positions in _pairs(item, every=for_people)
        ]
    return [
        _task(
            item,
            task.positions,
            task.gold is None and (wish.as_tasks or not task.answers),
            context,
            task if task.gold else None,
        )
        for task in source.tasks
    ]


def _task(
    item: PreparedItem,
    positions: tuple[int, ...],
    for_people: bool,
    context: str,
    known: ItemTask | None = None,
) -> _Wanted:
    ids = tuple([item.response_ids[place] for place in positions])
    key = pair_key(item.prompt_id, ids, context)
    return _Wanted(item, positions, ids, key, for_people, context, known)


def _pairs(item: PreparedItem, *, every: bool) -> Iterable[tuple[int, int]]:
    """The pairs that people (`every`) or the labels compare; two equal texts are no pair."""
    hashes, labels = item.text_hashes, item.source.labels
    pairs = (
        itertools.combinations(range(len(hashes)), 2)
        if every
        else dict.fromkeys([(label.first, label.second) for label in labels])
    )
    return [(first, second) for first, second in pairs if hashes[first] != hashes[second]]


def _store_tasks(
    project: Project,
    wanted: list[_Wanted],
    wish: Wish,
    result: BatchResult,
    copies: bulk.Copies,
) -> dict[str, int]:
    """Task ids by key. Those that only carry answers get no seats."""
    for_people = {task.key: task for task in wanted if task.for_people}
    known = [task.key for task in wanted if not task.item.new_prompt]
    copies.settle()
    ids, seatless = _existing_tasks(project, known)
    fresh = {task.key: task for task in wanted if task.key not in ids}
    to_open = {ids[key]: task for key, task in for_people.items() if ids.get(key) in seatless}
    Task.objects.filter(pk__in=list(to_open)).update(overlap=wish.overlap, priority=wish.priority)
    labelled = set(to_open)
    for pk, task in to_open.items():
        task.item.mark("updated")
        if task.item.source.skills:
            Task.objects.filter(pk=pk).update(skills=list(task.item.source.skills))
        result.relabelled.add(task.item.prompt_id)
    ids.update(zip(fresh, bulk.reserve_ids(Task, len(fresh)), strict=True))
    overlaps = {key: wish.overlap if key in for_people else 0 for key in fresh}
    copies.add(Task, TASK_COLUMNS, _task_rows(project, fresh, ids, overlaps, wish))
    places = list(_place_rows(fresh, ids))
    copies.add(TaskResponse, ("task_id", "response_id", "position"), places)
    _mark_new(wanted, fresh)
    to_open.update({ids[key]: task for key, task in fresh.items() if key in for_people})
    result.counts["tasks"] += len(fresh)
    result.counts["tasks_for_people"] += len(to_open)
    result.counts["seats"] += _open_seats(project, to_open, wish, copies)
    if project.overlap_most is not None:  # labels that are there count
        copies.settle()
        OverlapDue.objects.bulk_create([OverlapDue(task_id=pk) for pk in sorted(labelled)])
    return ids


def _mark_new(wanted: list[_Wanted], fresh: dict[str, _Wanted]) -> None:
    """The row that a task came with first, and one that later asks people about it too."""
    asks: dict[str, bool] = {}
    for task in wanted:
        if task.key not in fresh:
            continue
        before = asks.get(task.key)
        if before is None:
            task.item.mark("created")
        elif task.for_people and not before:
            task.item.mark("updated")
        else:
            continue
        asks[task.key] = task.for_people


TASK_COLUMNS = (
    *("id", "project_id", "prompt_id", "dedup_key", "overlap", "priority", "stratum", "skills"),
    *("route", "gold", "context", "metadata", "created_at"),
)


def _task_rows(
    project: Project,
    fresh: dict[str, _Wanted],
    ids: dict[str, int],
    overlaps: dict[str, int],
    wish: Wish,
) -> Iterator[str]:
    now, project_id, route = timezone.now().isoformat(), project.pk, Task.Route.PEOPLE.value
    priority = wish.priority
    for key, task in fresh.items():
        name = task.item.source.external_id
        metadata = bulk.escape_json(f'{{"external_id":{encode_text(name)}}}') if name else "{}"
        context = bulk.escape_json(task.context) if task.context else "{}"
        source = task.item.source
        stratum, skills = bulk.escape(source.stratum), bulk.text_array(source.skills)
        yield (
            f"{ids[key]}\t{project_id}\t{task.item.prompt_id}\t{key}\t{overlaps[key]}"
            f"\t{priority}\t{stratum}\t{skills}\t{route}\t{bulk.NULL}\t{context}\t{metadata}"
            f"\t{now}\n"
        )


def _place_rows(fresh: dict[str, _Wanted], ids: dict[str, int]) -> Iterator[str]:
    for key, task in fresh.items():
        for position, response_id in enumerate(task.response_ids):
            yield f"{ids[key]}\t{response_id}\t{position}\n"


def _existing_tasks(project: Project, keys: list[str]) -> tuple[dict[str, int], set[int]]:
    """Ids by key, and which of them never asked for people; those with a known answer do not."""
    if not keys:
        return {}, set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dedup_key, id, overlap = 0 AND coalesce(gold, 'null') = 'null'"
            " AND NOT EXISTS (SELECT FROM annotate_seat WHERE task_id = annotate_task.id)"
            " FROM annotate_task"
            " WHERE project_id = %s AND dedup_key = ANY(string_to_array(%s, ','))",
            [project.pk, ",".join(keys)],
        )
        rows = cursor.fetchall()
    return {key: pk for key, pk, _ in rows}, {pk for _, pk, seatless in rows if seatless}


def _open_seats(
    project: Project, tasks: dict[int, _Wanted], wish: Wish, copies: bulk.Copies
) -> int:
    """As `tasks.open_seats`, for tasks that have no seat yet, without reading them back."""
    keys: list[int] = []
    if any(task.asked != NOTHING for task in tasks.values()):
        copies.settle()
    copies.add(Seat, SEAT_COLUMNS, list(_seat_rows(project, tasks, wish, keys)))
    if keys:
        lower = partial(lower_cursors, project_id=project.pk, queue_key=min(keys))
        transaction.on_commit(lower)
    return len(keys)


def _seat_rows(
    project: Project, tasks: dict[int, _Wanted], wish: Wish, keys: list[int]
) -> Iterator[str]:
    """Adds each row's queue_key to `keys`."""
    project_id, state = project.pk, Seat.State.OPEN.value
    requirements = requirement_ids(project_id, {task.asked for task in tasks.values()})
    for task_id, task in tasks.items():
        ids = list(task.response_ids)
        requirement = requirements[task.asked] or bulk.NULL
        for number in range(wish.overlap):
            order = shown_order(project=project, task_id=task_id, number=number, responses=ids)
            key = queue_key(project=project, priority=wish.priority, number=number, task_id=task_id)
            keys.append(key)
            shown = ",".join([str(pk) for pk in order])
            yield (
                f"{task_id}\t{project_id}\t{number}\t{state}\t{{{shown}}}\t{{}}\t{requirement}"
                f"\t{key}\n"
            )


SEAT_COLUMNS = (
    *("task_id", "project_id", "number", "state", "shown_order", "former_holders"),
    *("requirement_id", "queue_key"),
)


def _store_gold(
    project: Project,
    wanted: list[_Wanted],
    task_ids: dict[str, int],
    wish: Wish,
    result: BatchResult,
) -> None:
    items: dict[int, PreparedItem] = {}
    answers: list[KnownAnswer] = []
    for task in wanted:
        if task.known is not None and task.known.gold is not None:
            source, gold, pk = task.item.source, task.known.gold, task_ids[task.key]
            value = wish.fit.stored(source, task.known, gold.value or {}, task.item.response_ids)
            items[pk] = task.item
            answers.append(KnownAnswer(pk, value, gold))
    changed = store_gold(project=project, answers=answers)
    for pk in changed:
        items[pk].mark("updated")
    result.counts["known_answers"] += len(changed)


def _store_labels(
    project: Project,
    items: list[PreparedItem],
    wanted: list[_Wanted],
    task_ids: dict[str, int],
    wish: Wish,
    result: BatchResult,
) -> None:
    tasks_of: dict[PreparedItem, dict[tuple[int, ...], int]] = {item: {} for item in items}
    for task in wanted:
        tasks_of[task.item][task.positions] = task_ids[task.key]
    labelled = [item for item in items if item.source.labels or item.source.tasks]
    written = store_labels(
        project=project,
        fit=wish.fit,
        items=[LabelledItem(i.source, i.response_ids, tasks_of[i]) for i in labelled],
    )
    for place, outcome in written.outcomes.items():
        labelled[place].mark(outcome)
    result.counts["judgements"] += written.count
