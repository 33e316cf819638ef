"""Import, export, judgements and snapshots over HTTP."""

import csv
import gzip
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from annotate.models import ImportRun, Judgement, Prompt, Response, Seat
from annotate.services.incoming import import_runs
from annotate.services.people.tokens import issue_token
from tests.annotate.media import making

pytestmark = pytest.mark.django_db
PAIRS = [
    {"id": str(n), "prompt": f"Q{n}", "chosen": "yes", "rejected": "no", "annotator": "ann@x.org"}
    for n in range(5)
]


@pytest.fixture
def project(make_project):
    return make_project(test_percent=0)


@pytest.fixture
def as_user():
    def sign_in(user, *scopes):
        client = APIClient(raise_request_exception=False)
        _, secret = issue_token(user=user, scopes=list(scopes or ("read", "manage")))
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        return client

    return sign_in


@pytest.fixture
def client(as_user, project):
    return as_user(project.created_by)


@pytest.fixture(autouse=True)
def own_var(tmp_path, settings):
    settings.VAR_DIR = tmp_path


def lines(rows):
    return "\n".join(map(json.dumps, rows)).encode()


def send(client, project, data, query="", content_type="application/x-ndjson"):
    url = f"/api/v1/projects/{project.pk}/import/?{query}"
    return client.generic("POST", url, data, content_type=content_type)


def streamed(answer):
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/octet-stream"])
def test_import_of_a_raw_body(client, project, pack, content_type):
    answer = send(client, project, pack(lines(PAIRS)), content_type=content_type)
    assert answer.status_code == 200
    assert answer.json()["created"] == 5
    assert answer.json()["format"] == "trl"
    assert answer.json()["errors"] == []
    assert send(client, project, lines(PAIRS)).json()["skipped"] == 5


def test_import_of_a_form(client, project):
    file = SimpleUploadedFile("pairs.jsonl", lines(PAIRS))
    url = f"/api/v1/projects/{project.pk}/import/?labels=tasks&overlap=3&format=trl"
    answer = client.post(url, {"file": file}, format="multipart")
    assert answer.json()["counts"]["seats"] == 15
    assert Seat.objects.count() == 15
    assert client.post(url, {"other": "x"}, format="multipart").status_code == 400


def test_import_of_a_table(client, project):
    out = io.StringIO()
    csv.writer(out).writerows([["Q", "Left", "Right", "Won"], ["Why?", "so", "no", "left"]])
    mapping = "mapping=prompt:Q&mapping=response_a:Left&mapping=response_b:Right&mapping=label:Won"
    query = f"{mapping}&label_value=left:a&label_value=right:b&filename=x.csv"
    answer = send(client, project, out.getvalue().encode(), query, "text/csv")
    assert answer.json()["created"] == 1
    assert Judgement.objects.get().value["verdict"] == "prefer"
    bad = send(client, project, out.getvalue().encode(), query.replace("Won", "Winner"), "text/csv")
    assert bad.status_code == 400
    assert "'Won'" in bad.json()["detail"]


def test_a_mapping_is_remembered_over_rest_and_on_the_command_line(client, project, tmp_path):
    table = b"Q,Left,Right,Won\nWhy?,so,no,left\n"
    refused = send(client, project, table, "remembered=1", "text/csv")
    assert refused.status_code == 400
    assert "mapped such columns: Q, Left, Right, Won" in refused.json()["detail"]
    mapping = "mapping=prompt:Q&mapping=response_a:Left&mapping=response_b:Right&mapping=label:Won"
    query = f"{mapping}&label_value=left:b&background=1&filename=x.csv&format=table"
    import_runs.run_import(send(client, project, table, query, "text/csv").json()["id"])
    more = table.replace(b"Why", b"How")
    answer = send(client, project, more, "remembered=1", "text/csv").json()
    assert (answer["format"], answer["created"]) == ("table", 1)
    (tmp_path / "last.csv").write_bytes(table.replace(b"Why", b"Who"))
    call_command("import_data", project.pk, tmp_path / "last.csv", "--remembered")
    preferred = list(Judgement.objects.values_list("value__preferred", flat=True))
    assert [Response.objects.get(pk=pk).text for pk in preferred] == ["no"] * 3


def test_bad_rows_do_not_stop_the_file(client, project):
    rows = [PAIRS[0], {"prompt": "p", "chosen": 3, "rejected": "x"}, PAIRS[1]]
    body = send(client, project, lines(rows)).json()
    assert (body["created"], body["error_count"]) == (2, 1)
    [error] = body["errors"]
    assert (error["line"], error["field"]) == (2, "chosen")
    assert error["message"]


@pytest.mark.parametrize(
    ("data", "query", "status", "words"),
    [
        (b"", "", 400, "empty"),
        (b"", "format=trl", 400, "empty"),
        (b"   \n", "format=trl", 400, "no row"),
        (b"just words", "", 400, "neither JSON"),
        (b'{"a": 1}', "", 400, "Choose one of"),
        (lines(PAIRS), "format=xml", 400, "Known:"),
        (lines(PAIRS), "labels=both", 400, "judgements nor tasks"),
        (lines(PAIRS), "overlap=0", 400, "1 to 100"),
        (lines(PAIRS), "overlap=x", 400, "must be a whole number from 1 to 100"),
        (lines(PAIRS), "overlap=999999999999", 400, "must be a whole number from 1 to 100"),
        (lines(PAIRS), "overlap=" + "9" * 5000, 400, "must be a whole number from 1 to 100"),
        (lines(PAIRS), "priority=1001", 400, "must be a whole number from 0 to 1000"),
        (lines(PAIRS), "dry_run=perhaps", 400, "1 or 0"),
        (lines(PAIRS), "mapping=x", 400, "key:value"),
        (lines(PAIRS), "lables=tasks", 400, "unknown"),
        (lines(PAIRS), "dry_run=1&background=1", 400, "dry run"),
        (gzip.compress(lines(PAIRS), mtime=0)[:-5], "", 400, "stops in the middle"),
        (gzip.compress(b"[" + b" " * (40 << 20), mtime=0), "format=trl", 400, "expands"),
        (b'{"prompt": "p", "chosen": "a\\u0000", "rejected": "b"}', "", 422, "NUL"),
        (b'{"prompt": "p", "chosen": "\xff", "rejected": "b"}', "", 422, "UTF-8"),
        (b'{"prompt": "p", "chosen": 1, "rejected": "b"}', "", 422, "Expected"),
    ],
)
def test_what_is_wrong_is_a_problem(client, project, data, query, status, words):
    answer = send(client, project, data, query)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert Prompt.objects.count() == 0


def test_ten_megabyte_texts(client, project):
    row = {"prompt": "p", "chosen": "x" * 9_000_000, "rejected": "b"}
    body = send(client, project, lines([row, {**row, "chosen": "y" * 11_000_000}, PAIRS[0]])).json()
    assert body["created"] == 1
    assert ["bytes" in error["message"] for error in body["errors"]] == [True, True]


def test_upload_over_the_limit(client, project, settings):
    settings.MAX_UPLOAD_BYTES = 50
    answer = send(client, project, lines(PAIRS))
    assert answer.status_code == 413
    assert "50 bytes" in answer.json()["detail"]


def test_dry_run(client, project):
    assert send(client, project, lines(PAIRS), "dry_run=1").json()["created"] == 5
    assert Prompt.objects.count() == 0


def test_background_run(client, project):
    answer = send(client, project, lines([*PAIRS, {"x": 1}]), "background=1&format=trl")
    assert answer.status_code == 202
    run = answer.json()
    assert run["state"] == "queued"
    import_runs.run_import(run["id"])
    run = client.get(f"/api/v1/imports/{run['id']}/").json()
    assert (run["state"], run["created"], run["error_count"], run["percent"]) == ("done", 5, 1, 100)
    [row] = streamed(client.get(f"/api/v1/imports/{run['id']}/bad-rows/"))
    assert row["x"] == 1


def test_cancel_of_a_queued_run(client, project):
    run = send(client, project, lines(PAIRS), "background=1&format=trl").json()
    answer = client.post(f"/api/v1/imports/{run['id']}/cancel/")
    assert answer.json()["state"] == "cancelled"
    import_runs.run_import(run["id"])
    assert Prompt.objects.count() == 0


def test_who_may(project, as_user, make_user, add_member):
    stranger, annotator = make_user("stranger"), make_user("annotator")
    add_member(project, annotator)
    run = ImportRun.objects.create(project=project, file_name="x", stored_as="x", format="trl")
    base = f"/api/v1/projects/{project.pk}"
    for user, status in ((stranger, 404), (annotator, 403)):
        client = as_user(user)
        assert send(client, project, lines(PAIRS)).status_code == status
        assert client.get(f"{base}/export/").status_code == status
        assert client.get(f"{base}/judgements/").status_code == status
        assert client.get(f"{base}/snapshots/").status_code == status
        assert client.post(f"{base}/snapshots/", {}, format="json").status_code == status
        assert client.get(f"/api/v1/imports/{run.pk}/").status_code == status
    reader = as_user(project.created_by, "read")
    assert send(reader, project, lines(PAIRS)).status_code == 403
    assert reader.get(f"{base}/export/").status_code == 200
    assert APIClient().get(f"{base}/export/").status_code == 401
    assert Prompt.objects.count() == 0


def test_export(client, project):
    send(client, project, lines(PAIRS))
    url = f"/api/v1/projects/{project.pk}/export/"
    rows = streamed(client.get(url))
    assert rows == [{k: row[k] for k in ("prompt", "chosen", "rejected")} for row in PAIRS]
    raw = streamed(client.get(url, {"format": "raw", "source": "imported"}))
    assert len({row["annotator"] for row in raw}) == 1
    assert "ann@x.org" not in json.dumps(raw)
    assert streamed(client.get(url, {"source": "people"})) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("format=xml", "raw"),
        ("source=cats", "people"),
        ("tie_rule=x", "drop"),
        ("aggregation=x", "majority"),
        ("margin=x", "1 or 0"),
        ("split=dev", "train"),
        ("colour=red", "unknown"),
        ("format=raw&tie_rule=half", "as they were given"),
        ("snapshot=1&source=people", "own filters"),
    ],
)
def test_export_refuses(client, project, query, words):
    answer = client.get(f"/api/v1/projects/{project.pk}/export/?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_judgements_page_by_page(client, project):
    send(client, project, lines(PAIRS))
    first = client.get(f"/api/v1/projects/{project.pk}/judgements/?page_size=3").json()
    second = client.get(first["next"]).json()
    found = first["results"] + second["results"]
    assert [len(first["results"]), len(second["results"])] == [3, 2]
    assert second["next"] is None
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)
    assert "ann@x.org" not in json.dumps(found)


def test_judgements_that_came_since(client, project):
    send(client, project, lines(PAIRS[:1]))
    url = f"/api/v1/projects/{project.pk}/judgements/"
    [first] = client.get(url).json()["results"]
    timed = {**PAIRS[1], "submitted_at": "2020-01-31T12:00:00Z"}  # given before, and came after
    send(client, project, lines([timed]))
    *_, last = client.get(url).json()["results"]
    assert first["arrived_at"] == first["submitted_at"] > last["submitted_at"]
    assert last["arrived_at"] > first["arrived_at"]

    def since(moment: str) -> list[int]:
        answer = client.get(url, {"arrived_after": moment, "page_size": 1})
        assert answer.status_code == 200
        found = answer.json()
        rows = found["results"]
        while found["next"]:
            found = client.get(found["next"]).json()
            rows += found["results"]
        return [row["id"] for row in rows]

    assert since(first["arrived_at"]) == [last["id"]]
    assert since("2020-01-31T13:00:00+01:00") == [first["id"], last["id"]]
    assert since(last["arrived_at"]) == []
    assert since("0001-01-01T00:00:00+14:00") == [first["id"], last["id"]]  # before any UTC time
    for wrong in ("2020-01-31", "2020-01-31T12:00:00", "2020-02-31T12:00:00Z", "", "yesterday"):
        answer = client.get(url, {"arrived_after": wrong})
        assert (answer.status_code, "with its zone" in answer.json()["detail"]) == (400, True)


def test_snapshot(client, project):
    send(client, project, lines(PAIRS))
    url = f"/api/v1/projects/{project.pk}/snapshots/"
    body = {"query": {"source": "human"}, "tie_rule": "half"}
    answer = client.post(url, body, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["number"], made["rows"], len(made["sha256"])) == (1, 5, 64)
    assert client.get(url).json()["results"] == [made]
    assert client.get(f"/api/v1/snapshots/{made['id']}/").json() == made
    files = f"/api/v1/snapshots/{made['id']}/files"
    assert len(streamed(client.get(f"{files}/train.jsonl"))) == 5
    assert streamed(client.get(f"{files}/test.jsonl")) == []
    assert client.get(f"{files}/secret_key").status_code == 404
    exported = client.get(f"/api/v1/projects/{project.pk}/export/?snapshot=1")
    assert len(streamed(exported)) == 5
    for number in ("2", "x", "9" * 30):
        url = f"/api/v1/projects/{project.pk}/export/?snapshot={number}"
        assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "body", [{"query": {"x": 1}}, {"query": 3}, {"tie_rule": "x"}, {"aggregation": 3}, {"y": 1}, []]
)
def test_snapshot_refuses(client, project, body):
    answer = client.post(f"/api/v1/projects/{project.pk}/snapshots/", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_the_schema_names_the_paths(client):
    text = client.get("/api/v1/schema/").content.decode()
    for path in ("/import/", "/export/", "/judgements/", "/snapshots/", "/bad-rows/"):
        assert f"{path}:" in text


def test_a_browser_sends_with_its_session_and_token_against_forgery(project) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(project.created_by)
    path = f"/api/v1/projects/{project.pk}/import/?format=trl"
    data = lines(PAIRS)
    forged = browser.generic("POST", path, data, "application/x-ndjson")
    assert forged.status_code == 403
    browser.get(f"/projects/{project.pk}/import/")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    raw = browser.generic("POST", path, data, "application/x-ndjson", headers=headers)
    assert (raw.status_code, raw.json()["created"]) == (200, 5)
    form = {"file": SimpleUploadedFile("b.jsonl", data, "application/x-ndjson")}
    answer = browser.post(path, form, headers=headers)
    assert (answer.status_code, answer.json()["skipped"]) == (200, 5)


def test_imports_name_uploaded_files(client, project, add_file):
    for number, name in enumerate(("a.png", "b.png")):
        add_file(project, making.picture("PNG", 40 + number, 30), name)
    rows = [
        {"prompt": "Draw.", "responses": [{"content": {"image": name}} for name in names]}
        for names in (("a.png", "b.png"), ("a.png", "no.png"))
    ]
    answer = send(client, project, lines(rows)).json()
    assert (answer["format"], answer["created"]) == ("responses", 1)
    assert answer["errors"] == [
        {
            "line": 2,
            "field": "responses[1].content.image",
            "value": "no.png",
            "message": "No file 'no.png' was uploaded here; upload it first.",
        }
    ]
