"""New responses from a policy, and the tasks that compare them."""

import json
import random
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from annotate.kinds import InvalidValue
from annotate.models import (
    JobState,
    Project,
    Prompt,
    Response,
    Task,
    TaskResponse,
    User,
    content_hash,
)
from annotate.services import audit, bulk, jobs
from annotate.services.intake import pair_key
from annotate.services.tasks import open_seats
from training import folders
from training.models import ModelVersion, SamplingRun
from training.services.preparation import POLICY_GENERATOR, messages, write_once

AGAINST = ("response", "sample")
BATCH = 200
LIMITS: dict[str, tuple[type, float, float, Any]] = {
    "prompts": (int, 1, 1_000_000, None),
    "max_new_tokens": (int, 1, 32768, 96),
    "temperature": (float, 0, 10, 0.8),
    "top_p": (float, 0.01, 1, 1.0),
    "seed": (int, 0, 2**32 - 1, 0),
    "overlap": (int, 1, 100, None),
    "priority": (int, 0, 1000, 500),
}


@transaction.atomic
def queue_sampling(
    *, version: ModelVersion, actor: User | None, config: Mapping[str, Any]
) -> SamplingRun:
    """Have a policy answer prompts, and people compare the answers.

    `prompts`: how many, drawn by `seed` (all of the project's if left out), or `prompt_ids`.
    `against`: "response" compares with a response that is there, of the generator named by
    `generator` if given; "sample" with a second sample of the same policy.
    `overlap`: the project's if left out. Raises InvalidValue naming `config.<field>`.
    """
    if version.kind != ModelVersion.Kind.POLICY:
        raise InvalidValue("version", f"{version} is no policy, so it cannot answer prompts")
    cleaned = clean_sampling(config)
    project = version.project
    cleaned["prompt_ids"] = _choose_prompts(project, cleaned)
    run = SamplingRun.objects.create(
        project=project,
        model_version=version,
        config=cleaned,
        total=len(cleaned["prompt_ids"]),
        created_by=actor,
    )
    audit.record(action="training.sampling_queued", target=run, actor=actor, project=project)
    jobs.enqueue(run)
    return run


def clean_sampling(config: Mapping[str, Any]) -> dict[str, Any]:
    """Values with their defaults, checked. Raises InvalidValue."""
    known = {*LIMITS, "against", "generator", "prompt_ids"}
    for name in sorted(set(config) - known):
        raise InvalidValue(f"config.{name}", f"unknown field; there are: {sorted(known)}")
    cleaned = {name: _number(name, config.get(name)) for name in LIMITS}
    cleaned["against"] = config.get("against", "response")
    if cleaned["against"] not in AGAINST:
        raise InvalidValue("config.against", f"must be one of {', '.join(AGAINST)}")
    cleaned["generator"] = config.get("generator", "")
    if not isinstance(cleaned["generator"], str):
        raise InvalidValue("config.generator", "must be the name of a generator")
    ids = config.get("prompt_ids")
    if ids is not None and not (
        isinstance(ids, list) and all(type(one) is int for one in ids) and ids
    ):
        raise InvalidValue("config.prompt_ids", "must be a list of prompt ids")
    cleaned["prompt_ids"] = ids
    return cleaned


def _number(name: str, value: Any) -> Any:
    kind, low, high, default = LIMITS[name]
    if value is None:
        return default
    fits = type(value) is int or (kind is float and type(value) is float)
    if not fits or not low <= value <= high:
        raise InvalidValue(f"config.{name}", f"must be a number from {low} to {high}")
    return kind(value)


def _choose_prompts(project: Project, config: Mapping[str, Any]) -> list[int]:
    there = Prompt.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)
    wanted = config["prompt_ids"]
    if wanted is not None:
        found = set(there.filter(pk__in=wanted))
        missing = [pk for pk in wanted if pk not in found]
        if missing:
            raise InvalidValue("config.prompt_ids", f"no such prompt in this project: {missing[0]}")
        return sorted(found)
    every = list(there)
    if not every:
        raise InvalidValue("config.prompts", "the project has no prompts; import some")
    count = min(config["prompts"] or len(every), len(every))
    return sorted(random.Random(f"prompts:{config['seed']}").sample(every, count))


def prepare_sampling(run: SamplingRun) -> dict[str, Any]:
    """Write the prompts once and return the job for the child."""
    folder = folders.sample_folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    write_once(folder / "prompts.jsonl", lambda path: _write_prompts(run, path))
    fields = ("max_new_tokens", "temperature", "top_p", "seed")
    return {
        "duty": "sample",
        "model_dir": str(folders.model_folder(run.model_version.path)),
        "samples": 2 if run.config["against"] == "sample" else 1,
        **{name: run.config[name] for name in fields},
    }


def _write_prompts(run: SamplingRun, path: Path) -> None:
    prompts = Prompt.objects.filter(project=run.project, pk__in=run.config["prompt_ids"])
    with path.open("w", encoding="utf-8") as file:
        for prompt in prompts.order_by("pk").iterator(chunk_size=1000):
            file.write(json.dumps({"id": prompt.pk, "prompt": messages(prompt)}) + "\n")


def record_sampling(*, run: SamplingRun, events: list[dict[str, Any]]) -> bool:
    """Renew the lease and write how far the child is; True if it should stop."""
    fields: dict[str, Any] = {}
    for event in events:
        if event.get("event") == "answered":
            fields["progress"] = event["prompts"]
        elif event.get("event") == "sampling":
            fields["message"] = f"Sampling: batch {event['batch']} of {event['batches']}."
    return jobs.heartbeat(run, **fields)


def store_samples(*, run: SamplingRun, result: dict[str, Any]) -> None:
    """Make responses and tasks of the child's answers and end the run as done.

    May be repeated: responses and tasks are found by their content. Raises LeaseLost.
    """
    counts = {"responses": 0, "tasks": 0, "seats": 0, "empty": 0, "identical": 0, "unpaired": 0}
    for batch in _batches(_answers(folders.sample_folder(run.pk))):
        for name, count in _store_batch(run, batch).items():
            counts[name] += count
        jobs.heartbeat(run)
    jobs.finish(
        run,
        JobState.DONE,
        progress=result["prompts"],
        metrics=counts,
        message=f"{counts['responses']} responses, {counts['tasks']} tasks.",
    )


@transaction.atomic
def _store_batch(run: SamplingRun, rows: list[dict[str, Any]]) -> dict[str, int]:
    counts = dict.fromkeys(("responses", "tasks", "empty", "identical", "unpaired"), 0)
    bulk.lock_imports(run.project_id)
    tasks = []
    for row in rows:
        made = [_response(run, row["id"], text) for text in row["texts"] if text.strip()]
        counts["empty"] += len(row["texts"]) - len(made)
        counts["responses"] += len({response.pk for response in made})
        if not made:
            continue
        pair = _pair(run, row["id"], made)
        if pair is None:
            counts["unpaired"] += 1
        elif pair[0].text == pair[1].text:
            counts["identical"] += 1
        else:
            tasks.append(_task(run, row["id"], pair))
    counts["tasks"] = len(tasks)
    return {**counts, "seats": open_seats(tasks=tasks)}


def _response(run: SamplingRun, prompt_id: int, text: str) -> Response:
    text = text.replace("\0", "")
    response, _ = Response.objects.get_or_create(
        prompt_id=prompt_id,
        content_hash=content_hash(text),
        generator=POLICY_GENERATOR,
        generator_version=str(run.model_version.number),
        defaults={
            "content": [{"type": "text", "text": text}],
            "metadata": {"model_version": run.model_version_id, "sampling_run": run.pk},
        },
    )
    return response


def _pair(
    run: SamplingRun, prompt_id: int, made: list[Response]
) -> tuple[Response, Response] | None:
    """The new response and its counterpart, drawn by the run's seed; None if there is none."""
    if run.config["against"] == "sample":
        return (made[0], made[1]) if len(made) > 1 else None
    others = Response.objects.filter(prompt=prompt_id, created_at__lt=run.created_at)
    others = others.exclude(
        generator=POLICY_GENERATOR, generator_version=str(run.model_version.number)
    )
    if run.config["generator"]:
        others = others.filter(generator=run.config["generator"])
    there = list(others.order_by("pk"))
    if not there:
        return None
    return made[0], random.Random(f"{run.config['seed']}:{prompt_id}").choice(there)


def _task(run: SamplingRun, prompt_id: int, pair: tuple[Response, Response]) -> Task:
    ids = sorted(response.pk for response in pair)
    task, created = Task.objects.get_or_create(
        project=run.project,
        dedup_key=pair_key(prompt_id, ids),
        defaults={
            "prompt_id": prompt_id,
            "overlap": run.config["overlap"] or run.project.overlap,
            "priority": run.config["priority"],
            "metadata": {"model_version": run.model_version_id, "sampling_run": run.pk},
        },
    )
    if created:
        TaskResponse.objects.bulk_create(
            TaskResponse(task=task, response_id=pk, position=place) for place, pk in enumerate(ids)
        )
    return task


def _answers(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "answers").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line:
                yield json.loads(line)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
