"""tandem snapshots."""

from argparse import Namespace
from typing import Any

from tandem_client.command.told import read_object, tell, tell_rows
from tandem_client.sync import Client


def add_commands(commands: Any) -> None:
    snapshots = commands.add_parser("snapshots", help="freeze, list, download, compare")
    deeds = snapshots.add_subparsers(required=True, metavar="DEED")
    listed = deeds.add_parser("list")
    listed.add_argument("project", type=int)
    listed.set_defaults(do=list_snapshots)
    create = deeds.add_parser("create")
    create.add_argument("project", type=int)
    create.add_argument("--query", metavar="JSON", help="filters as of the export")
    create.add_argument("--tie-rule")
    create.add_argument("--aggregation")
    create.set_defaults(do=create_snapshot)
    files = deeds.add_parser("files", help="its files and where they are")
    files.add_argument("snapshot", type=int)
    files.set_defaults(do=list_files)
    download = deeds.add_parser("download", help="train.jsonl and test.jsonl")
    download.add_argument("snapshot", type=int)
    download.add_argument("folder")
    download.add_argument(
        "--parquet", action="store_true", help="the folder that datasets.load_dataset reads instead"
    )
    download.set_defaults(do=download_snapshot)
    compare = deeds.add_parser("compare", help="which rows came and which went")
    compare.add_argument("older", type=int)
    compare.add_argument("newer", type=int)
    compare.set_defaults(do=compare_snapshots)
    changes = deeds.add_parser("changes", help="which judgements came, went, changed, and why")
    changes.add_argument("older", type=int)
    changes.add_argument("newer", type=int)
    changes.add_argument("--change", help="only these: came, went or changed")
    changes.add_argument("--count", action="store_true", help="how many, by cause")
    changes.set_defaults(do=list_changes)


def list_snapshots(client: Client, options: Namespace) -> None:
    rows = client.snapshots.list(options.project)
    tell_rows(options, rows, "id", "number", "rows", "created_at", "sha256")


def create_snapshot(client: Client, options: Namespace) -> None:
    snapshot = client.snapshots.create(
        options.project,
        query=read_object(options.query, "--query"),
        tie_rule=options.tie_rule,
        aggregation=options.aggregation,
    )
    words = f"Snapshot {snapshot['id']}: number {snapshot['number']}, {snapshot['rows']} rows"
    tell(options, snapshot, words)


def list_files(client: Client, options: Namespace) -> None:
    rows = client.snapshots.files(options.snapshot)
    tell_rows(options, rows, "name", "split", "media_type", "url")


def download_snapshot(client: Client, options: Namespace) -> None:
    file_type = "parquet" if options.parquet else "jsonl"
    found = client.snapshots.download(options.snapshot, options.folder, file_type=file_type)
    paths = [str(path) for path in found]
    tell(options, {"files": paths}, "\n".join(paths))


def compare_snapshots(client: Client, options: Namespace) -> None:
    found = client.snapshots.compare(options.older, options.newer)
    told = {
        "same": found.same,
        "came": found.came,
        "went": found.went,
        "came_rows": found.came_rows,
        "went_rows": found.went_rows,
    }
    tell(options, told, f"{found.same} the same, {found.came} came, {found.went} went")


def list_changes(client: Client, options: Namespace) -> None:
    if options.count:
        found = client.snapshots.count_changes(options.older, options.newer)
        if options.json:
            tell(options, found, "")
        else:
            print(f"same\t-\t{found['same']}")
            tell_rows(options, found["counts"], "change", "cause", "count")
        return
    rows = client.snapshots.changes(options.older, options.newer, change=options.change)
    tell_rows(options, rows, "id", "task", "change", "cause", "source", "annotator", "judge")
