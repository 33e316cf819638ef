"""A snapshot as Parquet files: the rows of the hash, in parts, as datasets reads them."""

import io
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from pyarrow import parquet as pq

from annotate.models import Judgement
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing import snapshot_files
from annotate.services.outgoing.snapshot_files import (
    parquet_files,
    stream_archive,
    stream_file,
    write_folder,
)
from annotate.services.outgoing.snapshot_files import (
    snapshot_files as files_of,
)
from annotate.services.outgoing.snapshots import create_snapshot, stream_training_file
from annotate.services.people.tokens import issue_token
from tests.annotate.kinds_at_work import CASES, judge

ROWS = 30


@pytest.fixture
def project(db, make_project):
    project = make_project(test_percent=40)
    rows = [
        {"prompt": f"Q{n}", "responses": ["a", "b"], "label": "tie" if n % 10 == 0 else n % 2}
        for n in range(ROWS)
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(data),
        format="responses",
        options=ImportOptions(),
    )
    return project


def lines(snapshot, split):
    return [json.loads(line) for line in stream_training_file(snapshot=snapshot, split=split)]


def rows_of(snapshot, split):
    """Of all Parquet parts, one after the other; null columns are left out as lines do."""
    found = []
    for file in parquet_files(snapshot):
        if file.split == split:
            table = pq.read_table(io.BytesIO(b"".join(stream_file(snapshot, file))))
            found += table.to_pylist()
    return [{name: said for name, said in row.items() if said is not None} for row in found]


@pytest.mark.parametrize("aggregation", ["each", "majority"])
def test_parts_together_are_the_rows(project, make_user, monkeypatch, aggregation) -> None:
    old = project.judgements.order_by("pk").first()
    Judgement.objects.create(  # a second voice of the first task, far from the first
        project=project, task=old.task, kind="pairwise", value=old.value, source="imported"
    )
    snapshot = create_snapshot(project=project, actor=None, aggregation=aggregation)
    monkeypatch.setattr(snapshot_files, "JUDGEMENTS_A_PART", 7)
    names = [file.name for file in files_of(snapshot)]
    assert names[:3] == ["train.jsonl", "test.jsonl", "README.md"]
    assert names[3] == "train-00000-of-00005.parquet"
    assert names[-1] == "test-00004-of-00005.parquet"
    for split in ("train", "test"):
        assert rows_of(snapshot, split) == lines(snapshot, split) != []


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(CASES))
def test_snapshots_of_every_kind_have_parquet(make_project, make_pair_tasks, make_user, kind):
    case = CASES[kind]
    project = make_project(kind=kind, kind_settings=case.settings, test_percent=0)
    both = [make_user("ann"), make_user("bob")]
    for task in make_pair_tasks(project, 2):
        judge(project, task, both, case)
    snapshot = create_snapshot(project=project, actor=None)
    texts = {name for name, sort in snapshot_files.judged_rows.COLUMNS.items() if sort == "json"}
    if snapshot.holds == "preferences":
        texts = set()
    rows = [
        {name: json.loads(said) if name in texts else said for name, said in row.items()}
        for row in rows_of(snapshot, "train")
    ]
    assert rows == lines(snapshot, "train") != []


def test_the_archive_has_the_folders_files(project, tmp_path, client) -> None:
    snapshot = create_snapshot(project=project, actor=None)
    written = write_folder(snapshot, tmp_path / "a" / "b")
    assert sorted(written) == sorted((tmp_path / "a" / "b").iterdir())
    client.force_login(project.created_by)
    answer = client.get(reverse("download_snapshot_folder", args=[snapshot.pk]))
    name = f"snapshot-1-of-project-{project.pk}"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}.zip"'
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    found = {entry: archive.read(entry) for entry in archive.namelist()}
    assert found == {f"{name}/{path.name}": path.read_bytes() for path in written}
    assert b"".join(stream_archive(snapshot))[:2] == b"PK"


def test_the_folder_loads_from_disk(project, tmp_path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the training extra")
    create_snapshot(project=project, actor=None)
    call_command("export_snapshot", project.pk, 1, tmp_path / "folder", verbosity=0)
    loaded = datasets.load_dataset(str(tmp_path / "folder"), cache_dir=str(tmp_path / "cache"))
    snapshot = project.snapshots.get()
    for split in ("train", "test"):
        assert loaded[split]["id"][:] == [row["id"] for row in lines(snapshot, split)] != []
    assert loaded["train"][0]["prompt"][0]["role"] == "user"


def test_the_command_says_what_there_is(project, tmp_path) -> None:
    create_snapshot(project=project, actor=None)
    with pytest.raises(CommandError, match=r"no snapshot 2\. It has: 1\."):
        call_command("export_snapshot", project.pk, 2, tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(CommandError, match="is a file"):
        call_command("export_snapshot", project.pk, 1, file)


@pytest.mark.django_db(transaction=True)
def test_datasets_reads_over_http_with_a_token(
    live_server, make_user, make_project, make_pair_tasks, tmp_path, client, monkeypatch
) -> None:
    """Parquet and JSON lines, as a whole."""
    datasets = pytest.importorskip("datasets", reason="needs the training extra")
    pytest.importorskip("aiohttp", reason="fsspec reads HTTP with it")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)  # only the live server is asked
    monkeypatch.setattr(datasets.config, "HF_UPDATE_DOWNLOAD_COUNTS", False)
    owner, other = make_user("ann"), make_user("bob")
    project = make_project(owner=owner, test_percent=50, seed=7)
    for task in make_pair_tasks(project, 12):
        judge(project, task, [owner, other], CASES["pairwise"])
    snapshot = create_snapshot(project=project, actor=owner)
    _, secret = issue_token(user=owner, scopes=["read", "manage"])
    said = {"Authorization": f"Token {secret}"}
    listed = client.get(f"/api/v1/snapshots/{snapshot.pk}/files/", headers=said).json()
    data_files: dict[str, dict[str, list[str]]] = {"parquet": {}, "jsonl": {}}
    for file in listed:
        if file["split"]:
            path = file["url"].split("/api/", 1)[1]
            by_split = data_files[file["name"].rsplit(".", 1)[1]]
            by_split.setdefault(file["split"], []).append(f"{live_server.url}/api/{path}")
    given = {
        "storage_options": {"headers": said, "client_kwargs": {"trust_env": False}},
        "cache_dir": str(tmp_path),
    }
    loaded = datasets.load_dataset("parquet", data_files=data_files["parquet"], **given)
    of_lines = datasets.load_dataset("json", data_files=data_files["jsonl"], **given)
    for split in ("train", "test"):
        expected = lines(snapshot, split)
        assert loaded[split]["id"][:] == [row["id"] for row in expected] != []
        assert list(of_lines[split]) == expected


def test_a_name_that_is_none_is_told_what_there_is(project, client) -> None:
    snapshot = create_snapshot(project=project, actor=None)
    client.force_login(project.created_by)
    answer = client.get(f"/api/v1/snapshots/{snapshot.pk}/files/train-00001-of-00001.parquet")
    assert answer.status_code == 404
    assert "train-00000-of-00001.parquet" in answer.content.decode()
