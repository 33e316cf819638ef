"""Computing features of tasks, once under each specification. For workers: needs numpy.

Where a specification has an encoder, that reads the responses (routing/services/reading.py).
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from annotate.models import JobState, Project, Prompt, Task
from annotate.services import jobs
from annotate.wording import Told
from routing import encoders
from routing.encoders import EncoderError, ReadingStopped
from routing.features.likeness import SCORES
from routing.features.spec import FeatureSpec
from routing.features.tagger import RuleTagger
from routing.judges import JudgeInterrupted
from routing.models import (
    FeatureRun,
    FeatureSpecification,
    InstanceFeatures,
    PromptTagging,
    TextEncoder,
)
from routing.services.ids import ids_of
from routing.services.reading import (
    BATCH,
    EncoderChanged,
    ShouldStop,
    never,
    scored_pairs,
)
from routing.services.tagging import effective_tags, prompt_text, tagger_in_use

POOL = 2000  # tasks that edges are frozen from, drawn by chance
Floats = NDArray[np.float64]
COPY_SCORES = """
INSERT INTO routing_instancefeatures (spec_id, task_id, scores, created_at)
SELECT %s, task_id, scores, now() FROM routing_instancefeatures WHERE spec_id = %s
ON CONFLICT DO NOTHING
"""


def spec_of(row: FeatureSpecification) -> FeatureSpec:
    return FeatureSpec.from_json(json.dumps(row.body))


def current_specification(
    *, project: Project, encoder: str | None = None, should_stop: ShouldStop = never
) -> FeatureSpecification:
    """The newest specification with the tagger that was chosen and the encoder that is asked for.

    Frozen anew where there is none or another encoder is asked for; with the same edges where
    another tagger was chosen since. None asks for the encoder that there is; the first
    specification then gets the one that needs no network, if this machine can read with it.
    Raises as `freeze_specification`.
    """
    newest = project.feature_specs.select_related("encoder").order_by("-version").first()
    if newest is None:
        name = encoders.default_here() if encoder is None else encoder
        return freeze_specification(project=project, encoder=name, should_stop=should_stop)
    there = newest.encoder.name if newest.encoder is not None else ""
    if encoder is not None and encoder != there:
        return freeze_specification(project=project, encoder=encoder, should_stop=should_stop)
    tagger = tagger_in_use(project)
    if newest.body["tagger"] == tagger:
        return newest
    version = newest.version + 1
    row, made = FeatureSpecification.objects.get_or_create(
        project=project,
        version=version,
        defaults={
            "body": {**newest.body, "version": version, "tagger": tagger},
            "pool": newest.pool,
            "encoder": newest.encoder,
        },
    )
    if made:  # scores do not depend on who tags
        with connection.cursor() as cursor:
            cursor.execute(COPY_SCORES, [row.pk, newest.pk])
    return row


def freeze_specification(
    *, project: Project, encoder: str = "", should_stop: ShouldStop = never
) -> FeatureSpecification:
    """The next specification of a project, its edges from up to POOL of its pairs.

    Raises ValueError when the project has no task with two responses; EncoderError,
    ReadingStopped, JudgeInterrupted.
    """
    pool = list(_pairs(project).order_by("?").values_list("pk", flat=True)[:POOL])
    scores: dict[int, Floats] = {}
    read_by: TextEncoder | None = None
    for some, by in scored_pairs(pool, encoder, should_stop):
        scores |= some
        read_by = by
    version = project.feature_specs.count() + 1
    spec = FeatureSpec.freeze(
        np.array(list(scores.values()), dtype=float).reshape(len(scores), len(SCORES)),
        version=version,
        tagger=tagger_in_use(project),
    )
    with transaction.atomic():
        row = FeatureSpecification.objects.create(
            project=project,
            version=version,
            body=json.loads(spec.to_json()),
            pool=len(scores),
            encoder=read_by,
        )
        _keep_scores(row, scores)
    return row


def run_features(*, run: FeatureRun) -> None:
    """Work through the tasks without features; `run` must be claimed. Ends it as done, failed or
    cancelled. Killed, it goes on where it was: what is computed is kept batch by batch.
    """
    todo = ids_of(_missing(run.spec))
    began, done = time.monotonic(), 0
    if jobs.heartbeat(run, progress=0, total=len(todo), message=Told("Reads texts.")):
        return jobs.finish(run, JobState.CANCELLED, message="")
    try:
        for start in range(0, len(todo), POOL):
            for count in _featurise(
                run.spec, todo[start : start + POOL].tolist(), lambda: _beat(run)
            ):
                done += count
                rate = done / max(time.monotonic() - began, 1e-9)
                jobs.heartbeat(run, progress=done, rows_per_second=rate)
    except ReadingStopped:
        return jobs.finish(run, JobState.CANCELLED, progress=done)
    except JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except EncoderError as error:
        return jobs.finish(run, JobState.FAILED, progress=done, message=jobs.why(error))
    told = Told("{count} tasks.", count=len(todo))
    return jobs.finish(run, JobState.DONE, progress=done, message=told)


def _beat(run: FeatureRun) -> bool:
    return bool(jobs.heartbeat(run))


def featurise(
    spec: FeatureSpecification, task_ids: Sequence[int], should_stop: ShouldStop = never
) -> None:
    """Compute and keep the features that these tasks lack. Tasks without two responses get none.

    Raises EncoderError (EncoderChanged where the encoder's weights are others than the
    specification's), ReadingStopped, JudgeInterrupted; what was computed until then is kept.
    """
    for _ in _featurise(spec, task_ids, should_stop):
        pass


def _featurise(
    spec: FeatureSpecification, task_ids: Sequence[int], should_stop: ShouldStop
) -> Iterator[int]:
    """The numbers of tasks that were kept, batch by batch."""
    known = InstanceFeatures.objects.filter(spec=spec, task__in=task_ids)
    there = set(known.values_list("task_id", flat=True))
    lacking = [pk for pk in task_ids if pk not in there]
    tag_prompts(task_ids)
    name = spec.encoder.name if spec.encoder is not None else ""
    for scores, encoder in scored_pairs(lacking, name, should_stop):
        if encoder != spec.encoder:
            raise EncoderChanged(
                "The encoder {name} has other weights than those that version {version} of the "
                "features was frozen with; fit a policy anew, which freezes the next version.",
                name=name,
                version=spec.version,
            )
        _keep_scores(spec, scores)
        yield len(scores)


def tags_and_scores(
    spec: FeatureSpecification, task_ids: Sequence[int], should_stop: ShouldStop = never
) -> tuple[NDArray[np.bool_], Floats]:
    """([N, T] flags, [N, 9] scores) of the tasks in their order, computed first where they lack.

    People's corrections of a prompt's tags stand above the tagger's. Raises as `featurise`.
    """
    featurise(spec, task_ids, should_stop)
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


def _pairs(project: Project) -> Any:
    return Task.objects.filter(project=project, places__position=1).exclude(places__position=2)


def _missing(spec: FeatureSpecification) -> Any:
    """Not by NOT IN, which compares each task with every row once these are too many to hash."""
    mine = InstanceFeatures.objects.filter(spec=spec, task=OuterRef("pk"))
    return _pairs(spec.project).filter(~Exists(mine)).order_by("pk")


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


def tag_prompts(task_ids: Sequence[int]) -> None:
    """With the rules, whose tags cost nothing: they count where the chosen tagger, a model that is
    asked in runs of its own, has not answered.
    """
    prompts = Prompt.objects.filter(tasks__in=task_ids).distinct()
    tagged = PromptTagging.objects.filter(prompt__in=prompts, tagger=RuleTagger.name)
    lacking = list(prompts.exclude(pk__in=tagged.values("prompt")))
    tags = RuleTagger().tag([prompt_text(prompt) for prompt in lacking])
    rows = [
        PromptTagging(prompt=prompt, tagger=RuleTagger.name, answer=asdict(one))
        for prompt, one in zip(lacking, tags, strict=True)
    ]
    PromptTagging.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)
