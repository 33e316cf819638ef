"""Answers to the questions of the taxonomy, as they are kept and as they come from outside."""

from collections.abc import Mapping
from typing import Any

from annotate.inputs import InvalidValue, clean_boolean, clean_choice
from annotate.kinds.answers import clean_list, clean_object
from routing.features.subjects import SUBJECTS
from routing.features.tagger import COMPLEXITY, EXPERTISE, OPEN_ENDEDNESS, SAFETY, PromptTags

MOST_SUBJECTS = 3
CHOICES = {
    "expertise": EXPERTISE,
    "open_endedness": OPEN_ENDEDNESS,
    "safety": SAFETY,
    "complexity": COMPLEXITY,
}
FLAGS = ("english", "material", "format")
QUESTIONS = ("subjects", *CHOICES, *FLAGS)


def clean_answer(answer: object) -> dict[str, Any]:
    """Raises InvalidValue for a question that is missing, unknown or answered otherwise."""
    given = clean_object("tags", answer, QUESTIONS)
    for name in QUESTIONS:
        if name not in given:
            raise InvalidValue(f"tags.{name}", "is missing")
    subjects = clean_list("tags.subjects", given["subjects"], low=0, high=MOST_SUBJECTS)
    return {
        "subjects": sorted(
            {clean_choice(f"tags.subjects[{n}]", one, SUBJECTS) for n, one in enumerate(subjects)}
        ),
        **{name: clean_choice(f"tags.{name}", given[name], CHOICES[name]) for name in CHOICES},
        **{name: clean_boolean(f"tags.{name}", given[name]) for name in FLAGS},
    }


def tags_of(answer: Mapping[str, Any]) -> PromptTags:
    """Raises ValueError for an answer that is none, TypeError for other questions."""
    return PromptTags(**{**answer, "subjects": tuple(answer["subjects"])})
