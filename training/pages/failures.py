"""Why a run failed and what is noted of it, in the reader's words where there are such."""

from collections.abc import Mapping
from typing import Any

from annotate.pages.reasons import in_words, told_in_words
from annotate.wording import Told
from training.models import EvaluationRun, TrainingRun

KEPT_AS = "refused"
NOTES_KEPT_AS = "told"  # notes of `environment` by name, for other languages


def failure_words(run: TrainingRun | EvaluationRun) -> str:
    """Its message, in English as jobs keep it, or the refusal that ended it."""
    refused = run.environment.get(KEPT_AS)
    return refusal_words(refused) if refused else told_in_words(run)


def environment_words(run: TrainingRun) -> dict[str, Any]:
    """Where and how it works, without what other parts of the page tell."""
    notes = run.environment.get(NOTES_KEPT_AS, {})
    return {
        name: in_words(Told.from_dict(notes[name])) if name in notes else value
        for name, value in run.environment.items()
        if name not in (KEPT_AS, NOTES_KEPT_AS)
    }


def refusal_words(refused: Mapping[str, Any]) -> str:
    """The field and the reason, as forms have it."""
    return f"{refused['field'].removeprefix('config.')} {in_words(Told.from_dict(refused))}"
