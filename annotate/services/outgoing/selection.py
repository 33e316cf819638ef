"""Which judgements go out: filters as SQL, read in batches by id so that memory stays flat."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from django.db import connection
from django.db.models import Max

from annotate.interchange.preferences import Judged, PromptText, ResponseText
from annotate.models import Installation, LabelFlip, Project, Snapshot
from annotate.models.judgement import ARRIVED, ISO_TIME
from annotate.services.incoming.imported_contents import NOT_FITTING
from annotate.services.outgoing.chat_export import conversations
from annotate.services.outgoing.export_filters import LEFT_OUT, SOURCES, TURNED, ExportFilters
from annotate.services.outgoing.narrowing import narrowing_conditions
from annotate.services.outgoing.strength_levels import StrengthLevels
from annotate.services.outgoing.turned import FLIP_IN_FORCE, FLIPS, SNAPSHOT_FLIPS, turn
from annotate.services.people.pseudonyms import imported_pseudonym
from annotate.services.people.teams import people_of_team
from annotate.services.review import review_stages
from annotate.services.review.norming_answers import norming_conditions

BATCH = 2000
WHOLE = (0, 2**63 - 1)


@dataclass(frozen=True)
class Selection:
    """A FROM clause over judgements `j` with a WHERE, and their parameters.

    `key` is the judgement's id in the table whose index the batches walk along. `states`: prompts
    of preferences hold what their tasks state; False for snapshots from before they did. `flips`
    reads what turned some of the judgements round: a query of (judgement, value, why) whose last
    parameter is their ids, or empty where all are taken as they were given. `part`: the walk begins
    after the first of these ids and ends with the second; a task goes with its first judgement.
    """

    project: Project
    source: str
    where: str
    params: tuple[Any, ...]
    last_id: int
    test_percent: int
    key: str = "j.id"
    states: bool = True
    flips: str = ""
    flip_params: tuple[Any, ...] = ()
    part: tuple[int, int] = WHOLE

    def judged(
        self,
        *,
        by_task: bool = False,
        provenance: bool = False,
        metadata: bool = False,
        levels: StrengthLevels | None = None,
        context: bool = False,
    ) -> Iterator[Judged]:
        """In order of id; `by_task` brings a task's judgements together, by the first one's id.

        With `provenance` prompts have what was kept aside at their import, under pseudonyms, and
        with `metadata` also what their files brought along, which may name anybody. `levels` are
        put beside each judgement; not together with `provenance`. `context` brings what tasks say
        beside their prompts, as `provenance` does.

        Five queries a batch, one more for `by_task`, three more for `provenance`, one more for
        turned labels, and up to four where there are conversations.
        """
        columns = COLUMNS + (PROVENANCE if provenance else ASKED_UNDER if levels else "")
        for before, rows in self._walk(columns):
            if by_task:
                after = rows[-1][0]
                rows = self._whole_tasks(columns, {row[1] for row in rows}, before, after)
            found = self._judged(rows, provenance, metadata, context or provenance)
            if levels is None:
                yield from found
                continue
            for row, judged in zip(rows, found, strict=True):
                yield judged._replace(strength_levels=levels.of(*row[4:]))

    def batches(self, columns: str) -> Iterator[list[tuple]]:
        """Columns of `j`, the first its id, in order of id. One query a batch."""
        for _, rows in self._walk(columns):
            yield rows

    def _walk(self, columns: str) -> Iterator[tuple[int, list[tuple]]]:
        """Batch by batch in order of id, each with the id that it begins after."""
        after, end = self.part
        condition = f"AND {self.key} > %s AND {self.key} <= %s"
        while rows := self._rows(columns, condition, (after, end), f"LIMIT {BATCH}"):
            yield after, rows
            after = rows[-1][0]

    def _rows(
        self, columns: str, condition: str, params: tuple[Any, ...], limit: str = ""
    ) -> list[tuple]:
        statement = (
            f"SELECT {columns} FROM {self.source} WHERE {self.where} AND {self.key} <= %s"
            f" {condition} ORDER BY {self.key} {limit}"
        )
        return _fetch(statement, [*self.params, self.last_id, *params])

    def _whole_tasks(
        self, columns: str, task_ids: set[int], before: int, after: int
    ) -> list[tuple]:
        """All selected judgements of the tasks whose first one lies in (before, after]."""
        tasks: dict[int, list[tuple]] = {}
        for row in self._rows(columns, "AND j.task_id = ANY(%s)", (list(task_ids),)):
            tasks.setdefault(row[1], []).append(row)
        return [row for rows in tasks.values() if before < rows[0][0] <= after for row in rows]

    def _judged(
        self, rows: list[tuple], provenance: bool, metadata: bool, stated: bool
    ) -> Iterator[Judged]:
        values = _parsed(row[2] for row in rows)
        ids, project_id = {row[1] for row in rows}, self.project.pk
        context = _context(
            ids, self.test_percent, project_id, whole=provenance, stated=stated, metadata=metadata
        )
        origins = _origins(self.project.pk, rows) if provenance else repeat({})
        turned = self._turned([row[0] for row in rows])
        for row, value, origin in zip(rows, values, origins, strict=False):
            prompt, responses, said = context[row[1]]
            judged = Judged(row[0], row[1], value, row[3], prompt, responses, origin, said)
            yield turn(judged, *turned[row[0]]) if row[0] in turned else judged

    def _turned(self, ids: list[int]) -> dict[int, tuple[Any, Any]]:
        """Judgement -> its turned value, and why. One query where there may be any."""
        if not self.flips:
            return {}
        rows = _fetch(self.flips, [*self.flip_params, ids])
        return {row[0]: (json.loads(row[1]), json.loads(row[2])) for row in rows if row[1]}


NOTHING: Mapping[str, Any] = {}
COLUMNS = "j.id, j.task_id, j.value, j.source"
# The time only where there is no version.
ASKED_UNDER = f""", j.form_version_id,
    CASE WHEN j.form_version_id IS NULL THEN extract(epoch FROM {ARRIVED})::float8 END"""
PROVENANCE = f""", j.simulated, j.annotator_id, j.judge_id, j.imported_author, j.kind,
    j.schema_version, j.rationale, j.flag, j.shown_order, j.seconds_active,
    {ISO_TIME.format("j.started_at")}, {ISO_TIME.format("j.submitted_at")},
    j.late, j.supersedes_id, j.form_version_id, j.is_gold,
    CASE WHEN j.origin <> '{{}}' THEN j.origin END"""

# What a batch needs besides is read table by table along their primary keys: a join would leave
# it to the planner, whose guesses change with a project's share of the tables.
# {} is what provenance adds.
TASKS = "SELECT id, prompt_id, stratum{} FROM annotate_task WHERE id = ANY(%s)"
PLACES = """
SELECT task_id, response_id FROM annotate_taskresponse WHERE task_id = ANY(%s)
ORDER BY task_id, position
"""
PROMPTS = """
SELECT id, external_id, system, language, split_bucket, conversation{}
FROM annotate_prompt WHERE id = ANY(%s)
"""
# The text parts joined by a blank line, as Response.text; taking JSON apart here costs half.
RESPONSES = """
SELECT id, generator, generator_version,
    CASE WHEN jsonb_array_length(content) = 1 AND content #>> '{0,type}' = 'text'
    THEN content #>> '{0,text}'
    ELSE coalesce((SELECT string_agg(part ->> 'text', E'\\n\\n' ORDER BY place)
                   FROM jsonb_array_elements(content) WITH ORDINALITY parts (part, place)
                   WHERE part ->> 'type' = 'text'), '') END,
    CASE WHEN jsonb_array_length(content) <> 1 OR content #>> '{0,type}' <> 'text'
    THEN content END
FROM annotate_response WHERE id = ANY(%s)
"""
PSEUDONYMS = "SELECT id, pseudonym FROM annotate_user WHERE id = ANY(%s)"
FORMS = "SELECT id, number FROM annotate_formversion WHERE id = ANY(%s)"
JUDGES = "SELECT id, name || ' v' || version FROM annotate_judge WHERE id = ANY(%s)"


def select(*, project: Project, filters: ExportFilters, last_id: int | None = None) -> Selection:
    """The project's judgements as of now; later ones neither slip in nor supersede any, and later
    flips turn and later reviews dismiss none.

    `last_id`: as it was when that judgement was the latest.
    """
    last_flip = LabelFlip.objects.aggregate(last=Max("pk"))["last"] or 0
    if last_id is None:
        statement = "SELECT coalesce(max(id), 0) FROM annotate_judgement WHERE project_id = %s"
        last_id = _fetch(statement, [project.pk])[0][0]
    where = ["j.project_id = %s", "j.source = ANY(%s)"]
    params: list[Any] = [project.pk, list(SOURCES[filters.source])]
    if filters.simulated != "include":
        where.append("j.simulated" if filters.simulated == "only" else "NOT j.simulated")
    if not filters.superseded:
        # Not NOT EXISTS: the planner may join that, and then sorts all that is left every batch.
        where.append(
            "(SELECT n.id FROM annotate_judgement n"
            " WHERE n.supersedes_id = j.id AND n.id <= %s) IS NULL"
        )
        params.append(last_id)
    if filters.gold != "with":
        where.append("j.is_gold" if filters.gold == "only" else "NOT j.is_gold")
    if filters.review != "any" or not filters.superseded:
        where += review_stages.conditions(project, filters.review)
    where += norming_conditions(project, filters.norming)
    if filters.suggested == "unaided":
        paths = ("$.suggestions[*]", "$.answers.*.suggestions[*]")
        where += [f"NOT jsonb_path_exists(j.value, '{path}')" for path in paths]
    if filters.flipped == LEFT_OUT:
        where.append(f"{FLIP_IN_FORCE.format(last_flip)} IS NULL")
    more, values = narrowing_conditions(project, filters)
    where += more
    params += values
    if filters.team:
        where.append("j.annotator_id = ANY(%s)")
        params.append(people_of_team(project, filters.team))
    if filters.split != "all":
        side = "<" if filters.split == "test" else ">="
        where.append(
            f"(SELECT p.split_bucket FROM annotate_task s JOIN annotate_prompt p"
            f" ON p.id = s.prompt_id WHERE s.id = j.task_id) {side} %s"
        )
        params.append(project.test_percent)
    return Selection(
        project=project,
        source="annotate_judgement j",
        where=" AND ".join(where),
        params=tuple(params),
        last_id=last_id,
        test_percent=project.test_percent,
        **({"flips": FLIPS, "flip_params": (last_flip,)} if filters.flipped == TURNED else {}),
    )


def select_snapshot(*, snapshot: Snapshot) -> Selection:
    turned = snapshot.query.get("flipped") == TURNED
    return Selection(
        project=snapshot.project,
        source="annotate_snapshotjudgement f JOIN annotate_judgement j ON j.id = f.judgement_id",
        where="f.snapshot_id = %s",
        params=(snapshot.pk,),
        last_id=2**63 - 1,
        test_percent=snapshot.split["test_percent"],
        key="f.judgement_id",
        states=snapshot.row_format >= Snapshot.STATES,
        **({"flips": SNAPSHOT_FLIPS, "flip_params": (snapshot.pk,)} if turned else {}),
    )


def _fetch(statement: str, params: list[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _named(statement: str, ids: set[int | None]) -> dict[int | None, Any]:
    known = [pk for pk in ids if pk is not None]
    return dict(_fetch(statement, [known])) if known else {}


def _context(
    task_ids: set[int],
    test_percent: int,
    project_id: int,
    *,
    whole: bool,
    stated: bool,
    metadata: bool,
) -> dict[int, tuple[PromptText, tuple[ResponseText, ...], Mapping[str, Any]]]:
    """Each task's prompt, its responses in storage order, and its own context if `stated`."""
    tasks = _fetch(TASKS.format(", context" if stated else ""), [list(task_ids)])
    said = _parsed(row[3] for row in tasks) if stated else repeat(NOTHING)
    prompts = _prompts(
        {row[1] for row in tasks}, test_percent, project_id, whole=whole, brought=metadata
    )
    places = _fetch(PLACES, [list(task_ids)])
    responses = _responses({response_id for _, response_id in places})
    placed: dict[int, list[ResponseText]] = {row[0]: [] for row in tasks}
    for task_id, response_id in places:
        placed[task_id].append(responses[response_id])
    return {
        row[0]: (_of_task(prompts[row[1]], row[2]), tuple(placed[row[0]]), context)
        for row, context in zip(tasks, said, strict=False)
    }


def _of_task(prompt: PromptText, stratum: str) -> PromptText:
    return prompt._replace(stratum=stratum) if stratum else prompt


def _nameless(project_id: int, metadata: dict[str, Any], brought: bool) -> dict[str, Any]:
    """With pseudonyms for the annotators of what was kept aside; `brought`: the rest too."""
    if not brought:
        metadata = {name: said for name, said in metadata.items() if name == NOT_FITTING}
    for entry in metadata.get(NOT_FITTING, ()):
        for said in (*entry.get("labels", ()), *entry.get("answers", ())):
            if "annotator" in said:
                said["annotator"] = imported_pseudonym(project_id, said["annotator"])
    return metadata


def _prompts(
    ids: set[int], test_percent: int, project_id: int, *, whole: bool, brought: bool
) -> dict[int, PromptText]:
    rows = _fetch(PROMPTS.format(", passages, metadata" if whole else ""), [list(ids)])
    conversations = _parsed(row[5] for row in rows)
    passages = _parsed(row[6] for row in rows) if whole else repeat(())
    metadata = (
        [_nameless(project_id, said, brought) for said in _parsed(row[7] for row in rows)]
        if whole
        else repeat(NOTHING)
    )
    return {
        row[0]: PromptText(row[0], row[1], row[2], turns, row[3], row[4] < test_percent, *more)
        for row, turns, *more in zip(rows, conversations, passages, metadata, strict=False)
    }


def _responses(ids: set[int]) -> dict[int, ResponseText]:
    return {
        row[0]: ResponseText(*row) if row[4] is None else ResponseText(*row[:4], json.loads(row[4]))
        for row in _fetch(RESPONSES, [list(ids)])
    }


def _parsed(texts: Iterable[str]) -> list[Any]:
    """The values of many JSON texts, in one call as calls are what costs."""
    return json.loads(f"[{','.join(texts)}]")


def _origins(project_id: int, rows: list[tuple]) -> Iterator[dict[str, Any]]:
    """What raw rows tell of where each judgement comes from."""
    pseudonyms = _named(PSEUDONYMS, {row[5] for row in rows})
    judges = _named(JUDGES, {row[6] for row in rows})
    forms = _named(FORMS, {row[18] for row in rows})
    chats = conversations({row[1] for row in rows if row[8] in ("chat", "form")})
    installation = str(Installation.this())
    for row in rows:
        chat = chats.get((row[1], row[5]))
        yield {
            "installation": installation,
            "simulated": row[4],
            "annotator": pseudonyms.get(row[5]) or imported_pseudonym(project_id, row[7]),
            "judge": judges.get(row[6]),
            "kind": row[8],
            "schema_version": row[9],
            "form_version": forms.get(row[18]),
            "rationale": row[10],
            "flag": row[11],
            "shown_order": row[12],
            "seconds_active": row[13],
            "started_at": row[14],
            "submitted_at": row[15],
            "late": row[16],
            "supersedes": row[17],
            **({"gold": True} if row[19] else {}),
            **({"origin": json.loads(row[20])} if row[20] else {}),
            **({"chat": chat} if chat else {}),
        }
