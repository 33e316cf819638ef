"""Media files through the API."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotate.models import MediaFile, Response
from tests.annotate.media import making

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_folder")]
PNG = making.picture("PNG", 40, 30)


@pytest.fixture
def owner(caller):
    return caller("owner")


@pytest.fixture
def project(owner, make_project):
    return make_project(owner.user)


def send(who, project, data: bytes, name: str = "a.png", content_type: str = "image/png"):
    path = f"/api/v1/projects/{project.pk}/media/?filename={name}"
    return who.client.generic("POST", path, data, content_type)


def send_form(who, project, *files: SimpleUploadedFile, query: str = ""):
    path = f"/api/v1/projects/{project.pk}/media/{query}"
    return who.client.post(path, {"file": list(files)})


def test_a_file_as_the_body(owner, project) -> None:
    answer = send(owner, project, PNG, "cats/a.png")
    assert answer.status_code == 201
    body = answer.json()
    assert body["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (body["kind"], body["content_type"], body["size"]) == ("image", "image/png", len(PNG))
    assert (body["name"], body["width"], body["height"]) == ("cats/a.png", 40, 30)
    again = send(owner, project, PNG, "b.png", "application/octet-stream")
    assert again.status_code == 200
    assert again.json()["id"] == body["id"]
    assert again.json()["other_names"] == ["b.png"]
    assert owner.get(f"projects/{project.pk}/media/{body['id']}/").json() == again.json()
    owner.client.force_login(owner.user)
    assert owner.client.get(body["url"]).getvalue() == PNG


def test_a_file_as_a_form(owner, project, refused) -> None:
    upload = SimpleUploadedFile("a.png", PNG, "image/png")
    answer = send_form(owner, project, upload)
    assert (answer.status_code, answer.json()["name"]) == (201, "a.png")
    upload = SimpleUploadedFile("a.png", PNG, "image/png")
    renamed = send_form(owner, project, upload, query="?filename=x/y.png")
    assert renamed.json()["other_names"] == ["x/y.png"]
    two = [SimpleUploadedFile(f"{n}.png", PNG, "image/png") for n in "ab"]
    refused(send_form(owner, project, *two), 400, "file", "send exactly one")
    refused(send_form(owner, project), 400, "file", "0 files")


@pytest.mark.parametrize(
    ("data", "name", "content_type", "field", "says"),
    [
        (b"", "a.png", "image/png", "file", "is empty"),
        (b"<svg/>", "a.png", "image/png", "file", "SVG"),
        (b"<html>", "a.png", "image/png", "file", "HTML"),
        (PNG[:100], "a.png", "image/png", "file", "cut off"),
        (PNG + b"PK\x03\x04", "a.png", "image/png", "file", "goes on for 4 bytes"),
        (PNG, "a.mp4", "image/png", "file", "PNG by its content but .mp4"),
        (PNG, "a.png", "video/mp4", "file", "was sent as video/mp4"),
        (PNG, "", "image/png", "name", "is empty"),
        (PNG, "a%00.png", "image/png", "filename", "NUL"),
        (PNG, "..%2Fa.png", "image/png", "name", "upwards"),
    ],
)
def test_bad_files_are_refused_by_name(
    owner, project, refused, data, name, content_type, field, says
) -> None:
    refused(send(owner, project, data, name, content_type), 400, field, says)
    assert not MediaFile.objects.exists()


def test_what_is_wrong_stays_english_for_programs(owner, project, refused) -> None:
    answer = owner.client.generic(
        "POST",
        f"/api/v1/projects/{project.pk}/media/?filename=a.png",
        PNG[:100],
        "image/png",
        headers={"accept-language": "de"},
    )
    refused(answer, 400, "file", "is cut off: it ends at byte 100")


def test_a_body_is_bounded_before_it_is_looked_at(owner, project, refused, settings) -> None:
    settings.MEDIA_MAX_BYTES = {"image": 120, "audio": 120, "video": 900}
    refused(send(owner, project, PNG + bytes(2000)), 413)
    refused(send(owner, project, PNG), 400, "file", "at most 120")


def test_an_unknown_parameter_is_refused(owner, project, refused) -> None:
    answer = owner.client.generic(
        "POST", f"/api/v1/projects/{project.pk}/media/?name=a.png", PNG, "image/png"
    )
    refused(answer, 400, "name", "is unknown here")


def test_the_list_comes_page_by_page(owner, project, add_file) -> None:
    files = [add_file(project, making.picture("PNG", 9, n), f"{n}.png") for n in range(5, 10)]
    page = owner.get(f"projects/{project.pk}/media/?page_size=3").json()
    assert [row["id"] for row in page["results"]] == [file.pk for file in files[:3]]
    rest = owner.client.get(page["next"]).json()
    assert [row["id"] for row in rest["results"]] == [file.pk for file in files[3:]]


@pytest.mark.parametrize(
    ("role", "listed", "sent", "read"),
    [
        ("owner", 200, 201, 200),
        ("manager", 200, 201, 200),
        ("reviewer", 200, 403, 200),
        ("annotator", 403, 403, 200),
        (None, 404, 404, 404),
    ],
)
def test_who_may_do_what(
    caller,
    make_project,
    add_member,
    add_file,
    role,
    listed,
    sent,
    read,
) -> None:
    project = make_project()
    file = add_file(project, making.tone(0.1), "a.wav")
    who = caller("who")
    if role:
        add_member(project, who.user, role)
    path = f"projects/{project.pk}/media/"
    assert who.get(path).status_code == listed
    assert who.get(f"{path}{file.pk}/").status_code == listed
    assert who.get(f"{path}{file.pk}/bytes/").status_code == read
    assert send(who, project, PNG).status_code == sent


def test_the_scopes_of_a_token(caller, project, add_file) -> None:
    file = add_file(project, PNG, "a.png")
    reader = caller("owner", "read")
    assert reader.get(f"projects/{project.pk}/media/").status_code == 200
    assert reader.get(f"projects/{project.pk}/media/{file.pk}/bytes/").getvalue() == PNG
    assert send(reader, project, PNG).status_code == 403
    assert caller("owner", "annotate").get(f"projects/{project.pk}/media/").status_code == 403


def test_bytes_come_in_ranges_and_only_from_their_project(
    owner,
    project,
    make_project,
    add_file,
) -> None:
    file = add_file(project, PNG, "a.png")
    path = f"/api/v1/projects/{project.pk}/media/{file.pk}/bytes/"
    answer = owner.client.get(path, headers={"Range": "bytes=1-3"})
    assert (answer.status_code, answer.getvalue()) == (206, b"PNG")
    answer = owner.client.get(path, headers={"Range": f"bytes={len(PNG)}-"})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(PNG)}")
    assert answer["Content-Type"] == "application/problem+json"
    known = owner.client.get(path, headers={"If-None-Match": owner.client.get(path)["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    other = make_project(owner.user)
    assert owner.get(f"projects/{other.pk}/media/{file.pk}/").status_code == 404
    assert owner.get(f"projects/{other.pk}/media/{file.pk}/bytes/").status_code == 404


def test_a_browser_sends_with_its_session_and_token_against_forgery(owner, project) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    path = f"/api/v1/projects/{project.pk}/media/"
    forged = browser.generic("POST", f"{path}?filename=a.png", PNG, "image/png")
    assert forged.status_code == 403
    browser.get(f"/projects/{project.pk}/media/")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    raw = browser.generic("POST", f"{path}?filename=a.png", PNG, "image/png", headers=headers)
    assert raw.status_code == 201
    form = {"file": SimpleUploadedFile("b.png", making.picture("PNG", 9, 9), "image/png")}
    assert browser.post(path, form, headers=headers).json()["name"] == "b.png"


def test_delete(owner, project, add_file, make_pair_tasks, refused) -> None:
    file, other = add_file(project, PNG, "a.png"), add_file(project, making.tone(0.1), "a.wav")
    [task] = make_pair_tasks(project, 1)
    response = Response.objects.create(
        prompt=task.prompt,
        content=[{"type": "image", "file": file.pk, "sha256": file.sha256}],
        content_hash="x",
    )
    path = f"/api/v1/projects/{project.pk}/media/"
    answer = owner.client.delete(f"{path}{file.pk}/")
    assert answer.status_code == 409
    body = answer.json()
    assert body["detail"] == "'a.png' is shown by 1 prompt or response, so it stays."
    link = f"http://testserver/tasks/{task.pk}/"
    assert body["errors"] == [
        {"field": f"response {response.pk}", "message": f"shows it in task {task.pk}: {link}"}
    ]
    assert owner.client.delete(f"{path}{other.pk}/").status_code == 204
    assert owner.client.delete(f"{path}{other.pk}/").status_code == 404
    assert list(MediaFile.objects.all()) == [file]


@pytest.mark.parametrize(
    ("role", "status"),
    [("manager", 204), ("reviewer", 403), ("annotator", 403), (None, 404)],
)
def test_who_may_delete(caller, make_project, add_member, add_file, role, status) -> None:
    project = make_project()
    file = add_file(project, PNG, "a.png")
    who = caller("who")
    if role:
        add_member(project, who.user, role)
    answer = who.client.delete(f"/api/v1/projects/{project.pk}/media/{file.pk}/")
    assert answer.status_code == status
    assert MediaFile.objects.exists() == (status != 204)
