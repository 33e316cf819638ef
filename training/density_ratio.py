"""The judge kind `density_ratio`: how much likelier a strong policy finds a response than a weak.

    {"strong": 12, "weak": 7, "criteria": "Prefer …", "scale": 1, "max_length": 1024}

`strong` and `weak` are ids of policy versions of the project; without `weak` it is what the strong
one's line began with. P(first better) = sigmoid(difference of the log ratios times `scale`): no
calibrated probability, so choose `scale` by a dry run. A child process does the work, so that no
worker imports torch. Each response is read by itself, so the order cannot matter.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from annotate.inputs import BIGINT_MAX, clean_integer, clean_number, clean_text
from annotate.kinds import answers
from annotate.kinds.errors import InvalidValue
from routing.judges import JudgeError, JudgeKind, Question, Verdict
from training import folders
from training.judge import child_verdicts
from training.models import ModelVersion
from training.services.preparation import root_model

NAME = "density_ratio"
FIELDS = ("strong", "weak", "criteria", "scale", "max_length", "batch_size")


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidValue."""
    given = answers.clean_object("config", raw, FIELDS)
    weak = given.get("weak")
    return {
        "strong": clean_integer("config.strong", given.get("strong"), low=1, high=BIGINT_MAX),
        "weak": None
        if weak is None
        else clean_integer("config.weak", weak, low=1, high=BIGINT_MAX),
        "criteria": clean_text("config.criteria", given.get("criteria", ""), max_chars=20_000),
        "scale": clean_number("config.scale", given.get("scale", 1), low=0.0001, high=1000),
        "max_length": clean_integer(
            "config.max_length", given.get("max_length", 1024), low=16, high=131_072
        ),
        "batch_size": clean_integer(
            "config.batch_size", given.get("batch_size", 8), low=1, high=256
        ),
    }


def check(project_id: int, config: Mapping[str, Any]) -> None:
    """Raises InvalidValue unless both are policies of the project."""
    mine = ModelVersion.objects.filter(project=project_id, kind=ModelVersion.Kind.POLICY)
    for name in ("strong", "weak"):
        if config[name] is not None and not mine.filter(pk=config[name]).exists():
            raise InvalidValue(
                f"config.{name}", "must be the id of a policy version of this project"
            )
    if config["strong"] == config["weak"]:
        raise InvalidValue("config.weak", "is the strong one too; choose another")


class DensityRatioJudge:
    """Raises JudgeError where a version, or its files, are gone."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        strong = _policy(config["strong"])
        if config["weak"] is None:
            weak = root_model(strong)
            if weak is None:
                raise JudgeError(
                    "The model with which the line of {version} began is gone.",
                    version=str(strong),
                )
        else:
            weak = _files(_policy(config["weak"]))
        self.job = {
            "duty": NAME,
            "strong_model": _files(strong),
            "weak_model": weak,
            **{name: config[name] for name in ("criteria", "scale", "max_length", "batch_size")},
        }

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        if not items:
            return
        with tempfile.TemporaryDirectory(dir=folders.scratch_folder()) as name:
            yield from child_verdicts(Path(name), self.job, items, should_stop)


def _policy(pk: int) -> ModelVersion:
    found = ModelVersion.objects.filter(pk=pk, kind=ModelVersion.Kind.POLICY).first()
    if found is None:
        raise JudgeError("There is no policy version {version}.", version=pk)
    return found


def _files(version: ModelVersion) -> str:
    folder = folders.model_folder(version.path)
    if not folder.is_dir():
        raise JudgeError(
            "The files of {version} are missing from {folder}.",
            version=str(version),
            folder=str(folder),
        )
    return str(folder)


KIND = JudgeKind(name=NAME, make=DensityRatioJudge, clean=clean, check=check)
