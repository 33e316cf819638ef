"""Evaluation sets: frozen, hashed, told apart, and never part of training."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, Judgement, Prompt
from annotate.services.incoming.imports import ImportOptions, import_stream
from training import folders
from training.models import EvaluationRun, EvaluationSet
from training.services import evaluation_sets
from training.services.evaluation_sets import (
    BadRows,
    add_evaluation_set,
    columns_path,
    delete_evaluation_set,
    frozen_rows,
    read_columns,
)

pytestmark = pytest.mark.django_db


def pairs(count: int, **fields) -> list[dict]:
    return [
        {"prompt": f"Q{i // 2}", "chosen": f"good {i}", "rejected": "bad", "subset": "ab"[i % 2]}
        | fields
        for i in range(count)
    ]


@pytest.fixture
def add(make_project, var_dir):
    """add(rows, **fields) -> the set; `add.project`."""

    def make(rows: list[dict], **fields) -> EvaluationSet:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        wish = {"name": f"set {EvaluationSet.objects.count()}", "kind": "pairs", **fields}
        return add_evaluation_set(
            project=make.project,
            actor=make.project.created_by,
            stream=io.BytesIO(text.encode()),
            file_name="folder/rows.jsonl",
            **wish,
        )

    make.project = make_project()
    return make


def test_a_set_is_frozen_under_its_hash(add, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        found = add(pairs(5))
    assert (found.rows, found.prompts, found.subsets) == (5, 3, {"a": 3, "b": 2})
    assert (found.file_name, found.overlap) == ("rows.jsonl", {"prompts": 0, "trainable": 0})
    rows = [json.loads(line) for line in frozen_rows(found).open()]
    assert rows[1] == {
        "id": "2",
        "prompt": [{"role": "user", "content": "Q0"}],
        "chosen": "good 1",
        "rejected": "bad",
        "subset": "b",
    }
    columns = read_columns(found)
    assert columns.prompt_N.tolist() == [0, 0, 1, 1, 2]
    assert columns.names_N == ["a", "b", "a", "b", "a"]
    assert columns.length_gap_N.tolist() == [3] * 5
    assert AuditEvent.objects.get(action="training.evaluation_set_added").detail["rows"] == 5
    assert not Prompt.objects.exists()
    assert not Judgement.objects.exists()
    frozen_rows(found).write_text("{}\n")
    with pytest.raises(InvalidValue, match="were changed"):
        frozen_rows(found)
    frozen_rows_path = folders.evaluation_rows(found.project_id, "pairs", found.sha256)
    frozen_rows_path.unlink()
    with pytest.raises(InvalidValue, match="missing"):
        frozen_rows(found)


def test_one_bad_row_keeps_the_file_out(add, monkeypatch):
    monkeypatch.setattr(evaluation_sets, "SHOWN_ERRORS", 2)
    bad = [{"prompt": "p", "chosen": "a"} for _ in range(3)]
    with pytest.raises(BadRows) as refused:
        add([*pairs(2), *bad])
    assert refused.value.count == 3
    assert [(error.line, error.field) for error in refused.value.errors] == [
        (3, "rejected"),
        (4, "rejected"),
    ]
    assert "3 rows were refused; line 3, field rejected" in str(refused.value)
    assert not EvaluationSet.objects.exists()
    folder = folders.evaluation_rows(add.project.pk, "pairs", "").parent
    assert list(folder.iterdir()) == []
    found = add([*pairs(2), *bad], leave_out=True)
    assert (found.rows, found.left_out) == (2, 3)
    assert AuditEvent.objects.get().detail["left_out"] == 3
    with pytest.raises(BadRows):
        add(bad, leave_out=True)


def test_names_and_rows_are_a_sets_own(add, monkeypatch):
    first = add(pairs(2), name="one")
    with pytest.raises(InvalidValue, match="another set has it"):
        add(pairs(3), name="one")
    with pytest.raises(InvalidValue, match="has the rows of one already"):
        add(pairs(2), name="two")
    for wish, field in (
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"kind": "triples"}, "kind"),
    ):
        with pytest.raises(InvalidValue) as refused:
            add(pairs(4), **wish)
        assert refused.value.field == field
    monkeypatch.setattr(evaluation_sets, "MOST_ROWS", 3)
    with pytest.raises(InvalidValue, match="more than 3 rows"):
        add(pairs(4))
    prompts = add([{"prompt": "a"}], kind="prompts", name="prompts")
    assert (prompts.subsets, prompts.rows) == ({}, 1)
    assert set(EvaluationSet.objects.all()) == {first, prompts}


def test_prompts_that_the_project_has_are_counted(add):
    rows = "".join(json.dumps(row) + "\n" for row in pairs(8))
    import_stream(
        project=add.project,
        actor=None,
        stream=io.BytesIO(rows.encode()),
        format="trl",
        options=ImportOptions(),
    )
    add.project.test_percent = 50
    add.project.save()
    held = Prompt.objects.filter(split_bucket__lt=50).count()
    found = add(pairs(20))
    assert found.prompts == 10
    assert found.overlap == {"prompts": 4, "trainable": 4 - held}


def test_a_set_without_runs_can_be_deleted(add, django_capture_on_commit_callbacks, make_scored):
    found, kept = add(pairs(2)), add(pairs(3))
    path = folders.evaluation_rows(found.project_id, "pairs", found.sha256)
    with django_capture_on_commit_callbacks(execute=True):
        delete_evaluation_set(evaluation_set=found, actor=None)
    assert not path.exists()
    assert not columns_path(path).exists()
    version = make_scored(add.project, 1, 1.0)
    EvaluationRun.objects.create(project=add.project, evaluation_set=kept, model_version=version)
    with pytest.raises(InvalidValue, match="was used by a run"):
        delete_evaluation_set(evaluation_set=kept, actor=None)
    assert EvaluationSet.objects.get() == kept


def test_the_command_adds_and_tells(add, tmp_path, capsys):
    path = tmp_path / "bench.jsonl"
    path.write_text(json.dumps(pairs(1)[0]))
    call_command("add_evaluation_set", str(add.project.pk), str(path))
    assert "bench.jsonl, 1 rows of 1 prompts" in capsys.readouterr().out
    path.write_text("{broken")
    with pytest.raises(CommandError, match="1 rows were refused"):
        call_command("add_evaluation_set", str(add.project.pk), str(path), "--name", "two")
    assert "line 1" in capsys.readouterr().err
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("add_evaluation_set", str(add.project.pk), str(tmp_path / "none"))
    with pytest.raises(CommandError, match="there is no project 0"):
        call_command("add_evaluation_set", "0", str(path))
