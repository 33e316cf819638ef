"""Taking files in: kept once, named often, refused with a reason."""

import hashlib
import io
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction

from annotate.kinds import InvalidValue
from annotate.media.references import resolve_parts
from annotate.media.storage import media_storage
from annotate.models import AuditEvent, MediaFile
from annotate.services.media import MAX_OTHER_NAMES, add_media, clean_name, find_files
from tests.annotate.media import making

pytestmark = pytest.mark.django_db
PNG = making.picture("PNG", 40, 30)


def stored(file: MediaFile) -> bytes:
    return b"".join(media_storage().read(file.key, 0, file.size))


def test_a_file_is_kept_with_what_is_known_of_it(make_project, add_file, media_folder) -> None:
    project = make_project()
    file = add_file(project, PNG, "cats/one.png")
    assert file.sha256 == hashlib.sha256(PNG).hexdigest()
    assert (file.kind, file.content_type, file.size) == ("image", "image/png", len(PNG))
    assert (file.width, file.height, file.duration) == (40, 30, None)
    assert (file.name, file.uploaded_by) == ("cats/one.png", project.created_by)
    assert stored(file) == PNG
    path = media_folder / file.key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    event = AuditEvent.objects.get(action="media.added")
    assert event.detail == {"name": "cats/one.png", "sha256": file.sha256}
    sound = add_file(project, making.tone(0.5), "a.wav")
    assert (sound.kind, sound.width, sound.duration) == ("audio", None, 0.5)


def test_the_same_bytes_are_one_row_of_a_project(make_project, add_file, media_folder) -> None:
    project, other = make_project(), make_project()
    first = add_file(project, PNG, "one.png")
    for name in ("one.png", "two.png", "two.png", "three.png"):
        assert add_file(project, PNG, name) == first
    first.refresh_from_db()
    assert (first.name, first.other_names) == ("one.png", ["two.png", "three.png"])
    assert add_file(other, PNG, "one.png") != first
    kept = [path for path in media_folder.rglob("*") if path.is_file()]
    assert len(kept) == MediaFile.objects.count() == 2
    assert AuditEvent.objects.filter(action="media.named").count() == 2


def test_names_of_one_file_are_bounded(make_project, add_file) -> None:
    project = make_project()
    for number in range(MAX_OTHER_NAMES + 1):
        add_file(project, PNG, f"{number}.png")
    with pytest.raises(InvalidValue, match="one name too many"):
        add_file(project, PNG, "more.png")


@pytest.mark.parametrize(
    ("data", "name", "declared", "field", "says"),
    [
        (b"", "a.png", "", "file", "'a.png' is empty"),
        (b"<svg/>", "a.svg", "image/svg+xml", "file", "can carry scripts"),
        (PNG, "a.gif", "", "file", "PNG by its content but .gif"),
        (PNG, "a.png", "text/html", "file", "was sent as text/html"),
        (PNG[:-9], "a.png", "", "file", "cut off"),
        (PNG, "", "", "name", "is empty"),
        (PNG, "../a.png", "", "name", "must not lead upwards"),
        (PNG, "a\0.png", "", "name", "NUL"),
        (PNG, "x" * 256 + ".png", "", "name", "at most 255"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_kept(
    make_project,
    media_folder,
    data,
    name,
    declared,
    field,
    says,
) -> None:
    project = make_project()
    with pytest.raises(InvalidValue, match=says) as refused:
        add_media(
            project=project,
            actor=project.created_by,
            stream=io.BytesIO(data),
            name=name,
            declared_type=declared,
        )
    assert refused.value.field == field
    assert not MediaFile.objects.exists()
    assert not media_folder.exists() or not any(media_folder.rglob("*"))


def test_the_limits_are_settings(make_project, add_file, settings) -> None:
    project = make_project()
    settings.MEDIA_MAX_BYTES = {"image": len(PNG) - 1, "audio": 1, "video": 1}
    with pytest.raises(InvalidValue, match="image may have at most"):
        add_file(project, PNG, "a.png")
    settings.MEDIA_MAX_BYTES = {"image": len(PNG), "audio": 1, "video": 1}
    settings.MEDIA_MAX_PIXELS = 40 * 30 - 1
    with pytest.raises(InvalidValue, match="40 × 30 pixels"):
        add_file(project, PNG, "a.png")


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("a.png", "a.png"),
        ("/a/./b//c.png", "a/b/c.png"),
        ("C:\\pictures\\a.png", "C:/pictures/a.png"),
        ("e\u0301.png", "\u00e9.png"),
    ],
)
def test_names_are_written_one_way(given: str, cleaned: str) -> None:
    assert clean_name(given) == cleaned


def test_a_crash_between_bytes_and_row_is_mended_by_the_next_upload(
    make_project,
    add_file,
    media_folder,
) -> None:
    project = make_project()
    key = f"{project.pk}/{hashlib.sha256(PNG).hexdigest()[:2]}/{hashlib.sha256(PNG).hexdigest()}"
    half = media_folder / key
    half.parent.mkdir(parents=True)
    half.write_bytes(PNG[:10])
    assert stored(add_file(project, PNG, "a.png")) == PNG


def test_a_full_disk_leaves_no_half_file(media_folder, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        media_storage().keep("1/ab/abc", ContentFile(b"bytes"))
    assert not [path for path in media_folder.rglob("*") if path.is_file()]


def test_an_import_finds_files_by_every_name_in_one_query(
    make_project,
    add_file,
    django_assert_num_queries,
) -> None:
    project, other = make_project(), make_project()
    cat = add_file(project, PNG, "cat.png")
    add_file(project, PNG, "pets/cat.png")
    song = add_file(project, making.tone(0.1), "song.wav")
    foreign = add_file(other, making.picture("PNG", 9, 9), "foreign.png")
    wanted = ["pets/cat.png", song.sha256, cat.pk, "nothing.png", "\0", "\ud800", 2**80, -1]
    with django_assert_num_queries(1):
        files = find_files(project=project, references=wanted)
    content = [{"image": "pets/cat.png"}, {"audio": song.sha256}, {"image": cat.pk}]
    parts = resolve_parts(content, files, "content")
    assert [part["file"] for part in parts] == [cat.pk, song.pk, cat.pk]
    for reference in ("foreign.png", foreign.sha256, foreign.pk):
        files = find_files(project=project, references=[reference])
        with pytest.raises(InvalidValue, match="upload it first"):
            resolve_parts([{"image": reference}], files, "content")
    with django_assert_num_queries(0):
        find_files(project=project, references=[])


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"kind": "script"}, "media_file_kind_known"),
        ({"sha256": "../../etc/passwd"}, "media_file_sha256_form"),
        ({"size": 0}, "media_file_size_given"),
        ({"name": ""}, "media_file_name_given"),
        ({"width": 5}, "media_file_pixels_together"),
        ({"duration": -1.0}, "media_file_duration_range"),
    ],
)
def test_the_database_holds_to_it_too(make_project, change, constraint) -> None:
    project = make_project()
    row = {
        "project": project,
        "uploaded_by": project.created_by,
        "sha256": "a" * 64,
        "kind": "image",
        "content_type": "image/png",
        "size": 1,
        "name": "a.png",
        **change,
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        MediaFile.objects.create(**row)


@pytest.mark.django_db(transaction=True)
def test_the_same_file_sent_at_once_by_several_is_one_row(make_project, add_file) -> None:
    project = make_project()

    def send(number: int) -> int:
        try:
            return add_file(project, PNG, f"{number % 3}.png").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(send, range(12)))
    [file] = MediaFile.objects.all()
    assert found == {file.pk}
    assert {file.name, *file.other_names} == {"0.png", "1.png", "2.png"}
