"""Why, when and in how many seconds: into a project, out in a format, and into another project."""

import io
import json

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from annotate.models import Judgement
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import stream_export

pytestmark = pytest.mark.django_db
WHY = "It is right.\nAnd\tshort, \\ “é”."
TOLD = {"rationale": WHY, "submitted_at": "2024-05-06T09:08:07+02:00", "seconds_active": 14.25}
KEPT = (WHY, "2024-05-06T07:08:07+00:00", 14.25)
PAIR = {"id": "p1", "prompt": "1 + 1?", "responses": ["2", "3"], "label": 0, "annotator": "w"}
ORDER = {"id": "p1", "prompt": "1 + 1?", "responses": ["2", "3", "4"], "ranking": [0, [1, 2]]}


def bring(project, data: bytes, format: str, **options):
    report = import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(data),
        format=format,
        options=ImportOptions(**options),
    )
    assert report.errors == []
    return report


def lines(*rows: dict) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def kept(project) -> list[tuple]:
    rows = Judgement.objects.labels().filter(project=project).order_by("pk")
    return [(row.rationale, row.submitted_at.isoformat(), row.seconds_active) for row in rows]


def out(project, format: str, **options) -> bytes:
    chosen = ExportOptions(**options)
    return b"".join(stream_export(project=project, format=format, options=chosen))


SETS = {
    **{"arena": 3, "label_studio": 3, "multipref": 3, "raw": 3},
    **{"helpsteer3": 1, "helpsteer2_preference": 1},
}


@pytest.mark.parametrize("file_type", ["jsonl", "parquet"])
@pytest.mark.parametrize("format", SETS)
def test_exports_of_pairs_give_it_back(make_project, format, file_type):
    """All three, or of HelpSteer's the reason, for which alone it has a place."""
    old, new = make_project(), make_project()
    bring(old, lines({**PAIR, **TOLD}), "responses")
    assert kept(old) == [KEPT]
    [judgement] = old.judgements.all()
    assert judgement.arrived_at > judgement.submitted_at
    bring(new, out(old, format, file_type=file_type), format)
    [found] = kept(new)
    assert found[: SETS[format]] == KEPT[: SETS[format]]


def test_orders_give_it_back(make_project):
    old, new = make_project(kind="ranking"), make_project(kind="ranking")
    bring(old, lines({**ORDER, **TOLD}), "responses")
    assert kept(old) == [KEPT]
    bring(new, out(old, "ranked", file_type="parquet"), "ranked")
    assert kept(new) == [KEPT]


def test_spans_keep_it(make_project):
    project = make_project(kind="spans")
    row = {"id": "s", "question": "1 + 1?", "prediction 1": "3", "feedback": {"errors": []}}
    row["feedback"] |= {"missing-info": [], "corrected-prediction": "3"}
    bring(project, lines({**row, **TOLD}), "fine_grained")
    assert kept(project) == [KEPT]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_tables_keep_it(make_project, format):
    project = make_project()
    row = {"prompt": "1 + 1?", "chosen": "2", "rejected": "3", **TOLD}
    if format == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([row]), sink)
        bring(project, sink.getvalue(), "trl")
    else:
        text = "prompt,chosen,rejected,rationale,submitted_at,seconds_active\n"
        text += f'1 + 1?,2,3,"{WHY}",{TOLD["submitted_at"]},14.25\n'
        bring(project, text.encode(), "table")
    assert kept(project) == [KEPT]


def test_sent_again_with_reasons_it_takes_the_place_of_what_was_there(make_project):
    project = make_project()
    bring(project, lines(PAIR), "responses")
    [(_, imported_at, _)] = kept(project)
    why = lines({**PAIR, "rationale": WHY})
    assert bring(project, why, "responses").updated == 1
    assert kept(project) == [(WHY, imported_at, None)]
    assert bring(project, lines({**PAIR, **TOLD}), "responses").updated == 1
    assert kept(project) == [KEPT]
    for same in (why, lines(PAIR), lines({**PAIR, **TOLD})):
        assert bring(project, same, "responses").skipped == 1
    assert (kept(project), project.judgements.count()) == ([KEPT], 3)


def test_what_fits_no_kind_keeps_it_aside(make_project):
    project = make_project(kind="spans")
    bring(project, lines({**PAIR, **TOLD}), "responses", group="one")
    [prompt] = project.prompts.all()
    [entry] = prompt.metadata["not_fitting"]
    assert entry["labels"][0]["rationale"] == WHY
    assert entry["labels"][0]["submitted_at"] == KEPT[1]
