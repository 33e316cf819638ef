"""Imported contents that name media files: found per batch, refused by line, field and value."""

import io
import json
import threading
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import Judgement, MediaFile, Project, Prompt, Response, Task, content_hash
from annotate.services.incoming import imports
from annotate.services.incoming.bad_rows import bad_rows
from annotate.services.incoming.import_runs import run_import, start_import
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.media import MediaInUse, delete_media
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import create_snapshot
from tests.annotate.media import making
from tests.waiting import somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project) -> Project:
    return make_project()


@pytest.fixture
def files(project, add_file) -> dict[str, MediaFile]:
    data = {
        "cats/a.png": making.picture("PNG", 40, 30),
        "b.png": making.picture("PNG", 50, 40),
        "c.png": making.picture("PNG", 60, 50),
        "q.wav": making.tone(0.1),
    }
    return {name: add_file(project, content, name) for name, content in data.items()}


def send(project, rows, *, format="responses", **options):
    return import_stream(
        project=project,
        actor=project.created_by,
        stream=io.BytesIO("\n".join(map(json.dumps, rows)).encode()),
        format=format,
        options=ImportOptions(**options),
    )


def image(file: MediaFile, **more) -> dict:
    return {"type": "image", "file": file.pk, "sha256": file.sha256, **more}


def row(*names: str, **more) -> dict:
    responses = [{"content": [{"image": name}], "model": f"m{n}"} for n, name in enumerate(names)]
    return {"prompt": "Draw a cat.", "responses": responses, **more}


def media_queries(queries) -> list[str]:
    return [one["sql"] for one in queries if "annotate_mediafile" in one["sql"]]


def test_names_become_files(project, files) -> None:
    asked = [
        "Which picture goes with this?",
        {"audio": "q.wav", "transcript": "Miaow."},
        {"type": "code", "text": "purr()", "language": "python"},
    ]
    rows = [
        {
            "prompt": [{"role": "user", "content": asked}],
            "responses": [
                {"content": {"image": "cats/a.png", "alt": "One"}, "model": "m0"},
                {"content": ["Or this one:", {"image": files["b.png"].sha256.upper()}]},
            ],
            "label": 1,
        }
    ]
    report = send(project, rows)
    assert (report.created, report.error_count) == (1, 0)
    prompt = Prompt.objects.get()
    [turn] = prompt.conversation
    sound = files["q.wav"]
    assert turn["content"] == [
        {"type": "text", "text": "Which picture goes with this?"},
        {"type": "audio", "file": sound.pk, "sha256": sound.sha256, "transcript": "Miaow."},
        {"type": "code", "text": "purr()", "language": "python"},
    ]
    assert prompt.content_hash == content_hash("", prompt.conversation)
    first, second = Response.objects.order_by("generator")[::-1]
    assert first.content == [image(files["cats/a.png"], alt="One")]
    assert second.content == [{"type": "text", "text": "Or this one:"}, image(files["b.png"])]
    assert first.content_hash == content_hash(first.content)
    assert Judgement.objects.get().value["preferred"] == second.pk


def test_the_same_again_adds_nothing_under_any_name(project, files) -> None:
    send(project, [row("cats/a.png", "b.png")])
    again = send(project, [row(files["cats/a.png"].sha256, files["b.png"].pk)])
    assert (again.created, again.updated, again.skipped) == (0, 0, 1)
    assert (Response.objects.count(), Task.objects.count()) == (2, 1)


def test_trl_dialogues_may_hold_parts(project, files) -> None:
    asked = {"role": "user", "content": [{"text": "What is it?"}, {"image": "c.png"}]}
    sides = {
        side: [asked, {"role": "assistant", "content": [{"type": "image", "image": name}]}]
        for side, name in (("chosen", "cats/a.png"), ("rejected", "b.png"))
    }
    assert send(project, [sides], format="trl").created == 1
    assert Prompt.objects.get().conversation[0]["content"][1] == image(files["c.png"])
    chosen = Response.objects.get(pk=Judgement.objects.get().value["preferred"])
    assert chosen.content == [image(files["cats/a.png"])]


@pytest.mark.parametrize(
    ("wrong", "field", "value", "says"),
    [
        (
            {"responses": ["So.", {"content": [{"image": "dog.png"}]}]},
            "responses[1].content[0].image",
            "dog.png",
            "No file 'dog.png' was uploaded here; upload it first.",
        ),
        (
            {"prompt": [{"role": "user", "content": ["?", {"type": "audio", "file": "b.png"}]}]},
            "prompt[0].content[1].file",
            "b.png",
            '\'b.png\' is an image file; write "image" for "audio", or name another file.',
        ),
        (
            {"responses": ["So.", {"content": {"type": "image_url", "image_url": {"url": "x"}}}]},
            "responses[1].content",
            "image_url",
            "upload the file and name it",
        ),
        (
            {"responses": ["So.", {"content": [{"image": "b.png", "onload": "x()"}]}]},
            "responses[1].content[0].onload",
            "x()",
            "Unknown field",
        ),
        ({"prompt": [{"role": "user", "content": []}]}, "prompt[0].content", "[]", "empty list"),
        (
            {"prompt": [{"role": "system", "content": [{"image": "b.png"}]}, {"role": "user"}]},
            "prompt[1].content",
            "null",
            "Expected a text",
        ),
        (
            {
                "prompt": [
                    {"role": "system", "content": [{"image": "b.png"}]},
                    {"role": "user", "content": "?"},
                ]
            },
            "prompt",
            "b.png",
            "A system message is a text",
        ),
        (
            {"responses": [{"content": {"image": "b.png"}}, {"content": [{"image": "again.png"}]}]},
            "responses",
            "image",
            "All responses are identical",
        ),
    ],
)
def test_what_is_wrong_costs_its_row_alone(
    project, files, add_file, wrong, field, value, says
) -> None:
    add_file(project, making.picture("PNG", 50, 40), "again.png")  # the bytes of b.png
    rows = [row("cats/a.png", "b.png"), {**row("b.png", "c.png"), **wrong}, row("c.png", "b.png")]
    report = send(project, rows)
    assert (report.created, report.error_count) == (2, 1)
    [error] = report.errors
    assert (error.line, error.field) == (2, field)
    assert value in error.value
    assert says in error.message


def test_bad_rows_come_back_whole(project, add_file, media_folder) -> None:
    bad = row("one.png", "two.png", id="7")
    upload = io.BytesIO(json.dumps(bad).encode())
    options = ImportOptions()
    run = start_import(
        project=project,
        actor=project.created_by,
        upload=upload,
        format="responses",
        options=options,
    )
    run_import(run.pk)
    data = b"".join(bad_rows(run=run))
    given = json.loads(data)
    assert given.pop("_error")["field"] == "responses[0].content[0].image"
    assert given == bad
    for number, name in enumerate(("one.png", "two.png")):
        add_file(project, making.picture("PNG", 40 + number, 30), name)
    assert send(project, [json.loads(data)]).created == 1


def test_files_of_other_projects_are_unknown(project, files, make_project) -> None:
    other = make_project()
    report = send(other, [row("cats/a.png", files["b.png"].pk)])
    assert [error.field for error in report.errors] == ["responses[0].content[0].image"]


def test_answers_and_groups_fit_rows_with_media(make_project, add_file) -> None:
    project = make_project(kind="ranking")
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        add_file(project, making.picture("PNG", 40 + number, 30), name)
    send(project, [row("a.png", "b.png", "c.png", ranking=[2, [0, 1]])])
    places = {response.generator: response.pk for response in Response.objects.all()}
    tiers = Judgement.objects.get().value["tiers"]
    assert [sorted(tier) for tier in tiers] == [
        [places["m2"]],
        sorted([places["m0"], places["m1"]]),
    ]
    report = send(project, [row("a.png")])
    assert "takes 2 to 10 different responses" in report.errors[0].message


def test_one_query_a_batch_and_none_for_texts(project, files, monkeypatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 10)
    texts = [{"prompt": f"{n}?", "responses": ["So.", "No."]} for n in range(25)]
    with CaptureQueriesContext(
        connection,
    ) as plain:
        assert send(project, texts).created == 25
    assert media_queries(plain) == []
    rows = [{**row("cats/a.png", "b.png"), "prompt": f"{n}!"} for n in range(25)]
    with CaptureQueriesContext(connection) as found:
        assert send(project, rows).created == 25
    assert len(media_queries(found)) == 3
    code = [{"prompt": "p", "responses": [{"content": {"type": "code", "text": "x"}}, "y"]}]
    with CaptureQueriesContext(connection) as parts:
        assert send(project, code).created == 1
    assert media_queries(parts) == []


def test_a_dry_run_knows_files_too(project, files) -> None:
    report = send(project, [row("cats/a.png", "b.png"), row("x.png", "b.png")], dry_run=True)
    assert (report.created, report.error_count) == (1, 1)
    assert not Prompt.objects.exists()


def test_exports_write_media_as_text_and_raw_rows_as_parts(project, files) -> None:
    asked = [{"role": "user", "content": ["Which?", {"image": "c.png"}]}]
    send(project, [row("cats/a.png", "b.png", prompt=asked, label=0)])
    first, second, shown = (files[name] for name in ("cats/a.png", "b.png", "c.png"))
    trl, raw = (
        json.loads(b"".join(stream_export(project=project, format=name)))
        for name in ("trl_conversational", "raw")
    )
    assert trl["prompt"][0]["content"] == f"Which?\n\n[image {shown.sha256}]"
    assert trl["chosen"][0]["content"] == f"[image {first.sha256}]"
    assert trl["rejected"][0]["content"] == f"[image {second.sha256}]"
    assert raw["prompt"]["conversation"][0]["content"][1] == image(shown)
    contents = {one["generator"]: one["content"] for one in raw["responses"]}
    assert contents == {"m0": [image(first)], "m1": [image(second)]}
    snapshot = create_snapshot(project=project, actor=None)
    assert snapshot.rows == 1


def test_the_documented_example(project, add_file) -> None:
    add_file(project, making.tone(0.1), "miaow.wav")
    for number, name in enumerate(("cats/1.png", "dog.png")):
        add_file(project, making.picture("PNG", 40 + number, 30), name)
    page = (Path(__file__).parents[4] / "docs" / "formats.md").read_text()
    example = page.split("### Media, code and tables")[1].split("    {", 1)[1].split("\n\n")[0]
    assert send(project, [json.loads("{" + example)]).created == 1


@pytest.mark.django_db(transaction=True)
def test_no_file_goes_while_a_batch_shows_it(project, files) -> None:
    """The batch's files are held from the moment they are found until it is committed."""
    file, waiting = files["cats/a.png"], []

    def delete() -> None:
        try:
            delete_media(file=file, actor=project.created_by)
        except MediaInUse as error:
            waiting.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=delete)

    def progress(report, errors) -> bool:
        thread.start()
        while not somebody_waits_for_a_lock():
            thread.join(0.01)
            assert thread.is_alive()
        return False

    report = import_stream(
        project=project,
        actor=project.created_by,
        stream=io.BytesIO(json.dumps(row("cats/a.png", "b.png")).encode()),
        format="responses",
        options=ImportOptions(),
        progress=progress,
    )
    thread.join()
    assert (report.created, len(waiting)) == (1, 1)
