"""The files themselves: for members only, in ranges, and never run by a browser."""

import pytest
from django.utils import timezone

from annotate.models import Membership
from tests.annotate.media import making

pytestmark = pytest.mark.django_db
WAV = making.tone(1.0)


@pytest.fixture
def project(make_project):
    return make_project()


@pytest.fixture
def file(project, add_file):
    return add_file(project, WAV, "model-x/song.wav")


@pytest.fixture
def address(file) -> str:
    return f"/media/{file.project_id}/{file.sha256}/audio.wav"


@pytest.fixture
def annotator(client, project, make_user, add_member):
    user = make_user("ann")
    add_member(project, user)
    client.force_login(user)
    return user


@pytest.mark.parametrize("role", [*Membership.Role, "superuser", "stranger", "visitor"])
def test_members_of_every_role_and_nobody_else(
    client, make_user, add_member, project, address, role
) -> None:
    if role != "visitor":
        user = make_user("who", is_superuser=role == "superuser")
        if role in Membership.Role.values:
            add_member(project, user, role)
        client.force_login(user)
    answer = client.get(address)
    allowed = role not in ("stranger", "visitor")
    assert answer.status_code == (200 if allowed else 404)
    if allowed:
        assert answer.getvalue() == WAV
    else:
        assert WAV[:100] not in answer.content


def test_a_member_of_another_project_gets_nothing(client, make_project, make_user, address) -> None:
    other = make_project(make_user("other"))
    client.force_login(other.created_by)
    assert client.get(address).status_code == 404
    moved = address.replace(f"/media/{address.split('/')[2]}/", f"/media/{other.pk}/")
    assert client.get(moved).status_code == 404


def test_an_archived_project_s_files_are_gone(client, project, annotator, address) -> None:
    assert client.get(address).status_code == 200
    project.archived_at = timezone.now()
    project.save()
    assert client.get(address).status_code == 404


def test_whoever_left_the_project_is_asked_at_once(client, project, annotator, address) -> None:
    tag = client.get(address)["ETag"]
    Membership.objects.filter(user=annotator).delete()
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 404


@pytest.mark.parametrize("name", ["audio.wav", "song.wav"])
def test_it_has_two_names(client, annotator, file, name) -> None:
    answer = client.get(f"/media/{file.project_id}/{file.sha256}/{name}")
    assert answer["Content-Disposition"] == f'inline; filename="{name}"'


@pytest.mark.parametrize("name", ["song.html", "model-x", "song.wav%0d%0aX-A:%20b", "audio.wav/"])
def test_other_names_are_not_found(client, annotator, file, name) -> None:
    assert client.get(f"/media/{file.project_id}/{file.sha256}/{name}").status_code == 404


@pytest.mark.parametrize("sha256", ["0" * 64, "..", "%2e%2e%2f", "x"])
def test_other_hashes_are_not_found(client, annotator, file, sha256) -> None:
    assert client.get(f"/media/{file.project_id}/{sha256}/audio.wav").status_code == 404


@pytest.mark.parametrize("range_", [None, "bytes=0-9", "bytes=99999999-"])
def test_every_answer_is_harmless(client, annotator, address, range_) -> None:
    answer = client.get(address, headers={"Range": range_} if range_ else {})
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in answer["Content-Security-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["X-Frame-Options"] == "DENY"


def test_a_picture_with_a_page_inside_stays_a_picture(client, project, add_file) -> None:
    """A comment is part of a right GIF, so it is taken; its type keeps it from being run."""
    page = b"<script>alert(document.cookie)</script>"
    gif = making.picture("GIF", comment=page)
    assert page in gif
    file = add_file(project, gif, "both.gif")
    client.force_login(project.created_by)
    answer = client.get(f"/media/{project.pk}/{file.sha256}/image.gif")
    assert answer["Content-Type"] == "image/gif"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("header", "status", "expected"),
    [
        (None, 200, slice(None)),
        ("bytes=0-", 206, slice(None)),
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=10-19", 206, slice(10, 20)),
        (f"bytes={len(WAV) - 1}-", 206, slice(len(WAV) - 1, None)),
        (f"bytes=5-{len(WAV) + 100}", 206, slice(5, None)),
        ("bytes=-7", 206, slice(len(WAV) - 7, None)),
        (f"bytes=-{len(WAV) * 2}", 206, slice(None)),
        (f"bytes={len(WAV)}-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-3", 200, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_ranges(client, annotator, address, header, status, expected) -> None:
    answer = client.get(address, headers={"Range": header} if header else {})
    assert answer.status_code == status
    assert answer["Accept-Ranges"] == "bytes"
    size = len(WAV)
    if status == 416:
        assert answer["Content-Range"] == f"bytes */{size}"
        assert answer.content == b""
        return
    body = answer.getvalue()
    assert body == WAV[expected]
    assert answer["Content-Length"] == str(len(body))
    assert answer["Content-Type"] == "audio/wav"
    if status == 206:
        begin = expected.start or 0
        assert answer["Content-Range"] == f"bytes {begin}-{begin + len(body) - 1}/{size}"
    else:
        assert "Content-Range" not in answer


def test_head_tells_the_same_without_a_body(client, annotator, address) -> None:
    for header in ({}, {"Range": "bytes=10-19"}):
        head, get = client.head(address, headers=header), client.get(address, headers=header)
        assert head.content == b""
        assert head.status_code == get.status_code
        assert dict(head.headers) == dict(get.headers)


def test_what_a_browser_has_is_not_sent_again(client, annotator, file, address) -> None:
    tag = f'"{file.sha256}"'
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = client.get(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert client.get(address, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_range_of_other_bytes_starts_over(client, annotator, file, address) -> None:
    part = {"Range": "bytes=0-9"}
    same = client.get(address, headers={**part, "If-Range": f'"{file.sha256}"'})
    assert same.status_code == 206
    assert client.get(address, headers={**part, "If-Range": '"x"'}).status_code == 200


def test_nobody_writes_here(client, annotator, address) -> None:
    for method in ("post", "put", "delete", "patch"):
        assert getattr(client, method)(address).status_code == 405


def test_bytes_that_are_gone_are_told(client, annotator, file, address, media_folder, caplog):
    (media_folder / file.key).unlink()
    assert client.get(address).status_code == 404
    assert "no bytes for media file" in caplog.text
