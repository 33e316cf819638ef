"""Let simulated people work through a project, over HTTP."""

import time

import httpx
from django.core.management.base import BaseCommand, CommandError

from annotate.models import Judgement, Project
from annotate.simulation.answering import Unanswerable
from annotate.simulation.crowd import let_work
from annotate.simulation.session import Refused


class Command(BaseCommand):
    help = (
        "N simulated people with different noise, speed and position bias log in, lease, read and "
        "answer pairs (with criteria), rankings and ratings over HTTP. Their accounts and answers "
        "are marked as simulated for ever. The server must be running (bin/serve)."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("project", type=int, help="the project's id")
        parser.add_argument("--people", type=int, default=8)
        parser.add_argument("--judgements", type=int, help="stop after so many; all if left out")
        parser.add_argument("--seed", type=int, default=0, help="who they are")
        parser.add_argument(
            "--speed", type=float, default=0, help="1 reads like a person, 0 does not wait"
        )
        parser.add_argument("--concurrency", type=int, default=8)
        parser.add_argument("--url", default="http://127.0.0.1:8000")

    def handle(self, *args, **options) -> None:
        project = Project.objects.live().filter(pk=options["project"]).first()
        if project is None:
            there = ", ".join(f"{p.pk} ({p.name})" for p in Project.objects.live()[:10])
            raise CommandError(f"There is no project {options['project']}; there are: {there}.")
        if options["people"] < 1 or options["speed"] < 0 or options["concurrency"] < 1:
            raise CommandError("--people and --concurrency must be 1 or more, --speed 0 or more.")
        url = options["url"].rstrip("/")
        _require_server(url)
        began = time.monotonic()
        try:
            done = let_work(
                project=project,
                people=options["people"],
                seed=options["seed"],
                url=url,
                speed=options["speed"],
                answers=options["judgements"],
                concurrency=options["concurrency"],
                told=lambda name, done: self.stdout.write(f"{name}: {done} answers"),
            )
        except (Refused, Unanswerable) as error:
            raise CommandError(str(error)) from error
        seconds = time.monotonic() - began
        total = Judgement.objects.filter(project=project, simulated=True).count()
        self.stdout.write(
            f"{done} answers in {seconds:.1f} s; {total} simulated judgements in “{project.name}”."
        )


def _require_server(url: str) -> None:
    """Say at once that nobody is there; later, people wait for a server that restarts."""
    try:
        answer = httpx.get(f"{url}/healthz", timeout=5)
    except httpx.TransportError as error:
        raise CommandError(
            f"No Tandem answers at {url} ({error}). Start it with bin/serve, or name its address "
            "with --url."
        ) from error
    if answer.status_code != 200:
        raise CommandError(f"{url}/healthz answers {answer.status_code}; see the server's log.")
