"""No export of any kind tells a user's name or address."""

import pytest

from annotate.models import Judgement, User
from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import formats_of, stream_export
from annotate.services.outgoing.snapshot_files import write_folder
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    write_origins,
    write_training_files,
)
from annotate.services.signals.intake import take_signals
from tests.annotate.kinds_at_work import CASES, judge

pytestmark = pytest.mark.django_db
NAMED = "mia@product.example"


@pytest.mark.parametrize("kind", list(CASES))
def test_no_export_names_anybody(make_project, make_pair_tasks, make_user, kind, tmp_path) -> None:
    case = CASES[kind]
    owner = make_user("hilde-owner", email="hilde@firma.example", first_name="Hildegard")
    project = make_project(owner=owner, kind=kind, kind_settings=case.settings, test_percent=50)
    both = [
        make_user(name, email=f"{name}@people.example", first_name=f"{name}-first")
        for name in ("quentin-x", "zora-y")
    ]
    for task in make_pair_tasks(project, 3):
        judge(project, task, both, case)
    given = project.judgements.order_by("pk").first()
    Judgement.objects.create(
        project=project, task=given.task, kind=given.kind, value=given.value, source="imported",
        imported_author="eva@import.example",
    )  # fmt: skip
    shown = {"prompt": "Why?", "completion": "Because.", "generator": "bot", "end_user": NAMED}
    taken = take_signals(project=project, rows=[{"key": "1", "type": "thumbs_up", **shown}])
    assert taken.created == 1
    files = {}
    offered = formats_of(project)
    assert {"raw", "signals"} <= set(offered)
    for name in offered:
        for file_type in ("jsonl", "parquet"):
            chunks = stream_export(
                project=project, format=name, options=ExportOptions(file_type=file_type)
            )
            files[f"{name}.{file_type}"] = b"".join(chunks)
    snapshot = create_snapshot(project=project, actor=owner)
    for name in formats_of(project, snapshot):
        frozen = stream_export(snapshot=snapshot, format=name, file_type="parquet")
        files[f"snapshot-{name}.parquet"] = b"".join(frozen)
    files["README.md"] = snapshot.card.encode()
    write_training_files(snapshot, tmp_path)
    write_origins(snapshot, tmp_path / "origins.jsonl")
    write_folder(snapshot, tmp_path)
    for path in sorted(tmp_path.iterdir()):
        files[path.name] = path.read_bytes()
    assert len(files) >= 15
    assert any(both[1].pseudonym.encode() in data for data in files.values())
    assert any(name.endswith("-00001.parquet") for name in files)
    names = ["eva@import.example", NAMED]
    for user in User.objects.all():
        names += [user.username, user.email, user.first_name]
    for file, data in files.items():
        readable = data if file.endswith((".jsonl", ".md")) else _texts(data)
        for name in filter(None, names):
            assert name.encode() not in readable, (file, name)


def _texts(parquet: bytes) -> bytes:
    """What a Parquet file holds, which is compressed."""
    import io

    from pyarrow import parquet as pq

    return repr(pq.read_table(io.BytesIO(parquet)).to_pylist()).encode()
