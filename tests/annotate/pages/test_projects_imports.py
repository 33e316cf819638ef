"""Importing in the browser: preview, mapping, progress, errors, cancel."""

import gzip
import html
import json

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from annotate.models import ImportRowError, ImportRun, Judgement, Membership, Prompt, Task
from annotate.services.incoming import pending_uploads
from annotate.services.incoming.import_runs import run_import
from tests.annotate.media import making

PAIRS = "".join(
    json.dumps({"prompt": f"Q{i}?", "chosen": f"good {i}", "rejected": f"bad {i}"}) + "\n"
    for i in range(3)
)
TABLE = "question;answer_a;answer_b;winner\nWhy?;Because.;No idea.;left\nHow?;So.;Thus.;right\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def project(make_project, client):
    project = make_project()
    client.force_login(project.created_by)
    return project


def send(client, project, text: str | bytes, name: str = "pairs.jsonl"):
    data = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("imports", args=[project.pk]), {"file": file}, follow=True)


def confirm(client, page, **more):
    """Post the preview's own form with what its fields hold now."""
    found = page.context["preview"]
    data = {
        "file": page.context["key"],
        "previewed": found.format,
        "format": found.format,
        "labels": "judgements",
        **{f"column-{ours}": column for ours, column in found.mapping.items()},
        "label_value": list(found.label_values),
        "label_meaning": list(found.label_values.values()),
        **more,
    }
    return client.post(page.request["PATH_INFO"], data, follow=True)


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


def test_a_table_without_its_prompt_is_not_started(client, project) -> None:
    page = send(client, project, "a,b\n1,2\n", "x.csv")
    answer = confirm(client, page)
    assert "There is no column" in answer.content.decode()
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02", b"[[[[", b"{}", b"\n\n", b"a", gzip.compress(b"a" * 99)[:30]],
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
    confirm(client, send(client, project, PAIRS))
    run = ImportRun.objects.get()
    run_import(run.pk)
    page = client.get(reverse("import_run", args=[run.pk])).content.decode()
    assert "0 tasks for people, 3 labels kept." in page
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


GERMAN = {"accept-language": "de"}
BAD_ROWS = (
    '{"prompt": "Q", "chosen": "same", "rejected": "same"}\n'
    '{"prompt": "Q", "chosen": 3, "rejected": "b"}\n'
    '{"chosen": "a", "rejected": "b"\n'
)


def test_what_is_wrong_is_told_in_the_readers_language(client, project) -> None:
    said = [
        "chosen und rejected sind gleich, es gibt also nichts vorzuziehen.",
        "Erwartet wird ein Text; hier steht: eine Zahl.",
        "Kein JSON: ein ',' wird erwartet, in Spalte 32.",
    ]
    confirm(client, send(client, project, PAIRS + BAD_ROWS))
    run = ImportRun.objects.get()
    run_import(run.pk)
    address = reverse("import_run", args=[run.pk])
    shown = send_again(client, project, PAIRS + BAD_ROWS)
    kept = html.unescape(client.get(address, headers=GERMAN).content.decode())
    for text in (shown, kept):
        assert [one in text for one in said] == [True] * 3
        assert "Leave the row out" not in text
    assert "0 Aufgaben für Menschen, 3 Labels behalten." in kept
    plain = client.get(reverse("api_import_run", args=[run.pk]), headers=GERMAN).json()
    assert plain["message"] == "0 tasks for people, 3 labels kept."
    rows = client.get(reverse("import_bad_rows", args=[run.pk]), headers=GERMAN).getvalue()
    assert b"Expected a text, got a number." in rows


def send_again(client, project, text: str) -> str:
    """The preview in German."""
    sent = client.post(
        reverse("imports", args=[project.pk]),
        {"file": SimpleUploadedFile("pairs.jsonl", text.encode())},
    )
    return html.unescape(client.get(sent.url, headers=GERMAN).content.decode())


def test_rows_that_an_earlier_version_refused_still_say_why(client, project) -> None:
    run = ImportRun.objects.create(
        project=project,
        file_name="a",
        stored_as="a",
        format="trl",
        state="done",
        message="3 tasks for people, 0 labels kept.",
    )
    ImportRowError.objects.create(import_run=run, line=1, message="The prompt is empty.")
    page = client.get(reverse("import_run", args=[run.pk]), headers=GERMAN).content.decode()
    assert "The prompt is empty." in page
    assert "3 tasks for people, 0 labels kept." in page


def test_why_a_whole_file_is_refused_in_the_readers_language(client, project) -> None:
    page = send_again(client, project, '[{"prompt": "Q", "chosen": "a", "rejected": "b"}, {')
    assert "Das JSON-Array ist am Ende der Datei (Zeile 1) nicht geschlossen." in page
    unknown = send_again(client, project, '{"never": 1}\n')
    assert "Kein Format hat die Felder never." in unknown
    empty = client.post(
        reverse("imports", args=[project.pk]),
        {"file": SimpleUploadedFile("a.jsonl", b" ")},
        headers=GERMAN,
        follow=True,
    )
    assert "nur Leerraum" in empty.content.decode()


DRAWN = making.picture()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (DRAWN, "cat.png", "no text but binary"),
        (gzip.compress(DRAWN), "cat.jsonl.gz", "no text but binary"),
        (DRAWN, "cat.csv", "no text but binary"),
        (b"PK\x03\x04" + bytes(range(200)), "rows.csv", "a zip archive"),
        ("{}".encode("utf-16"), "rows.jsonl", "UTF-16"),
        (b"\x1f\x8b\x08broken", "rows.jsonl.gz", "gzip data is damaged"),
    ],
)
def test_a_file_that_is_no_text_is_refused_where_it_is_chosen(
    client, project, data, name, said
) -> None:
    page = send(client, project, data, name)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not [*pending_uploads._folder().glob("*")]


def test_a_few_control_characters_make_no_binary_file(client, project) -> None:
    page = send(client, project, PAIRS + '{"prompt": "a\x00b", "chosen": "c", "rejected": "d"}\n')
    [error] = page.context["preview"].errors
    assert "NUL" in error.message
