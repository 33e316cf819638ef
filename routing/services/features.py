"""Features at the managers' wish: computing them, and correcting the tags of a prompt."""

from typing import Any

from django.db import transaction

from annotate.inputs import InvalidValue, clean_boolean, clean_choice
from annotate.kinds.answers import clean_list, clean_object
from annotate.models import JobState, Project, Prompt, User
from annotate.services import audit, jobs
from routing.features.subjects import SUBJECTS
from routing.features.tagger import COMPLEXITY, EXPERTISE, OPEN_ENDEDNESS, SAFETY
from routing.models import PERSON, FeatureRun, PromptTagging

MOST_SUBJECTS = 3
CHOICES = {
    "expertise": EXPERTISE,
    "open_endedness": OPEN_ENDEDNESS,
    "safety": SAFETY,
    "complexity": COMPLEXITY,
}
FLAGS = ("english", "material", "format")


@transaction.atomic
def start_features(*, project: Project, actor: User | None) -> FeatureRun | None:
    """Queue the computing of all features that are not there yet; the run that is under way if
    there is one. None while the project has no specification: the first fit freezes one.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    spec = project.feature_specs.order_by("-version").first()
    if spec is None:
        return None
    going = FeatureRun.objects.filter(
        project=project, state__in=[JobState.QUEUED, JobState.RUNNING]
    ).first()
    if going is not None:
        return going
    run = FeatureRun.objects.create(project=project, spec=spec, created_by=actor)
    audit.record(action="routing.features_queued", target=run, actor=actor, project=project)
    jobs.enqueue(run)
    return run


@transaction.atomic
def correct_tags(*, prompt: Prompt, actor: User, answer: object) -> PromptTagging:
    """A person's answer to every question of the taxonomy; it stands above the tagger's.

    Raises InvalidValue with the question's name.
    """
    cleaned = clean_answer(answer)
    tagging, _ = PromptTagging.objects.update_or_create(
        prompt=prompt, tagger=PERSON, defaults={"answer": cleaned, "corrected_by": actor}
    )
    audit.record(
        action="routing.tags_corrected", target=prompt, actor=actor, project=prompt.project
    )
    return tagging


def withdraw_correction(*, prompt: Prompt, actor: User) -> bool:
    """Let the tagger's answer stand again. False if nothing was corrected."""
    found, _ = PromptTagging.objects.filter(prompt=prompt, tagger=PERSON).delete()
    if found:
        audit.record(
            action="routing.tags_correction_withdrawn",
            target=prompt,
            actor=actor,
            project=prompt.project,
        )
    return bool(found)


def clean_answer(answer: object) -> dict[str, Any]:
    """Raises InvalidValue for a question that is missing, unknown or answered otherwise."""
    questions = ("subjects", *CHOICES, *FLAGS)
    given = clean_object("tags", answer, questions)
    for name in questions:
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
