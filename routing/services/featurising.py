"""Computing features of tasks, once under each specification. For workers: needs numpy."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotate.media.as_text import as_text, text_turns
from annotate.models import JobState, Project, Prompt, Task
from annotate.services import jobs
from routing.features.likeness import SCORES, likeness
from routing.features.spec import FeatureSpec
from routing.features.tagger import PromptTags, RuleTagger
from routing.models import (
    PERSON,
    FeatureRun,
    FeatureSpecification,
    InstanceFeatures,
    PromptTagging,
)

POOL = 2000  # tasks that edges are frozen from, drawn by chance
BATCH = 500
Floats = NDArray[np.float64]


def spec_of(row: FeatureSpecification) -> FeatureSpec:
    return FeatureSpec.from_json(json.dumps(row.body))


def freeze_specification(*, project: Project) -> FeatureSpecification:
    """The next specification of a project, its edges from up to POOL of its pairs.

    Raises ValueError when the project has no task with two responses.
    """
    tagger = RuleTagger()
    pool = list(_pairs(project).order_by("?").values_list("pk", flat=True)[:POOL])
    scores = _scores(pool)
    version = project.feature_specs.count() + 1
    spec = FeatureSpec.freeze(
        np.array(list(scores.values()), dtype=float).reshape(len(scores), len(SCORES)),
        version=version,
        tagger=tagger.name,
    )
    with transaction.atomic():
        row = FeatureSpecification.objects.create(
            project=project, version=version, body=json.loads(spec.to_json()), pool=len(scores)
        )
        _keep_scores(row, scores)
    return row


def run_features(*, run: FeatureRun) -> None:
    """Work through the tasks without features; `run` must be claimed. Ends it as done or
    cancelled. Killed, it goes on where it was: what is computed is kept batch by batch.
    """
    todo = list(_missing(run.spec).values_list("pk", flat=True))
    began = time.monotonic()
    if jobs.heartbeat(run, progress=0, total=len(todo), message="Reads texts."):
        return jobs.finish(run, JobState.CANCELLED)
    for start in range(0, len(todo), BATCH):
        featurise(run.spec, todo[start : start + BATCH])
        done = min(start + BATCH, len(todo))
        rate = done / max(time.monotonic() - began, 1e-9)
        if jobs.heartbeat(run, progress=done, rows_per_second=rate):
            return jobs.finish(run, JobState.CANCELLED, progress=done)
    return jobs.finish(run, JobState.DONE, message=f"{len(todo)} tasks.")


def featurise(spec: FeatureSpecification, task_ids: Sequence[int]) -> None:
    """Compute and keep the features that these tasks lack. Tasks without two responses get none."""
    known = InstanceFeatures.objects.filter(spec=spec, task__in=task_ids)
    there = set(known.values_list("task_id", flat=True))
    lacking = [pk for pk in task_ids if pk not in there]
    if lacking:
        _keep_scores(spec, _scores(lacking))
    _tag_prompts(spec_of(spec).tagger, task_ids)


def tags_and_scores(
    spec: FeatureSpecification, task_ids: Sequence[int]
) -> tuple[NDArray[np.bool_], Floats]:
    """([N, T] flags, [N, 9] scores) of the tasks in their order, computed first where they lack.

    People's corrections of a prompt's tags stand above the tagger's.
    """
    featurise(spec, task_ids)
    pure = spec_of(spec)
    scores = dict(
        InstanceFeatures.objects.filter(spec=spec, task__in=task_ids).values_list(
            "task_id", "scores"
        )
    )
    prompts = dict(Task.objects.filter(pk__in=task_ids).values_list("pk", "prompt_id"))
    tags = effective_tags(set(prompts.values()), tagger=pure.tagger)
    scores_N9 = np.array([scores[pk] for pk in task_ids], dtype=float).reshape(len(task_ids), -1)
    return pure.tags(scores_N9, [tags[prompts[pk]] for pk in task_ids]), scores_N9


def effective_tags(prompt_ids: Iterable[int], *, tagger: str) -> dict[int, PromptTags]:
    """By prompt: a person's correction, else the tagger's answer. One query."""
    rows = PromptTagging.objects.filter(prompt__in=list(prompt_ids), tagger__in=[tagger, PERSON])
    found: dict[int, PromptTags] = {}
    for prompt_id, by, answer in rows.values_list("prompt_id", "tagger", "answer"):
        if by == PERSON or prompt_id not in found:
            found[prompt_id] = tags_of(answer)
    return found


def tags_of(answer: dict[str, Any]) -> PromptTags:
    """Raises ValueError for an answer that is none, TypeError for other questions."""
    return PromptTags(**{**answer, "subjects": tuple(answer["subjects"])})


def prompt_text(prompt: Prompt) -> str:
    """What the person asked: all turns of theirs, the system's words first."""
    turns = [turn["content"] for turn in text_turns(prompt.conversation) if turn["role"] == "user"]
    return "\n\n".join([*([prompt.system] if prompt.system else []), *turns])


def _pairs(project: Project) -> Any:
    return Task.objects.filter(project=project, places__position=1).exclude(places__position=2)


def _missing(spec: FeatureSpecification) -> Any:
    mine = InstanceFeatures.objects.filter(spec=spec)
    return _pairs(spec.project).exclude(pk__in=mine.values("task")).order_by("pk")


def _scores(task_ids: Sequence[int]) -> dict[int, Floats]:
    found = {}
    tasks = Task.objects.filter(pk__in=task_ids).select_related("prompt")
    for task in tasks.prefetch_related("places__response").order_by("pk"):
        places = sorted(task.places.all(), key=lambda place: place.position)
        if len(places) == 2:
            first, second = (as_text(place.response.content) for place in places)
            found[task.pk] = likeness(prompt_text(task.prompt), (first, second))
    return found


def _keep_scores(spec: FeatureSpecification, scores: dict[int, Floats]) -> None:
    rows = [
        InstanceFeatures(
            spec=spec,
            task_id=task_id,
            scores=[float(value) if np.isfinite(value) else None for value in values],
        )
        for task_id, values in scores.items()
    ]
    InstanceFeatures.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)


def _tag_prompts(tagger_name: str, task_ids: Sequence[int]) -> None:
    """With the rules, whose tags cost nothing; other taggers leave rows of their own."""
    prompts = Prompt.objects.filter(tasks__in=task_ids).distinct()
    tagged = PromptTagging.objects.filter(prompt__in=prompts, tagger=tagger_name)
    lacking = list(prompts.exclude(pk__in=tagged.values("prompt")))
    tags = RuleTagger().tag([prompt_text(prompt) for prompt in lacking])
    rows = [
        PromptTagging(prompt=prompt, tagger=tagger_name, answer=asdict(one))
        for prompt, one in zip(lacking, tags, strict=True)
    ]
    PromptTagging.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
