"""Freezing judgements for training, and writing the files that a run reads."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Max

from annotate.inputs import InvalidValue
from annotate.interchange import judged_rows
from annotate.interchange.preferences import Judged, Preference
from annotate.models import EventType, Project, Snapshot, User
from annotate.services import audit
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_options import SNAPSHOT_RULES, ExportOptions
from annotate.services.outgoing.exports import (
    holds_pairs,
    preferences_of,
    require_pairs,
)
from annotate.services.outgoing.refused_choices import RefusedChoice, unknown
from annotate.services.outgoing.selection import (
    WHOLE,
    Selection,
    select,
    select_snapshot,
)
from annotate.services.outgoing.snapshot_consensus import copy_consensus, keep_consensus
from annotate.services.outgoing.snapshot_facts import card_of
from annotate.services.outgoing.span_rows import SpanCategories
from annotate.services.outgoing.turned import FLIP_IN_FORCE
from annotate.services.webhooks.events import announce
from annotate.wording import Told

HUMAN = ("person", "imported")
SPLITS = ("train", "test")
ROW_FORMAT = Snapshot.STATES
OnRow = Callable[[], object]
Rows = Iterator[tuple[str, dict[str, Any]]]


def create_snapshot(
    *,
    project: Project,
    actor: User | None,
    query: Mapping[str, Any] | None = None,
    tie_rule: str | None = None,
    aggregation: str | None = None,
    holds: str | None = None,
    on_row: OnRow | None = None,
) -> Snapshot:
    """Freeze what `query` (see ExportFilters) selects now, under the rules given.

    Its rows are preferences, by default without ties and one of each judgement; or, where the
    project's answers hold none or `holds` is "judgements", the judgements as they are, to which
    no rules apply.

    Prompts below the project's test_percent are held out; the test rows are human labels only.
    The hash covers every row of the training files in order, so two snapshots with the same hash
    train the same. What its tasks came to by the latest report on quality is kept beside the rows,
    under a hash of its own.

    Raises RefusedChoice for an unknown filter or rule, DoesNotFit for rules where there are no
    preferences. `on_row` is called at every row; what it raises takes everything back.
    """
    filters = ExportFilters.from_query(query or {})
    rules = _rules(project, tie_rule, aggregation, holds)
    with transaction.atomic():
        frozen = _freeze(select(project=project, filters=filters))
        digest, rows_by_split = _hash(frozen, rules, on_row)
        rows = sum(rows_by_split.values())
        consensus = copy_consensus(project, on_row)
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        last = project.snapshots.aggregate(last=Max("number"))["last"]
        number = (last or 0) + 1
        card = card_of(
            project=project,
            number=number,
            filters=filters,
            **rules._asdict(),
            sha256=digest,
            rows=rows_by_split,
            consensus=consensus,
        )
        snapshot = Snapshot.objects.create(
            project=project,
            number=number,
            card=card,
            query=filters.as_query(),
            holds=rules.holds,
            tie_rule=rules.tie_rule,
            aggregation=rules.aggregation,
            row_format=ROW_FORMAT,
            split={"by": "prompt", "test_percent": project.test_percent, "seed": project.seed},
            rows=rows,
            sha256=digest,
            consensus_rows=consensus.rows,
            consensus_sha256=consensus.sha256,
            consensus_at=consensus.at,
            created_by=actor,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO annotate_snapshotjudgement (snapshot_id, judgement_id, flip_id)"
                " SELECT %s, judgement_id, flip_id FROM tandem_frozen ORDER BY judgement_id",
                [snapshot.pk],
            )
            cursor.execute("DROP TABLE tandem_frozen")
        keep_consensus(snapshot)
        audit.record(
            action="snapshot.created",
            target=snapshot,
            actor=actor,
            project=project,
            sha256=digest,
            rows=rows,
        )
        announce(
            project_id=project.pk,
            type=EventType.SNAPSHOT,
            key=snapshot.pk,
            data={
                "snapshot": snapshot.pk,
                "number": snapshot.number,
                "holds": snapshot.holds,
                "rows": rows,
                "sha256": digest,
                "query": snapshot.query,
            },
        )
    return snapshot


def write_training_files(snapshot: Snapshot, folder: Path, on_row: OnRow | None = None) -> None:
    """Write train.jsonl and test.jsonl into the folder, which is made if it is not there.

    Of preferences a tie is one row with `tie` true, its two responses in storage order; the tie
    rule "drop" leaves ties out of train.jsonl, never out of test.jsonl. Raises RuntimeError if
    the rows no longer have the hash that the snapshot was made with. `on_row` is called at every
    row and may raise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with (
        open(folder / "train.jsonl", "wb") as train,
        open(folder / "test.jsonl", "wb") as test,
    ):
        selection = select_snapshot(snapshot=snapshot)
        for split, line in _training_lines(selection, _rules_of(snapshot)):
            digest.update(line)
            (test if split == "test" else train).write(line)
            if on_row:
                on_row()
    if digest.hexdigest() != snapshot.sha256:
        raise RuntimeError(f"{snapshot} gave other rows than it was made with; make a new one.")


def write_origins(snapshot: Snapshot, path: Path, on_row: OnRow | None = None) -> None:
    """Write what a judgement's row leaves out and training by person or by span needs.

    A JSON line for each judgement of the snapshot: `id`; `annotator`, the pseudonym of who gave it
    or the name of the judge; and `categories`, by type of span, as its form had them, if any. No
    part of the snapshot's hash: pseudonyms belong to this installation.
    """
    categories = SpanCategories(snapshot.project)
    with path.open("w", encoding="utf-8") as file:
        for row in select_snapshot(snapshot=snapshot).judged(provenance=True):
            annotator = row.provenance["annotator"] or row.provenance["judge"]
            found = categories(row)
            origin = {"id": row.id, "annotator": annotator, "categories": dict(found)}
            file.write(json.dumps(origin, ensure_ascii=False, sort_keys=True) + "\n")
            if on_row:
                on_row()


def stream_training_file(*, snapshot: Snapshot, split: str) -> Iterator[bytes]:
    """The lines of train.jsonl ("train") or test.jsonl ("test"), as `write_training_files`."""
    selection = select_snapshot(snapshot=snapshot)
    lines = _training_lines(selection, _rules_of(snapshot))
    return (line for side, line in lines if side == split)


class _Rules(NamedTuple):
    """What a snapshot's rows are; the two rules are empty for judgements."""

    holds: str
    tie_rule: str = ""
    aggregation: str = ""


def _rules(
    project: Project, tie_rule: str | None, aggregation: str | None, holds: str | None
) -> _Rules:
    if holds not in (None, *Snapshot.Holds.values):
        known = ", ".join(Snapshot.Holds.values)
        raise unknown("holds", holds, known)
    if holds == Snapshot.Holds.PREFERENCES:
        why = Told("a snapshot of preferences needs some")
        require_pairs(project, "holds", why, Told("Leave it out."))
    if holds != Snapshot.Holds.JUDGEMENTS and holds_pairs(project):
        given = {"tie_rule": tie_rule, "aggregation": aggregation}
        for one in SNAPSHOT_RULES:
            if given[one.name] is not None:
                one.check(given[one.name])
        options = ExportOptions(**{name: rule for name, rule in given.items() if rule is not None})
        return _Rules(Snapshot.Holds.PREFERENCES, options.tie_rule, options.aggregation)
    for name, given in (("tie_rule", tie_rule), ("aggregation", aggregation)):
        if given is not None and holds is not None:
            raise RefusedChoice(
                InvalidValue(
                    name,
                    "{name} is a rule for preferences, and the snapshot holds judgements. Leave "
                    "the rules out.",
                    name=name,
                )
            )
        if given is not None:
            why = Told("{name} is a rule for preferences", name=name)
            require_pairs(project, name, why, Told("Leave the rules out."))
    return _Rules(Snapshot.Holds.JUDGEMENTS)


def _rules_of(snapshot: Snapshot) -> _Rules:
    return _Rules(snapshot.holds, snapshot.tie_rule, snapshot.aggregation)


def _freeze(selection: Selection) -> Selection:
    """Put the selected ids into a temporary table, with the flips that turn them, and select from
    that.
    """
    flip = FLIP_IN_FORCE.format(*selection.flip_params) if selection.flips else "NULL::bigint"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE tandem_frozen ON COMMIT DROP AS"
            f" SELECT j.id AS judgement_id, {flip} AS flip_id FROM {selection.source}"
            f" WHERE {selection.where} AND j.id <= %s",
            [*selection.params, selection.last_id],
        )
        cursor.execute("CREATE UNIQUE INDEX ON tandem_frozen (judgement_id)")
        cursor.execute("ANALYZE tandem_frozen")
    return Selection(
        project=selection.project,
        source="tandem_frozen f JOIN annotate_judgement j ON j.id = f.judgement_id",
        where="true",
        params=(),
        last_id=selection.last_id,
        test_percent=selection.test_percent,
        key="f.judgement_id",
        flips=selection.flips,
        flip_params=selection.flip_params,
    )


def _hash(selection: Selection, rules: _Rules, on_row: OnRow | None) -> tuple[str, dict[str, int]]:
    digest, rows = hashlib.sha256(), dict.fromkeys(SPLITS, 0)
    for split, line in _training_lines(selection, rules):
        digest.update(line)
        rows[split] += 1
        if on_row:
            on_row()
    return digest.hexdigest(), rows


def training_rows(snapshot: Snapshot, part: tuple[int, int] = WHOLE) -> Rows:
    """Its rows with their splits, "train" or "test"; `part` as Selection has it."""
    selection = replace(select_snapshot(snapshot=snapshot), part=part)
    return _training_rows(selection, _rules_of(snapshot))


def _training_lines(selection: Selection, rules: _Rules) -> Iterator[tuple[str, bytes]]:
    for split, row in _training_rows(selection, rules):
        yield split, json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _training_rows(selection: Selection, rules: _Rules) -> Rows:
    rows: Iterator[Preference] | Iterator[Judged] = selection.judged(provenance=True)
    if rules.holds == Snapshot.Holds.PREFERENCES:
        rows = preferences_of(selection, aggregation=rules.aggregation)
    for row in rows:
        split = "test" if row.prompt.held_out else "train"
        if split == "test" and row.source not in HUMAN:
            continue
        if isinstance(row, Judged):
            yield split, judged_rows.write(row)
        elif split == "test" or not row.tie or rules.tie_rule != "drop":
            yield split, _training_row(row)


def _training_row(row: Preference) -> dict[str, Any]:
    return {
        "id": row.id,
        "prompt_id": row.prompt.id,
        "prompt": row.prompt.messages,
        "chosen": row.chosen.said,
        "rejected": row.rejected.said,
        "margin": round(row.margin, 6),
        "weight": row.weight,
        "source": row.source,
        "tie": row.tie,
        **({"flipped": True} if row.flipped else {}),
    }
