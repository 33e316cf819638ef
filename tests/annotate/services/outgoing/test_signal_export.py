"""Signals in the formats that trainers read, by the ways out of all others."""

import io
import json

import datasets
import pyarrow.parquet as pq
import pytest

from annotate.models import Signal
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import DoesNotFit, formats_of, stream_export
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.signals.intake import take_signals
from annotate.services.signals.rules import set_rules

pytestmark = pytest.mark.django_db
NAMES = ["signals", "signals_llama_factory_kto", "signals_edits"]
SYSTEM = {"role": "system", "content": "Be brief."}
WHY = {"role": "user", "content": "Why?"}
FROM = {"generator": "bot", "generator_version": "3"}
ROWS = [
    {
        **{"key": "1", "type": "edit", "prompt": [SYSTEM, WHY], "completion": "Because."},
        **{"edited": "Since it is.", "happened_at": "2026-01-31T23:00:00Z", **FROM},
    },
    {
        **{"key": "2", "type": "love", "prompt": "How?", "completion": "So.", **FROM},
        "happened_at": "2026-02-01T00:00:00Z",
    },
]


@pytest.fixture
def project(make_project):
    project = make_project(test_percent=0)
    take_signals(project=project, rows=ROWS)
    set_rules(project=project, actor=project.created_by, noise={"edit": 0.25})
    return project


def rows_of(project, format, **filters) -> list[dict]:
    stream = stream_export(project=project, format=format, filters=ExportFilters(**filters))
    return [json.loads(line) for line in b"".join(stream).splitlines()]


def test_each_format_holds_what_was_said(project):
    told = {"noise": 0.25, "signal": "edit", "model": "bot", "model_version": "3"}
    before = [{"role": "assistant", "content": "Because."}]
    after = [{"role": "assistant", "content": "Since it is."}]
    bad, good, love = rows_of(project, "signals")
    assert bad == {"prompt": [SYSTEM, WHY], "completion": before, "label": False, **told}
    assert good == {"prompt": [SYSTEM, WHY], "completion": after, "label": True, **told}
    assert (love["label"], love["noise"], love["signal"]) == (True, None, "love")
    tagged = rows_of(project, "signals_llama_factory_kto")
    assert [row["kto_tag"] for row in tagged] == [False, True, True]
    assert [row["system"] for row in tagged] == ["Be brief.", "Be brief.", ""]
    assert tagged[1]["conversations"] == [
        {"from": "human", "value": "Why?"},
        {"from": "gpt", "value": "Since it is."},
    ]
    [edit] = rows_of(project, "signals_edits")
    assert edit == {"prompt": [SYSTEM, WHY], "chosen": after, "rejected": before, **told}


@pytest.mark.parametrize("name", NAMES)
def test_parquet_holds_the_same_rows(project, name, tmp_path):
    options = ExportOptions(file_type="parquet")
    content = b"".join(stream_export(project=project, format=name, options=options))
    assert pq.read_table(io.BytesIO(content)).to_pylist() == rows_of(project, name)
    (tmp_path / "rows.parquet").write_bytes(content)
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "rows.parquet"), cache_dir=tmp_path, split="train"
    )
    assert loaded.num_rows == len(rows_of(project, name)) > 0


def test_days_and_sides_choose(project):
    assert len(rows_of(project, "signals", before="2026-02-01")) == 2
    assert len(rows_of(project, "signals", after="2026-02-01")) == 1
    assert len(rows_of(project, "signals", split="train")) == 3
    project.test_percent = 50
    project.save(update_fields=["test_percent"])
    sides = [rows_of(project, "signals", split=side) for side in ("train", "test")]
    assert sorted(map(str, sides[0] + sides[1])) == sorted(map(str, rows_of(project, "signals")))


def test_a_prompt_of_the_project_is_held_out_here_as_there(make_project, make_pair_tasks):
    """By its text alone, before it is one of the project's and after."""
    project = make_project(test_percent=50)
    tasks = make_pair_tasks(project, 12)
    rows = [
        {"key": str(n), "type": "love", "prompt": task.prompt.conversation, "completion": "x"}
        for n, task in enumerate(tasks)
    ]
    take_signals(project=project, rows=[{**row, **FROM} for row in rows])
    assert not Signal.objects.filter(response__isnull=False).exists()
    held_out = [t.prompt.conversation for t in tasks if t.prompt.split_bucket < 50]
    assert 0 < len(held_out) < 12
    found = [row["prompt"] for row in rows_of(project, "signals", split="test")]
    assert sorted(map(str, found)) == sorted(map(str, held_out))


@pytest.mark.parametrize(
    ("filters", "options", "field"),
    [
        ({"source": "people"}, {}, "source"),
        ({"language": "en"}, {}, "language"),
        ({"gold": "with"}, {}, "gold"),
        ({}, {"tie_rule": "half"}, "tie_rule"),
        ({}, {"margin": True}, "margin"),
    ],
)
def test_what_signals_have_no_place_for_is_refused(project, filters, options, field):
    with pytest.raises(RefusedChoice) as refused:
        stream_export(
            project=project,
            format="signals",
            filters=ExportFilters(**filters),
            options=ExportOptions(**options),
        )
    assert refused.value.why.field == field


def test_they_are_offered_where_there_are_some_and_not_of_snapshots(
    project, make_project, make_pair_tasks
):
    assert set(NAMES) <= set(formats_of(project))
    assert set(NAMES).isdisjoint(formats_of(make_project()))
    make_pair_tasks(project, 1)
    snapshot = create_snapshot(project=project, actor=None)
    assert set(NAMES).isdisjoint(formats_of(project, snapshot))
    with pytest.raises(DoesNotFit, match="a snapshot holds judgements"):
        stream_export(snapshot=snapshot, format="signals")
