"""Why a run failed, in the reader's words where its refusal is of the catalogues."""

from collections.abc import Mapping
from typing import Any

from annotate.pages.reasons import in_words
from annotate.wording import Refusal
from training.models import EvaluationRun, TrainingRun

KEPT_AS = "refused"


def failure_words(run: TrainingRun | EvaluationRun) -> str:
    """Its message, in English as jobs keep it, or the refusal that ended it."""
    refused = run.environment.get(KEPT_AS)
    return refusal_words(refused) if refused else run.message


def refusal_words(refused: Mapping[str, Any]) -> str:
    """The field and the reason, as forms have it."""
    return f"{refused['field'].removeprefix('config.')} {in_words(Refusal.from_dict(refused))}"
