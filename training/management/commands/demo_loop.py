"""The whole loop without a hand, on the demo project or on any project of pairs."""

import json
import time
from argparse import ArgumentTypeError
from datetime import datetime

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from annotate.demo.project import make_demo_project
from annotate.kinds import InvalidValue
from annotate.models import Project, User
from training.loop import figures
from training.loop.measure import MeasureFailed
from training.loop.plan import QUICK_DPO, QUICK_REWARD, LoopPlan
from training.loop.rounds import Loop, LoopFailed
from training.loop.stack import NoStack, running_stack


class Command(BaseCommand):
    help = (
        "Simulated people label, a judge labels what it is sure of, a reward model and a DPO "
        "policy are trained, the policy answers, its answers are labelled: round after round. "
        "Prints one line a round. Uses the Tandem that runs at --url, or starts one."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--project", type=int, help="a project's id; without it a new demo")
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument("--people", type=int, default=6)
        parser.add_argument("--threshold", type=float, default=0.8)
        parser.add_argument("--audit-share", type=float, default=0.2)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--prompts", type=int, help="how many get new responses each round; all if left out"
        )
        parser.add_argument(
            "--reward", type=_fields, default={}, help="JSON: fields of the reward model's config"
        )
        parser.add_argument("--dpo", type=_fields, default={}, help="JSON: fields of DPO's config")
        parser.add_argument("--url", default="http://127.0.0.1:8000")

    def handle(self, *args, **options) -> None:
        self._began = time.monotonic()
        plan = LoopPlan(
            rounds=options["rounds"],
            people=options["people"],
            threshold=options["threshold"],
            audit_share=options["audit_share"],
            seed=options["seed"],
            sample_prompts=options["prompts"],
            reward={**QUICK_REWARD, **options["reward"]},
            dpo={**QUICK_DPO, **options["dpo"]},
        )
        try:
            with running_stack(options["url"]) as url:
                self._run(plan, url, _project(options["project"]))
        except InvalidValue as error:
            raise CommandError(f"{error.field}: {error.message}") from error
        except (LoopFailed, MeasureFailed, NoStack) as error:
            raise CommandError(str(error)) from error

    def _run(self, plan: LoopPlan, url: str, project: Project) -> None:
        def simulate(project: Project) -> None:
            call_command(
                "simulate_annotators",
                str(project.pk),
                people=plan.people,
                seed=plan.seed,
                url=url,
                speed=0,
                stdout=self.stderr,
            )

        self.stdout.write(f"Project {project.pk}: {project.name}, {url}/projects/{project.pk}/")
        loop = Loop(project, plan, simulate, self._say)
        rows = []
        for row in loop.run():
            rows.append(row)
            self.stderr.write(f"{figures.header()}\n{figures.line(row)}")
        self._say(f"{plan.rounds} rounds are done")
        self.stdout.write(figures.header())
        for row in rows:
            self.stdout.write(figures.line(row))

    def _say(self, text: str) -> None:
        """News for whoever waits, after the seconds since the command began."""
        self.stderr.write(f"{time.monotonic() - self._began:5.0f} s  {text}")


def _fields(text: str) -> dict:
    """A JSON object. Raises argparse's error with the reason."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArgumentTypeError('must be a JSON object, such as {"max_steps": 100}')
    return value


def _project(project_id: int | None) -> Project:
    if project_id is not None:
        project = Project.objects.live().filter(pk=project_id).first()
        if project is None:
            raise CommandError(f"there is no project {project_id}")
        return project
    owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if owner is None:
        raise CommandError("there is no administrator yet; run bin/serve once, or createsuperuser")
    name = f"Demo loop {datetime.now():%Y-%m-%d %H:%M}"
    return make_demo_project(owner=owner, name=name)
