"""tandem projects, import, export, agreement, consensus, boards."""

import sys
from argparse import Namespace
from typing import Any

from tandem_client.command.told import (
    Wrong,
    read_object,
    read_pairs,
    sending,
    tell,
    tell_rows,
    watching,
)
from tandem_client.shapes import ImportReport, ImportRun
from tandem_client.sync import Client

SOME_BAD = 3
MOST_SHOWN = 20

# What an answer of consensus says, by its kind; see docs/agreement.md.
ANSWERS = ("preferred", "label", "order", "spans")


def add_commands(commands: Any) -> None:
    projects = commands.add_parser("projects", help="list, show and create projects")
    deeds = projects.add_subparsers(required=True, metavar="DEED")
    deeds.add_parser("list").set_defaults(do=list_projects)
    show = deeds.add_parser("show", help="a project and how far it is")
    show.add_argument("project", type=int)
    show.set_defaults(do=show_project)
    create = deeds.add_parser("create")
    create.add_argument("name")
    create.add_argument("--kind", default="pairwise")
    create.add_argument("--settings", metavar="JSON", help="the kind's settings")
    create.add_argument("--overlap", type=int, default=1, help="people per task")
    create.set_defaults(do=create_project)

    bring = commands.add_parser("import", help="bring files in; - reads standard input")
    bring.add_argument("project", type=int)
    bring.add_argument("files", nargs="+", metavar="FILE")
    bring.add_argument("--format")
    bring.add_argument(
        "--labels",
        choices=["judgements", "tasks"],
        help="judgements (default): labels are imported and nobody is asked about labelled rows; "
        "tasks: labels are left out and people are asked about every row",
    )
    bring.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    bring.add_argument("--background", action="store_true", help="let a worker do it, and wait")
    bring.add_argument("--overlap", type=int)
    bring.add_argument("--priority", type=int)
    bring.add_argument("--group", choices=["auto", "one", "pairs", "all", "none"])
    bring.add_argument("--mapping", action="append", metavar="NAME:COLUMN")
    bring.add_argument("--label-value", action="append", metavar="VALUE:MEANING")
    bring.add_argument(
        "--remembered", action="store_true", help="map a table as the last import of its columns"
    )
    bring.set_defaults(do=import_files)

    take = commands.add_parser("export", help="take rows out, to a file or standard output")
    take.add_argument("project", type=int)
    take.add_argument("-o", "--output", metavar="FILE")
    take.add_argument("--format", default="trl")
    take.add_argument(
        "--option", action="append", metavar="NAME=VALUE", help="as docs/formats.md lists them"
    )
    take.set_defaults(do=export_rows)

    for name, do in (("agreement", show_agreement), ("board", show_board)):
        one = commands.add_parser(name)
        one.add_argument("project", type=int)
        one.set_defaults(do=do)

    came_to = commands.add_parser("consensus", help="what tasks came to, the most divided first")
    came_to.add_argument("project", type=int)
    came_to.add_argument("--method", help="such as majority; otherwise the best there is")
    came_to.add_argument("--voices", help="human (otherwise), judges, simulated")
    came_to.add_argument("--divided", action="store_true", help="only where people are divided")
    came_to.set_defaults(do=list_consensus)


def list_projects(client: Client, options: Namespace) -> None:
    tell_rows(options, client.projects.list(), "id", "kind", "state", "role", "name")


def show_project(client: Client, options: Namespace) -> None:
    project = client.projects.get(options.project)
    progress = client.projects.progress(options.project)
    words = (
        f"{project['name']} ({project['kind']}, {project['state']}): {progress['tasks_complete']} "
        f"of {progress['tasks']} tasks complete, judgements: "
        + ", ".join(f"{count} {name}" for name, count in progress["judgements"].items())
    )
    tell(options, {**project, "progress": progress}, words)


def create_project(client: Client, options: Namespace) -> None:
    settings = read_object(options.settings, "--settings")
    fields = {} if settings is None else {"kind_settings": settings}
    project = client.projects.create(
        options.name, kind=options.kind, overlap=options.overlap, **fields
    )
    tell(options, project, f"Project {project['id']}: {project['name']}")


def import_files(client: Client, options: Namespace) -> int:
    if options.background and options.dry_run:
        raise Wrong("--dry-run answers at once; leave --background out")
    bad = 0
    for path in options.files:
        source: Any = sys.stdin.buffer if path == "-" else path
        wishes: Any = {
            "format": options.format,
            "labels": options.labels,
            "overlap": options.overlap,
            "priority": options.priority,
            "group": options.group,
            "mapping": read_pairs(options.mapping, ":", "--mapping"),
            "label_value": read_pairs(options.label_value, ":", "--label-value"),
            "remembered": options.remembered,
        }
        with sending(options, path) as progress:
            if options.background:
                run = client.imports.start(options.project, source, progress=progress, **wishes)
            else:
                report = client.imports.upload(
                    options.project, source, dry_run=options.dry_run, progress=progress, **wishes
                )
                bad += _told_report(options, path, report, report["errors"])
                continue
        with watching(options, path) as watch:
            run = client.imports.wait(run["id"], watch=watch)
        bad += _told_run(client, options, path, run)
    return SOME_BAD if bad else 0


def _told_run(client: Client, options: Namespace, path: str, run: ImportRun) -> int:
    rows = client.imports.bad_rows(run["id"]) if run["error_count"] else iter(())
    errors = [row["_error"] for _, row in zip(range(MOST_SHOWN), rows, strict=False)]
    return _told_report(options, path, run, errors)


def _told_report(
    options: Namespace, path: str, report: ImportReport | ImportRun, errors: list[Any]
) -> int:
    counted = f"{report['created']} created, {report['updated']} updated"
    words = f"{path}: {counted}, {report['skipped']} there already, {report['error_count']} bad"
    tell(options, report, f"{words}{_became(report)}")
    for error in errors[:MOST_SHOWN]:
        told = error
        if isinstance(error, dict):
            where = [f"line {error.get('line')}", *filter(None, [error.get("field")])]
            told = f"{', '.join(where)}: {error.get('message')}"
        print(f"{path}: {told}", file=sys.stderr)
    if report["error_count"] > MOST_SHOWN:
        print(f"{path}: … and {report['error_count'] - MOST_SHOWN} more", file=sys.stderr)
    return report["error_count"]


def _became(report: Any) -> str:
    """What people are asked now; of a run its own words."""
    if "counts" not in report:
        return f"; {report['message']}" if report["message"] else ""
    tasks, labels = (report["counts"].get(name, 0) for name in ("tasks_for_people", "judgements"))
    words = f"; {tasks} tasks for people, {labels} labels kept"
    if labels and not tasks:
        words += " (nobody is asked about them: --labels tasks asks people)"
    return words


def export_rows(client: Client, options: Namespace) -> None:
    wishes = read_pairs(options.option, "=", "--option") or {}
    wishes["format"] = options.format
    if options.output is None:
        if wishes.get("file_type") == "parquet":
            raise Wrong("Parquet goes to a file: add --output FILE")
        tell_rows(Namespace(json=True), client.exports.rows(options.project, **wishes))
        return
    size = client.exports.save(options.project, options.output, **wishes)
    tell(options, {"file": options.output, "bytes": size}, f"{options.output}: {size} bytes")


def show_agreement(client: Client, options: Namespace) -> None:
    found = client.quality.agreement(options.project)
    alpha = found["krippendorff_alpha"]
    shown = "not defined" if alpha is None else f"{alpha:.3f}"
    words = f"{found['judgements']} judgements of {found['tasks']} tasks, alpha {shown}"
    tell(options, found, words)


def list_consensus(client: Client, options: Namespace) -> None:
    wishes = {"method": options.method, "voices": options.voices}
    if options.divided:
        wishes["divided"] = "true"
    rows = client.quality.consensus(options.project, **wishes)
    if options.json:
        tell_rows(options, rows)
        return
    lines = (
        {
            "task": row["task"],
            "about": one["about"] or one["question"] or row["method"],
            "answer": next((one[name] for name in ANSWERS if one.get(name) is not None), None),
            "votes": f"{one['votes']} votes",
            "entropy": f"{one['entropy']:.2f} bits",
        }
        for row in rows
        for one in row["answers"]
    )
    tell_rows(options, lines, "task", "about", "answer", "votes", "entropy")


def show_board(client: Client, options: Namespace) -> None:
    board = client.boards.latest(options.project)
    if options.json:
        tell(options, board, "")
        return
    result = board["result"]
    for row in result["boards"][""]["plain"]["rows"]:
        name = result["models"][row["model"]]
        print(f"{row['rank']}\t{name}\t{row['strength']:+.3f}\t{row['votes']} votes")
