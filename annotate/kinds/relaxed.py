"""The settings under which an answer that nobody was asked for on the work page is checked."""

from dataclasses import fields, replace
from typing import Any

from annotate.kinds import form
from annotate.kinds.pairwise import PairwiseSettings

# Not asked of such an answer, and what it may say whether or not people are offered it.
RELAXED: dict[str, Any] = {
    "rationale_min_chars": 0,
    "confidence": False,
    "submit_gate": False,
    "allow_tie": True,
    "allow_ties": True,
    "allow_both_good": True,
    "allow_both_bad": True,
    "allow_all_good": True,
    "allow_all_bad": True,
    "modes": ("best_worst", "full", "best"),
}


def relaxed(settings: Any) -> Any:
    """Of imported and known answers: a form's questions may be left out, and no rationale,
    confidence or criteria are asked."""
    if isinstance(settings, form.FormSettings):
        questions = tuple(
            replace(question, required=False, settings=relaxed(question.settings))
            for question in settings.questions
        )
        return replace(settings, questions=questions, rationale_min_chars=0)
    names = {field.name for field in fields(settings)}
    changes = {name: value for name, value in RELAXED.items() if name in names}
    if isinstance(settings, PairwiseSettings):
        changes["criteria"] = ()
    return replace(settings, **changes)
