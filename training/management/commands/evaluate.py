"""Queue the evaluation of a version on a set: `manage.py evaluate 3 12`; a worker does it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotate.inputs import InvalidValue
from training.models import EvaluationSet, ModelVersion
from training.services.evaluations import queue_evaluation


class Command(BaseCommand):
    help = "Evaluate a model version on an evaluation set, by a worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("evaluation_set", type=int, help="its id")
        parser.add_argument("version", type=int, help="the id of the model version")
        parser.add_argument(
            "--config",
            type=json.loads,
            default={},
            metavar="JSON",
            help='of best-of-n, such as {"proxy": 7, "gold": "hidden", "samples": 32}',
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = EvaluationSet.objects.filter(pk=options["evaluation_set"]).first()
        version = ModelVersion.objects.filter(pk=options["version"]).first()
        if found is None or version is None:
            missing = "evaluation_set" if found is None else "version"
            raise CommandError(f"there is no {missing} {options[missing]}")
        if not isinstance(options["config"], dict):
            raise CommandError("config must be a JSON object")
        try:
            run = queue_evaluation(
                evaluation_set=found, version=version, actor=None, config=options["config"]
            )
        except InvalidValue as error:
            raise CommandError(f"{error.field} {error.message}") from error
        self.stdout.write(f"{run.pk}: {version} on {found} waits for a {run.queue} worker")
