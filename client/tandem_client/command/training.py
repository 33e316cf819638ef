"""tandem runs, models, score, sample, judges."""

from argparse import Namespace
from typing import Any

from tandem_client.command.told import read_object, read_rows, tell, tell_rows, watching
from tandem_client.shapes import TrainingRun
from tandem_client.sync import Client


def add_commands(commands: Any) -> None:
    runs = commands.add_parser("runs", help="start, watch and cancel training")
    deeds = runs.add_subparsers(required=True, metavar="DEED")
    listed = deeds.add_parser("list")
    listed.add_argument("project", type=int)
    listed.add_argument("--trigger", help="only what this asked for, such as judgements")
    listed.set_defaults(do=list_runs)
    start = deeds.add_parser("start")
    start.add_argument("project", type=int)
    start.add_argument("recipe", help="such as reward_model or dpo")
    start.add_argument("--config", metavar="JSON")
    start.add_argument("--wait", action="store_true")
    start.set_defaults(do=start_run, run_timeout=None)
    wait = deeds.add_parser("wait", help="wait until a run is over")
    wait.add_argument("run", type=int)
    wait.add_argument("--for", dest="run_timeout", type=float, metavar="SECONDS")
    wait.set_defaults(do=wait_for_run)
    cancel = deeds.add_parser("cancel")
    cancel.add_argument("run", type=int)
    cancel.set_defaults(do=cancel_run)

    models = commands.add_parser("models", help="a project's model versions")
    models.add_argument("project", type=int)
    models.set_defaults(do=list_models)
    for name, do, words in (
        ("score", score, "scores for JSON lines of {prompt, responses}"),
        ("sample", sample, "samples for JSON lines of {prompt}"),
    ):
        one = commands.add_parser(name, help=words)
        one.add_argument("project", type=int)
        one.add_argument("file", help="- reads standard input")
        one.add_argument("--model", type=int, help="a version's id; the one in service without")
        if name == "sample":
            one.add_argument("--config", metavar="JSON", help="n, max_new_tokens, temperature, …")
        one.set_defaults(do=do)

    judges = commands.add_parser("judges", help="a project's AI judges")
    judges.add_argument("project", type=int)
    judges.set_defaults(do=list_judges)


def list_runs(client: Client, options: Namespace) -> None:
    rows = client.runs.list(options.project, trigger=options.trigger)
    tell_rows(
        options, rows, "id", "recipe", "trigger", "state", "percent", "model_version", "message"
    )


def start_run(client: Client, options: Namespace) -> None:
    config = read_object(options.config, "--config")
    run = client.runs.start(options.project, options.recipe, config)
    if options.wait:
        options.run = run["id"]
        wait_for_run(client, options)
        return
    _told(options, run)


def wait_for_run(client: Client, options: Namespace) -> None:
    with watching(options, f"run {options.run}") as watch:
        run = client.runs.wait(options.run, timeout=options.run_timeout, watch=watch)
    _told(options, run)


def cancel_run(client: Client, options: Namespace) -> None:
    _told(options, client.runs.cancel(options.run))


def _told(options: Namespace, run: TrainingRun) -> None:
    model = f", model version {run['model_version']}" if run["model_version"] else ""
    why = run["waits_because"] or run["message"]
    tell(options, run, f"Run {run['id']} ({run['recipe']}): {run['state']}{model}. {why}".strip())


def list_models(client: Client, options: Namespace) -> None:
    rows = client.models.list(options.project)
    tell_rows(options, rows, "id", "kind", "number", "state", "created_at")


def score(client: Client, options: Namespace) -> None:
    rows = client.models.score(
        options.project, list(read_rows(options.file)), version=options.model
    )
    tell_rows(Namespace(json=True), rows)


def sample(client: Client, options: Namespace) -> None:
    config = read_object(options.config, "--config") or {}
    rows = client.models.sample(
        options.project, list(read_rows(options.file)), version=options.model, **config
    )
    tell_rows(Namespace(json=True), rows)


def list_judges(client: Client, options: Namespace) -> None:
    rows = client.judges.list(options.project)
    tell_rows(options, rows, "id", "name", "version", "kind", "cost")
