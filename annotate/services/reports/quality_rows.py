"""A project's judgements as annotate/quality takes them, apart by whose labels count together."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from annotate import kinds
from annotate.kinds.sayings import Marked, Saying
from annotate.kinds.span_suggestions import told_of
from annotate.models import Judgement, Project, Voices
from annotate.quality.grouping import Facts
from annotate.quality.summary import Material
from annotate.quality.votes import Row
from annotate.services.review.norming_answers import norming_conditions
from annotate.services.review.review_stages import is_used

BATCH = 5000
MOST = 1_000_000  # judgements; of larger projects the newest tasks, each with all of its own
LEAST_WORDS = 20  # characters of a rationale from which it is compared with others

ROWS = """
SELECT j.id, j.task_id, j.source, j.simulated, j.annotator_id, j.judge_id, j.imported_author,
       j.value::text, j.shown_order,
       CASE WHEN j.source <> 'imported' THEN j.seconds_active END,
       extract(epoch FROM j.submitted_at)::float8,
       CASE WHEN length(btrim(j.rationale)) >= %s THEN md5(lower(btrim(j.rationale))) ELSE '' END,
       j.is_gold
FROM annotate_judgement j
WHERE j.project_id = %s AND j.kind = %s AND j.task_id >= %s AND j.id > %s AND j.id <= %s
  AND {counts}
ORDER BY j.id LIMIT %s
"""
NOT_CHANGED = """
(SELECT n.id FROM annotate_judgement n WHERE n.supersedes_id = j.id AND n.id <= {newest}) IS NULL
"""
# As people gave them (JudgementQuerySet.as_given): what a reviewer amended counts, what made it
# good does not; nor does what was dismissed, but for the sake of another answer.
AS_GIVEN = """
(SELECT n.id FROM annotate_judgement n WHERE n.supersedes_id = j.id AND n.id <= {newest}
 AND NOT EXISTS (SELECT FROM annotate_review r WHERE r.amended_id = n.id)) IS NULL
AND (SELECT r.id FROM annotate_review r WHERE r.amended_id = j.id) IS NULL
AND coalesce((SELECT r.decision = 'dismiss' AND r.settled_by_id IS NULL FROM annotate_review r
              WHERE r.judgement_id = j.id AND r.id <= {review} ORDER BY r.id DESC LIMIT 1), false)
    = false
"""
# The answers by which reviewers settled tasks, each task's newest last.
SETTLED = """
SELECT j.task_id, j.value::text
FROM annotate_review r JOIN annotate_judgement j ON j.id = coalesce(r.amended_id, r.judgement_id)
WHERE r.project_id = %s AND j.kind = %s AND (r.decision = 'amend' OR r.settles_task)
  AND NOT EXISTS (SELECT FROM annotate_normingseat n WHERE n.seat_id = j.seat_id)
  AND NOT EXISTS (SELECT FROM annotate_review n WHERE n.replaces_id = r.id)
  AND NOT EXISTS (SELECT FROM annotate_judgement n WHERE n.supersedes_id = j.id)
  AND coalesce((SELECT n.decision FROM annotate_review n WHERE n.judgement_id = j.id
                ORDER BY n.id DESC LIMIT 1), '') <> 'dismiss'
ORDER BY r.id
"""
FIRST_TASK = """
SELECT task_id FROM annotate_judgement WHERE project_id = %s ORDER BY task_id DESC
OFFSET %s LIMIT 1
"""
TASKS = """
SELECT t.id, t.prompt_id, t.stratum, p.language, t.gold::text,
       ARRAY(SELECT r.response_id FROM annotate_taskresponse r WHERE r.task_id = t.id)
FROM annotate_task t JOIN annotate_prompt p ON p.id = t.prompt_id WHERE t.id = ANY(%s)
"""
LENGTHS = """
SELECT response.id, part.place - 1, char_length(part.value ->> 'text')
FROM annotate_response response,
     jsonb_array_elements(response.content) WITH ORDINALITY part (value, place)
WHERE response.id = ANY(%s) AND part.value ->> 'text' IS NOT NULL
"""

Rater = dict[str, Any]  # {"user": id}, {"judge": id} or {"imported": name}


@dataclass
class Side:
    """Those whose labels count together: their rows, and who each number is."""

    rows: list[Row] = field(default_factory=list)
    raters: dict[tuple[str, Any], int] = field(default_factory=dict)

    def number(self, rater: tuple[str, Any]) -> int:
        return self.raters.setdefault(rater, len(self.raters))

    def named(self) -> list[Rater]:
        return [{name: value} for name, value in self.raters]


@dataclass
class Read:
    """What was read. `settled`: by task the answer that a reviewer settled it by; `unreadable`:
    tasks with a known answer (`gold`) that the project's kind cannot read; `aided`: answers of
    people who were shown what AI judges suggest; `first_task`: the oldest one of the window.
    """

    sides: dict[str, Side] = field(default_factory=dict)
    facts: dict[int, Facts] = field(default_factory=dict)
    gold: dict[int, list[Saying]] = field(default_factory=dict)
    lengths: dict[tuple[int, int], int] = field(default_factory=dict)
    settled: dict[int, list[Saying]] = field(default_factory=dict)
    judgements: int = 0
    unreadable: list[int] = field(default_factory=list)
    aided: list[int] = field(default_factory=list)
    first_task: int = 0

    def material(self, voices: str) -> Material:
        return Material(self.sides[voices].rows, self.facts, self.gold, self.lengths)


def read_judgements(
    project: Project,
    *,
    newest: int,
    review: int,
    tell: Callable[[int], None],
    tasks: Collection[int] | None = None,
) -> Read:
    """Judgements of the project's kind that were current when `newest` and `review` were the newest
    judgement and the newest decision of a reviewer, in batches by id; `tell` is called with how
    many were read. `tasks`: those of these alone, and no window. Three queries a batch.
    """
    read, module = Read(), kinds.get(project.kind)
    places: dict[int, list[int]] = {}
    read.first_task = first = _first_task(project) if tasks is None else 0
    among, after = [] if tasks is None else [list(tasks)], 0
    reviewed = is_used(project)
    given = (AS_GIVEN if reviewed else NOT_CHANGED).format(newest=int(newest), review=int(review))
    counts = [given, *norming_conditions(project, "exclude")]
    counts += ["j.task_id = ANY(%s)"] * len(among)
    statement = ROWS.format(counts=" AND ".join(counts))
    known = [LEAST_WORDS, project.pk, project.kind, first]
    while rows := _fetch(statement, [*known, after, newest, *among, BATCH]):
        after = rows[-1][0]
        _add_tasks(read, module, places, {row[1] for row in rows} - places.keys())
        values = json.loads(f"[{','.join(row[7] for row in rows)}]")
        for row, value in zip(rows, values, strict=True):
            voices, rater = _who(*row[2:7])
            read.aided += [row[0]] if told_of(value) else []
            side = read.sides.setdefault(voices, Side())
            sayings = module.said(value, places[row[1]])
            number = side.number(rater)
            shown = tuple(row[8])
            side.rows.append(
                Row(row[0], row[1], number, row[9], row[10], shown, row[11], sayings, row[12])
            )
        read.judgements += len(rows)
        tell(read.judgements)
    if reviewed:
        _add_settled(read, module, project, places)
    _add_lengths(read)
    return read


def _add_settled(
    read: Read, module: kinds.Kind, project: Project, places: dict[int, list[int]]
) -> None:
    for task, value in _fetch(SETTLED, [project.pk, project.kind]):
        if task in places:  # else it lies before the window
            read.settled[task] = module.said(json.loads(value), places[task])


def newest_judgement(project: Project) -> int:
    """Its id; 0 without any."""
    rows = Judgement.objects.filter(project=project).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def _first_task(project: Project) -> int:
    """The task from which on there are at most MOST judgements; 0 where that is all."""
    found = _fetch(FIRST_TASK, [project.pk, MOST])
    return found[0][0] + 1 if found else 0


def _who(
    source: str, simulated: bool, user: int | None, judge: int | None, imported: str
) -> tuple[str, tuple[str, Any]]:
    if source == Judgement.Source.JUDGE:
        return Voices.JUDGES.value, ("judge", judge)
    rater = ("user", user) if user is not None else ("imported", imported)
    return (Voices.SIMULATED if simulated else Voices.HUMAN).value, rater


def _add_tasks(
    read: Read, module: kinds.Kind, places: dict[int, list[int]], tasks: set[int]
) -> None:
    for task, prompt, stratum, language, gold, ids in _fetch(TASKS, [list(tasks)]):
        read.facts[task] = Facts(prompt, stratum, language)
        places[task] = sorted(ids)
        if gold is not None and gold != "null":
            try:
                read.gold[task] = module.said(json.loads(gold), places[task])
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                read.unreadable.append(task)  # told in the report


def _add_lengths(read: Read) -> None:
    marked = {
        one.response
        for side in read.sides.values()
        for row in side.rows
        for one in row.sayings
        if isinstance(one, Marked)
    }
    if marked:
        read.lengths = {(pk, part): size for pk, part, size in _fetch(LENGTHS, [list(marked)])}


def _fetch(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
