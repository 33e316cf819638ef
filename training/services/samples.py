"""New responses that were drawn, and the tasks that compare them."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from annotate.kinds.context import prompt_under
from annotate.models import JobState, Project, Prompt, Response, Task, TaskResponse, content_hash
from annotate.services import jobs
from annotate.services.incoming import bulk
from annotate.services.incoming.canonical import encode
from annotate.services.incoming.intake import pair_key
from annotate.services.work.tasks import open_seats
from annotate.wording import Told
from training import folders
from training.models import SamplingRun
from training.services.preparation import messages, write_once
from training.services.stated import asks_under_contexts, contexts_of

COUNTS = ("responses", "tasks", "seats", "empty", "identical", "unpaired")
BATCH = 200  # prompts whose responses and tasks are written in one transaction


def prepare_sampling(run: SamplingRun, check: Callable[[], None]) -> dict[str, Any]:
    """Write the prompts once and return the job for the child. `check` may raise at any prompt."""
    write_prompts(run, check)
    fields = ("max_new_tokens", "temperature", "top_p", "seed")
    return {
        "duty": "sample",
        "model_dir": str(folders.model_folder(run.model_version.path)),
        "samples": samples_of(run),
        **{name: run.config[name] for name in fields},
    }


def samples_of(run: SamplingRun) -> int:
    """Responses to each prompt. Runs queued before `samples` was a field have none."""
    return run.config.get("samples") or (2 if run.config["against"] == "sample" else 1)


def write_prompts(run: SamplingRun, check: Callable[[], None]) -> Path:
    """Write prompts.jsonl ({id, prompt}) once and return its path."""
    folder = folders.sample_folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prompts.jsonl"
    write_once(path, lambda target: _write_prompts(run, target, check))
    return path


def _write_prompts(run: SamplingRun, path: Path, check: Callable[[], None]) -> None:
    prompts = Prompt.objects.filter(project=run.project, pk__in=run.config["prompt_ids"])
    contexts = contexts_of(run, run.config["prompt_ids"])
    with path.open("w", encoding="utf-8") as file:
        for prompt in prompts.order_by("pk").iterator(chunk_size=1000):
            turns = prompt_under(messages(prompt), contexts.get(prompt.pk, {}))
            file.write(json.dumps({"id": prompt.pk, "prompt": turns}) + "\n")
            check()


def record_sampling(
    *, run: SamplingRun, events: list[dict[str, Any]], device_seconds: float
) -> bool:
    """Renew the lease and write how far the child is; True if it should stop."""
    fields: dict[str, Any] = {"device_seconds": device_seconds}
    for event in events:
        if event.get("event") == "answered":
            fields["progress"] = event["prompts"]
        elif event.get("event") == "sampling":
            fields["message"] = Told(
                "Sampling: batch {done} of {total}.", done=event["batch"], total=event["batches"]
            )
    return jobs.heartbeat(run, **fields)


def store_samples(*, run: SamplingRun, result: dict[str, Any]) -> None:
    """Make responses and tasks of the answers and end the run as done.

    May be repeated: responses and tasks are found by their content. Raises LeaseLost.
    """
    counts = dict.fromkeys(COUNTS, 0)
    for batch in _batches(_answers(folders.sample_folder(run.pk))):
        for name, count in _store_batch(run, batch).items():
            counts[name] = counts.get(name, 0) + count
        if jobs.heartbeat(run):
            message = Told("Cancelled after {count} tasks were made.", count=counts["tasks"])
            return jobs.finish(run, JobState.CANCELLED, metrics=counts, message=message)
    jobs.finish(
        run,
        JobState.DONE,
        progress=result["prompts"],
        metrics=counts,
        message=Told(
            "{responses} responses, {tasks} tasks.",
            responses=counts["responses"],
            tasks=counts["tasks"],
        ),
    )
    return None


@transaction.atomic
def _store_batch(run: SamplingRun, rows: list[dict[str, Any]]) -> dict[str, int]:
    counts = dict.fromkeys(("responses", "tasks", "empty", "identical", "unpaired"), 0)
    bulk.lock_imports(run.project_id)
    contexts = contexts_of(run, [row["id"] for row in rows])
    needs_context = asks_under_contexts(run.project)
    tasks = []
    for row in rows:
        made = [_response(run, row["id"], text) for text in row["texts"] if text.strip()]
        counts["empty"] += len(row["texts"]) - len(made)
        counts["responses"] += len({response.pk for response in made})
        if row.get("unanswered"):
            counts["unanswered"] = counts.get("unanswered", 0) + row["unanswered"]
        if not made or run.config["against"] == "nothing":
            continue
        pair = _pair(run, row["id"], made)
        if pair is None or (needs_context and row["id"] not in contexts):
            counts["unpaired"] += 1
        elif pair[0].text == pair[1].text:
            counts["identical"] += 1
        else:
            tasks.append(_task(run, row["id"], pair, contexts.get(row["id"])))
    counts["tasks"] = len(tasks)
    return {**counts, "seats": open_seats(tasks=tasks)}


def _response(run: SamplingRun, prompt_id: int, text: str) -> Response:
    text = text.replace("\0", "")
    generator, version = run.author
    response, _ = Response.objects.get_or_create(
        prompt_id=prompt_id,
        content_hash=content_hash(text),
        generator=generator,
        generator_version=version,
        defaults={
            "content": [{"type": "text", "text": text}],
            "metadata": _made_by(run),
        },
    )
    return response


def _made_by(run: SamplingRun) -> dict[str, int]:
    sampler = {"model_version": run.model_version_id, "chat_model": run.chat_model_id}
    given = {name: pk for name, pk in sampler.items() if pk is not None}
    return {**given, "sampling_run": run.pk}


def _pair(
    run: SamplingRun, prompt_id: int, made: list[Response]
) -> tuple[Response, Response] | None:
    """The new response and its counterpart, drawn by the run's seed; None if there is none."""
    if run.config["against"] == "sample":
        return (made[0], made[1]) if len(made) > 1 else None
    others = Response.objects.filter(prompt=prompt_id, created_at__lt=run.created_at)
    generator, version = run.author
    others = others.exclude(generator=generator, generator_version=version)
    if run.config["generator"]:
        others = others.filter(generator=run.config["generator"])
    there = list(others.order_by("pk"))
    if not there:
        return None
    return made[0], random.Random(f"{run.config['seed']}:{prompt_id}").choice(there)


def _task(
    run: SamplingRun,
    prompt_id: int,
    pair: tuple[Response, Response],
    context: dict[str, Any] | None,
) -> Task:
    return make_pair_task(
        project=run.project,
        prompt_id=prompt_id,
        response_ids=[response.pk for response in pair],
        overlap=run.config["overlap"] or run.project.overlap,
        priority=run.config["priority"],
        metadata=_made_by(run),
        context=context,
    )


def make_pair_task(
    *,
    project: Project,
    prompt_id: int,
    response_ids: Iterable[int],
    overlap: int,
    priority: int,
    metadata: dict[str, Any],
    context: dict[str, Any] | None = None,
) -> Task:
    """The task of these two responses, made unless it is there. Without seats yet.

    context: what it states beside its prompt.
    """
    ids = sorted(response_ids)
    task, created = Task.objects.get_or_create(
        project=project,
        dedup_key=pair_key(prompt_id, ids, encode(context) if context else ""),
        defaults={
            "context": context or {},
            "prompt_id": prompt_id,
            "overlap": overlap,
            "priority": priority,
            "metadata": metadata,
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
