"""A bucket behind a real HTTP server that speaks S3 (moto), on loopback."""

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer

from annotate.models import MediaFile
from config import media
from tests.annotate.media import making

pytestmark = pytest.mark.django_db


def stored(file: MediaFile) -> bytes:
    return b"".join(storages["media"].read(file.key, 0, file.size))


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, media_folder, settings, monkeypatch, tmp_path):
    """A fresh bucket, and STORAGES as the environment variables of docs/running.md make it."""
    environment = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "TANDEM_S3_ENDPOINT": s3_server,
        "TANDEM_S3_BUCKET": f"bucket-{tmp_path.name.replace('_', '-')[:40]}",
        "TANDEM_S3_PREFIX": "tandem/files",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3", endpoint_url=s3_server).Bucket(environment["TANDEM_S3_BUCKET"])
    bucket.create()
    settings.STORAGES = {**settings.STORAGES, "media": media.media_storage(tmp_path)}
    yield bucket
    bucket.objects.delete()
    bucket.delete()


def test_a_file_goes_into_the_bucket_once(bucket, make_project, add_file) -> None:
    project, data = make_project(), making.picture("JPEG", 200, 100)
    file = add_file(project, data, "cat.jpg")
    [kept] = bucket.objects.all()
    assert kept.key == f"tandem/files/{file.key}"
    assert kept.get()["Body"].read() == data == stored(file)
    before = kept.last_modified
    add_file(project, data, "again.jpg")
    assert [one.last_modified for one in bucket.objects.all()] == [before]
    grants = kept.Acl().grants
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]  # the owner alone


def test_members_get_ranges_of_it(bucket, client, make_project, add_file) -> None:
    project, data = make_project(), making.film("webm", "libvpx", 320, 240, 2.0)
    file = add_file(project, data, "film.webm")
    client.force_login(project.created_by)
    address = f"/media/{project.pk}/{file.sha256}/video.webm"
    whole = client.get(address)
    assert (whole.status_code, whole.getvalue()) == (200, data)
    part = client.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.getvalue()) == (206, data[100:200])
    assert client.get(address, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    last = client.get(address, headers={"Range": "bytes=-1"})
    assert last.getvalue() == data[-1:]


def test_bytes_that_are_gone_are_told(bucket, client, make_project, add_file, caplog) -> None:
    project = make_project()
    file = add_file(project, making.picture(), "a.png")
    bucket.objects.delete()
    client.force_login(project.created_by)
    assert client.get(f"/media/{project.pk}/{file.sha256}/image.png").status_code == 404
    assert "no bytes for media file" in caplog.text


def test_a_large_file_is_sent_in_parts(bucket) -> None:
    data = bytes(range(256)) * 40_000  # above boto3's threshold of 8 MiB
    storage = storages["media"]
    storage.keep("1/ab/large", ContentFile(data))
    assert b"".join(storage.read("1/ab/large", 0, len(data))) == data
    assert b"".join(storage.read("1/ab/large", 9_000_000, 9_000_010)) == data[9_000_000:9_000_010]


def test_without_the_packages_a_bucket_is_refused(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TANDEM_S3_BUCKET", "b")
    monkeypatch.setattr(media, "find_spec", lambda name: None)
    with pytest.raises(media.ImproperlyConfigured, match="TANDEM_EXTRAS"):
        media.media_storage(tmp_path)
