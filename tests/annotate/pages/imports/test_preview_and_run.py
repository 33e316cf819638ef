"""Importing in the browser: preview, mapping, progress, errors, cancel."""

import gzip
import io
import json
import re

import pyarrow as pa
import pytest
from django.core.cache import cache
from django.urls import reverse
from pyarrow import parquet

from annotate.models import (
    ImportRowError,
    ImportRun,
    Judgement,
    Membership,
    Prompt,
    Response,
    Task,
)
from annotate.services.incoming.import_runs import run_import
from tests.annotate.media import making
from tests.annotate.pages.imports.sending import PAIRS, TABLE, confirm, send


def test_a_file_is_previewed_before_anything_is_written(client, project) -> None:
    page = send(client, project, PAIRS + "{broken\n")
    found = page.context["preview"]
    assert (found.format, found.read, found.labelled) == ("trl", 4, 3)
    assert [error.line for error in found.errors] == [4]
    assert "good 0" in page.content.decode()
    assert not Prompt.objects.exists()
    assert not ImportRun.objects.exists()


def test_a_confirmed_file_is_queued_and_imported(
    client, project, django_capture_on_commit_callbacks
) -> None:
    page = confirm(client, send(client, project, PAIRS + "{broken\n"))
    run = ImportRun.objects.get()
    assert page.redirect_chain[-1][0] == reverse("import_run", args=[run.pk])
    assert 'hx-trigger="every 1s"' in page.content.decode()
    run_import(run.pk)
    page = client.get(reverse("import_run", args=[run.pk]))
    text = page.content.decode()
    assert 'hx-trigger="every 1s"' not in text
    assert "Not JSON" in text
    assert Judgement.objects.filter(project=project, source="imported").count() == 3
    rows = client.get(reverse("import_bad_rows", args=[run.pk]))
    lines = b"".join(rows.streaming_content).splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["_error"]["line"] == 4


def test_labels_can_be_left_out(client, project) -> None:
    confirm(client, send(client, project, PAIRS), labels="tasks")
    run_import(ImportRun.objects.get().pk)
    assert not Judgement.objects.filter(project=project).exists()
    assert Task.objects.filter(project=project).count() == 3


def test_a_table_is_mapped_in_the_browser(client, project) -> None:
    page = send(client, project, TABLE, "votes.csv")
    found = page.context["preview"]
    assert found.mapping == {
        "prompt": "question",
        "response_a": "answer_a",
        "response_b": "answer_b",
        "label": "winner",
    }
    assert found.label_values == {"left": "", "right": ""}
    assert [error.field for error in found.errors] == ["winner", "winner"]
    again = client.get(
        page.request["PATH_INFO"],
        {
            "file": page.context["key"],
            "format": "table",
            "previewed": "table",
            "column-prompt": "question",
            "column-response_a": "answer_a",
            "column-response_b": "answer_b",
            "column-label": "winner",
            "label_value": ["left", "right"],
            "label_meaning": ["a", "b"],
        },
    )
    assert [label for _, label in again.context["preview"].items] == ["A is better", "B is better"]
    assert again.context["preview"].errors == []
    confirm(client, again)
    run_import(ImportRun.objects.get().pk)
    chosen = [
        judgement.task.responses.get(pk=judgement.value["preferred"]).text
        for judgement in Judgement.objects.filter(project=project).order_by("pk")
    ]
    assert chosen == ["Because.", "Thus."]


def test_a_ranking_is_told_once_with_letters_at_its_responses(client, make_project) -> None:
    project = make_project(kind="ranking", kind_settings={"modes": ["full"]})
    client.force_login(project.created_by)
    row = {"prompt": "Why?", "responses": ["Thus.", "Hence.", "So."], "ranks": [2, 1, 2]}
    page = send(client, project, json.dumps(row) + "\n" + json.dumps(row), "ranks.jsonl")
    assert [said for _item, said in page.context["preview"].items] == ["B, then A and C alike"] * 2
    letters = re.findall(r"<strong>([A-J])</strong>", page.content.decode())
    assert letters == ["A", "B", "C"] * 2


def test_the_mapping_of_such_columns_is_offered_again(client, project) -> None:
    page = send(client, project, TABLE.replace("question", "Frage"), "votes.csv")
    choices = {"column-prompt": "Frage", "label_meaning": ["b", "a"]}
    confirm(client, page, **choices)
    run = ImportRun.objects.get()
    other = send(client, project, "Frage;answer_a\nWhy?;Because.\n", "fewer.csv")
    assert other.context["preview"].remembered is None
    assert other.context["preview"].mapping == {"response_a": "answer_a"}
    again = send(client, project, TABLE.replace("question", "Frage") + "x;y;z;left\n", "more.csv")
    found = again.context["preview"]
    assert (found.mapping, found.label_values) == (
        run.options["mapping"],
        {"left": "b", "right": "a"},
    )
    assert [said for _item, said in found.items] == [
        "B is better",
        "A is better",
        "B is better",
    ]
    assert "Filled in as for votes.csv" in again.content.decode()
    row = {"Frage": "W?", "answer_a": "x", "answer_b": "y", "winner": "left"}
    as_json = send(client, project, json.dumps(row), "rows.jsonl")
    assert as_json.context["preview"].unknown_format
    assert "No format has the fields" not in as_json.content.decode()


def test_a_parquet_table_is_mapped_and_imported(client, project) -> None:
    rows = [{"q": f"Q{n}", "texts": [f"a{n}", f"b{n}", f"c{n}"], "best": float(n)} for n in (0, 2)]
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([*rows, {"q": "x", "texts": ["1", "2"]}]), sink)
    page = send(client, project, sink.getvalue(), "rows.parquet")
    assert page.context["preview"].columns == ["q", "texts", "best"]
    data = {
        **{"file": page.context["key"], "format": "table", "previewed": "table"},
        **{"column-prompt": "q", "column-responses": "texts", "column-label": "best"},
    }
    page = client.get(page.request["PATH_INFO"], data)
    assert page.context["preview"].label_values == {"0": "", "2": ""}
    assert 'value="c"' in page.content.decode()
    confirm(client, page, label_meaning=["a", "c"])
    run = ImportRun.objects.get()
    run_import(run.pk)
    run.refresh_from_db()
    assert (run.created_count, run.error_count) == (3, 0)
    best = Judgement.objects.filter(project=project).values_list("value__preferred", flat=True)
    texts = Response.objects.filter(pk__in=list(best)).values_list("content__0__text", flat=True)
    assert sorted(texts) == ["a0", "c2"]


def test_a_file_of_which_no_row_can_be_read_is_not_offered_for_import(client, project) -> None:
    page = send(client, project, "just some words\n", "notes.txt")
    assert "Import the file" not in page.content.decode()
    assert "None of the first rows can be read" in page.content.decode()


def test_a_file_of_no_known_format_is_read_as_a_table(client, project) -> None:
    rows = [json.dumps({"frage": word, "eins": "a", "zwei": "b"}) for word in ("x", "y")]
    page = send(client, project, "\n".join(rows), "rows.jsonl")
    text = page.content.decode()
    assert "No format has the fields frage, eins, zwei, so the file is read as a table" in text
    assert "Choose one of" not in text
    columns = {"prompt": "frage", "response_a": "eins", "response_b": "zwei"}
    data = {f"column-{ours}": name for ours, name in columns.items()}
    data |= {"file": page.context["key"], "format": "table", "previewed": "table"}
    text = client.get(page.request["PATH_INFO"], data).content.decode()
    assert "The first 2 rows, as they would be imported" in text


def test_what_keeps_all_rows_from_being_read_is_counted_as_none(client, project) -> None:
    text = send(client, project, "eins,zwei\na,b\nc,d\n", "rows.csv").content.decode()
    assert "There is no column" in text
    assert "The first row" not in text
    assert "of these rows would be refused" not in text
    assert "No row of it can be read yet. Nothing is written." in text


def test_a_table_without_its_prompt_is_not_started(client, project) -> None:
    page = send(client, project, "a,b\n1,2\n", "x.csv")
    answer = confirm(client, page)
    assert "There is no column" in answer.content.decode()
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    "data",
    [b"\x01\x02", b"[[[[", b"{}", b"\n\n", b"a", gzip.compress(b"a" * 99)[:30]],
)
def test_no_content_breaks_the_preview(client, project, data) -> None:
    page = send(client, project, data, "odd.bin")
    assert page.status_code == 200
    assert page.context["preview"].items == []


def test_an_empty_file_is_refused_at_its_field(client, project) -> None:
    answer = send(client, project, b"")
    assert answer.status_code == 422
    assert "empty" in answer.context["form"].errors["file"][0]


def test_a_file_over_the_limit_is_refused(client, project, settings) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    answer = send(client, project, PAIRS)
    assert answer.status_code == 422
    assert "larger than 10 bytes" in answer.context["form"].errors["file"][0]


def test_somebody_elses_file_is_out_of_reach(client, project, make_user, add_member) -> None:
    page = send(client, project, PAIRS)
    manager = make_user("max")
    add_member(project, manager, "manager")
    client.force_login(manager)
    for key in (page.context["key"], "forged"):
        answer = client.get(page.request["PATH_INFO"], {"file": key}, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("imports", args=[project.pk])
        assert "good 0" not in answer.content.decode()


def test_an_import_can_be_cancelled(client, project) -> None:
    run = ImportRun.objects.create(
        project=project, file_name="a", stored_as="a", format="trl", created_by=project.created_by
    )
    client.post(reverse("cancel_import", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_errors_come_in_pages(client, project, django_assert_max_num_queries) -> None:
    run = ImportRun.objects.create(
        project=project, file_name="a", stored_as="a", format="trl", state="done", error_count=150
    )
    ImportRowError.objects.bulk_create(
        ImportRowError(import_run=run, line=i, field="chosen", message=f"wrong {i}")
        for i in range(150)
    )
    with django_assert_max_num_queries(8):
        first = client.get(reverse("import_run", args=[run.pk]))
    second = client.get(
        reverse("import_run", args=[run.pk]), {"after": first.context["next_after"]}
    )
    assert (len(first.context["errors"]), len(second.context["errors"])) == (100, 50)


def test_the_polled_part_is_only_the_part(client, project) -> None:
    run = ImportRun.objects.create(
        project=project, file_name="a", stored_as="a", format="trl", progress=5, total=10
    )
    part = client.get(reverse("import_run", args=[run.pk]), headers={"HX-Request": "true"})
    text = part.content.decode()
    assert "<html" not in text
    assert 'value="50"' in text
    assert "HX-Request" in part["Vary"]


def test_the_polled_part_tells_why_rows_were_refused(client, project) -> None:
    confirm(client, send(client, project, PAIRS + "{broken\n"))
    run = ImportRun.objects.get()
    run_import(run.pk)
    part = client.get(reverse("import_run", args=[run.pk]), headers={"HX-Request": "true"})
    assert "Not JSON" in part.content.decode()


def test_a_real_file_is_recognised_and_its_faults_told(client, project, data_dir) -> None:
    """8,552 pairs, of which 36 are identical and 19 diverge before the last turn."""
    data = (data_dir / "hh_rlhf" / "pairs.jsonl.gz").read_bytes()
    page = send(client, project, data, "pairs.jsonl.gz")
    assert page.context["preview"].errors == []
    assert page.context["preview"].read == 200
    confirm(client, page, labels="tasks")
    run = ImportRun.objects.get()
    run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.progress, run.error_count) == ("done", 8552, 36 + 19)
    lines = b"".join(
        client.get(reverse("import_bad_rows", args=[run.pk])).streaming_content
    ).splitlines()
    assert len(lines) == 55


def test_files_are_named_and_looked_for_in_the_preview(client, project, add_file) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        add_file(project, making.picture("PNG", 40 + number, 30), name)
    rows = [
        {"prompt": "Draw.", "responses": [{"content": {"image": name}} for name in names]}
        for names in (("a.png", "b.png"), ("a.png", "no.png"))
    ]
    page = send(client, project, "\n".join(map(json.dumps, rows)), "drawn.jsonl")
    found = page.context["preview"]
    assert [item.line for item, _ in found.items] == [1]
    [error] = found.errors
    assert (error.line, error.field, error.value) == (2, "responses[1].content.image", "no.png")
    assert "upload it first" in page.content.decode()
    confirm(client, page)
    run_import(ImportRun.objects.get().pk)
    assert ImportRun.objects.get().error_count == 1
    assert project.prompts.count() == 1


def test_labels_alone_are_told_apart_from_tasks(client, project) -> None:
    """Who imports labels and then finds no task learns why, and what to do."""
    work = reverse("work", args=[project.pk])
    assert "No tasks yet" in client.get(work).content.decode()
    preview = send(client, project, PAIRS)
    said = "3 of the first rows have a label. Labels that are kept are imported as judgements"
    before, after = preview.content.decode().split(said)
    assert before.rstrip().endswith('<p class="notice" id="what-happens">')
    assert after.index("make no tasks") < after.index('value="tasks"')
    confirm(client, preview)
    run = ImportRun.objects.get()
    run_import(run.pk)
    page = client.get(reverse("import_run", args=[run.pk])).content.decode()
    assert "0 tasks for people, 3 labels kept. So nobody is asked about them;" in page
    cache.clear()
    text = client.get(work).content.decode()
    assert "labelled already" in text
    assert reverse("imports", args=[project.pk]) in text
    assert "No tasks yet" not in text
    confirm(client, send(client, project, PAIRS), labels="tasks")
    again = ImportRun.objects.latest("pk")
    run_import(again.pk)
    again.refresh_from_db()
    assert again.message == "3 tasks for people, 0 labels kept."
    cache.clear()
    assert client.get(work).context["task"]


def test_an_annotator_is_not_sent_to_the_imports(client, project, make_user) -> None:
    confirm(client, send(client, project, PAIRS))
    run_import(ImportRun.objects.get().pk)
    cache.clear()
    member = make_user("ben")
    Membership.objects.create(project=project, user=member, role="annotator")
    client.force_login(member)
    text = client.get(reverse("work", args=[project.pk])).content.decode()
    assert "No tasks yet" in text
    assert reverse("imports", args=[project.pk]) not in text
