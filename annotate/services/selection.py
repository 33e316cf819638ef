"""Which judgements go out: filters as SQL, read in batches by id so that memory stays flat."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.crypto import salted_hmac

from annotate.interchange.preferences import Judged, PromptText, ResponseText
from annotate.models import Project, Snapshot

BATCH = 2000
SOURCES = {
    "all": ("person", "judge", "imported"),
    "people": ("person",),
    "judges": ("judge",),
    "imported": ("imported",),
    "human": ("person", "imported"),
}
CHOICES = {
    "source": tuple(SOURCES),
    "simulated": ("include", "exclude", "only"),
    "split": ("all", "train", "test"),
    "superseded": (False, True),
}


@dataclass(frozen=True)
class ExportFilters:
    """`superseded` keeps answers that were changed later; `split` is the prompt's side."""

    source: str = "all"
    simulated: str = "include"
    split: str = "all"
    superseded: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices or isinstance(value, int) != isinstance(choices[0], int):
                known = ", ".join(map(str, choices)).lower()
                raise ValidationError({name: f"{value!r} is unknown. Choose one of: {known}."})

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "ExportFilters":
        """Raises ValidationError naming the filters there are."""
        known = [field.name for field in fields(cls)]
        for name in query:
            if name not in known:
                message = f"There is no such filter. Known: {', '.join(known)}."
                raise ValidationError({str(name): message})
        return cls(**query)

    def as_query(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Selection:
    """A FROM clause over judgements `j` with a WHERE, and their parameters."""

    project: Project
    source: str
    where: str
    params: tuple[Any, ...]
    last_id: int
    test_percent: int

    def judged(self, *, by_task: bool = False, provenance: bool = False) -> Iterator[Judged]:
        """In order of id; `by_task` brings a task's judgements together, by the first one's id."""
        after = 0
        while rows := self._rows("AND j.id > %s", (after,), f"LIMIT {BATCH}"):
            before, after = after, rows[-1][0]
            if by_task:
                rows = self._whole_tasks({row[1] for row in rows}, before, after)
            yield from self._judged(rows, provenance)

    def _rows(self, condition: str, params: tuple[Any, ...], limit: str = "") -> list[tuple]:
        statement = ROWS.format(
            source=self.source, where=self.where, condition=condition, limit=limit
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*self.params, self.last_id, *params])
            return cursor.fetchall()

    def _whole_tasks(self, task_ids: set[int], before: int, after: int) -> list[tuple]:
        """All selected judgements of the tasks whose first one lies in (before, after]."""
        tasks: dict[int, list[tuple]] = {}
        for row in self._rows("AND j.task_id = ANY(%s)", (list(task_ids),)):
            tasks.setdefault(row[1], []).append(row)
        return [row for rows in tasks.values() if before < rows[0][0] <= after for row in rows]

    def _judged(self, rows: list[tuple], provenance: bool) -> Iterator[Judged]:
        prompts = _prompts(list({row[4] for row in rows}), self.test_percent)
        responses = _responses(list({row[1] for row in rows}))
        for row in rows:
            yield Judged(
                id=row[0],
                task_id=row[1],
                value=json.loads(row[2]),
                source=row[3],
                prompt=prompts[row[4]],
                responses=responses[row[1]],
                provenance=_provenance(self.project.pk, row) if provenance else {},
            )


ROWS = """
SELECT j.id, j.task_id, j.value, j.source, t.prompt_id,
       j.simulated, u.pseudonym, g.name, g.version, j.imported_author,
       j.kind, j.schema_version, j.rationale, j.flag, j.shown_order, j.seconds_active,
       j.started_at, j.submitted_at, j.late, j.supersedes_id
FROM {source}
JOIN annotate_task t ON t.id = j.task_id
LEFT JOIN annotate_user u ON u.id = j.annotator_id
LEFT JOIN annotate_judge g ON g.id = j.judge_id
WHERE {where} AND j.id <= %s {condition}
ORDER BY j.id {limit}
"""

PROMPTS = """
SELECT id, external_id, system, conversation, language, split_bucket
FROM annotate_prompt WHERE id = ANY(%s)
"""

RESPONSES = """
SELECT place.task_id, r.id, r.generator, r.generator_version, r.content
FROM annotate_taskresponse place JOIN annotate_response r ON r.id = place.response_id
WHERE place.task_id = ANY(%s) ORDER BY place.task_id, place.position
"""


def select(*, project: Project, filters: ExportFilters) -> Selection:
    """The project's judgements as of now; later ones neither slip in nor supersede any."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(id), 0) FROM annotate_judgement WHERE project_id = %s",
            [project.pk],
        )
        last_id = cursor.fetchone()[0]
    where = ["j.project_id = %s", "j.source = ANY(%s)"]
    params: list[Any] = [project.pk, list(SOURCES[filters.source])]
    if filters.simulated != "include":
        where.append("j.simulated" if filters.simulated == "only" else "NOT j.simulated")
    if not filters.superseded:
        where.append(
            "NOT EXISTS (SELECT 1 FROM annotate_judgement n"
            " WHERE n.supersedes_id = j.id AND n.id <= %s)"
        )
        params.append(last_id)
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
    )


def select_snapshot(*, snapshot: Snapshot) -> Selection:
    return Selection(
        project=snapshot.project,
        source="annotate_snapshotjudgement f JOIN annotate_judgement j ON j.id = f.judgement_id",
        where="f.snapshot_id = %s",
        params=(snapshot.pk,),
        last_id=2**63 - 1,
        test_percent=snapshot.split["test_percent"],
    )


def _provenance(project_id: int, row: tuple) -> dict[str, Any]:
    simulated, pseudonym, judge, version, imported_author = row[5:10]
    return {
        "simulated": simulated,
        "annotator": pseudonym or imported_pseudonym(project_id, imported_author),
        "judge": f"{judge} v{version}" if judge else None,
        "kind": row[10],
        "schema_version": row[11],
        "rationale": row[12],
        "flag": row[13],
        "shown_order": row[14],
        "seconds_active": row[15],
        "started_at": _time(row[16]),
        "submitted_at": _time(row[17]),
        "late": row[18],
        "supersedes": row[19],
    }


@lru_cache(maxsize=10_000)
def imported_pseudonym(project_id: int, author: str) -> str | None:
    """A file may name annotators by e-mail; the same name gives the same pseudonym here."""
    if not author:
        return None
    return f"i-{salted_hmac('annotate.imported_author', f'{project_id}:{author}').hexdigest()[:10]}"


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _prompts(ids: list[int], test_percent: int) -> dict[int, PromptText]:
    with connection.cursor() as cursor:
        cursor.execute(PROMPTS, [ids])
        return {
            row[0]: PromptText(*row[:3], json.loads(row[3]), row[4], row[5] < test_percent)
            for row in cursor.fetchall()
        }


def _responses(task_ids: list[int]) -> dict[int, tuple[ResponseText, ...]]:
    found: dict[int, list[ResponseText]] = {}
    with connection.cursor() as cursor:
        cursor.execute(RESPONSES, [task_ids])
        for task_id, pk, generator, version, content in cursor.fetchall():
            response = ResponseText(pk, generator, version, _text(json.loads(content)))
            found.setdefault(task_id, []).append(response)
    return {task_id: tuple(responses) for task_id, responses in found.items()}


def _text(parts: list[dict[str, str]]) -> str:
    return "\n\n".join(part["text"] for part in parts if part["type"] == "text")
