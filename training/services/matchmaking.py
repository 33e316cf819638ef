"""Matching a sampling's new responses: the reward model reads them, then pairs are chosen.

matches/<id>/candidates.jsonl has a line for each prompt: its id, and the ids of its new responses
and of the older ones that were drawn; items.jsonl the same as the scoring child reads it.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from annotate.kinds.context import prompt_under
from annotate.media.as_text import as_text
from annotate.models import JobState, Prompt, Response, User
from annotate.services import audit, jobs
from annotate.wording import Told
from training import folders, hosts
from training.loop.matching import Candidate, match
from training.models import MatchedPair, Matchmaking, ModelVersion, SamplingRun
from training.services.preparation import messages, write_once
from training.services.stated import asks_under_contexts, contexts_of

OLDER = 4  # responses of a prompt that new ones may meet, drawn by the seed
BATCH = 500
READ_AT_ONCE = 8  # prompts whose responses a warm model reads together; others wait so long


@transaction.atomic
def queue_matchmaking(
    *,
    sampling_run: SamplingRun,
    reward_version: ModelVersion | None,
    actor: User | None,
    config: Mapping[str, Any],
) -> Matchmaking:
    """`config`: `strategy` and `pairs` as `training.loop.matching.match` takes them, and `seed`."""
    run = Matchmaking.objects.create(
        project=sampling_run.project,
        sampling_run=sampling_run,
        reward_version=reward_version,
        config=dict(config),
        created_by=actor,
    )
    audit.record(action="training.matchmaking_queued", target=run, actor=actor, project=run.project)
    jobs.enqueue(run)
    return run


def prepare_matchmaking(run: Matchmaking, check: Callable[[], None]) -> dict[str, Any]:
    """Write the candidates once and return the job for the child. `check` may raise."""
    folder = folders.match_folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    write_once(folder / "candidates.jsonl", lambda path: _write_candidates(run, path, check))
    write_once(folder / "items.jsonl", lambda path: _write_items(run, path, check))
    version = run.reward_version
    return {
        "duty": "score",
        "model_dir": str(folders.model_folder(version.path)) if version else None,
    }


def _write_candidates(run: Matchmaking, path: Path, check: Callable[[], None]) -> None:
    ids = run.sampling_run.config["prompt_ids"]
    needs_context = asks_under_contexts(run.project)
    with path.open("w", encoding="utf-8") as file:
        for batch in _batches(iter(sorted(ids))):
            if needs_context:  # there is no task without
                batch = sorted(contexts_of(run.sampling_run, batch))
            for prompt_id, new, older in _candidates(run, batch):
                file.write(json.dumps({"id": prompt_id, "new": new, "older": older}) + "\n")
            check()


def _candidates(
    run: Matchmaking, prompt_ids: list[int]
) -> Iterator[tuple[int, list[int], list[int]]]:
    """Of each prompt with new responses. Older ones are not of the same author. One query."""
    rows = (
        Response.objects.filter(prompt__in=prompt_ids)
        .order_by("pk")
        .values_list("pk", "prompt_id", "metadata", "generator", "generator_version")
    )
    new: dict[int, list[int]] = {}
    older: dict[int, list[int]] = {}
    for pk, prompt_id, metadata, *author in rows:
        if metadata.get("sampling_run") == run.sampling_run_id:
            new.setdefault(prompt_id, []).append(pk)
        elif tuple(author) != run.sampling_run.author:
            older.setdefault(prompt_id, []).append(pk)
    for prompt_id, mine in sorted(new.items()):
        there = older.get(prompt_id, [])
        source = random.Random(f"older:{run.config['seed']}:{prompt_id}")
        yield prompt_id, mine, sorted(source.sample(there, min(OLDER, len(there))))


def _write_items(run: Matchmaking, path: Path, check: Callable[[], None]) -> None:
    folder = folders.match_folder(run.pk)
    with path.open("w", encoding="utf-8") as file:
        for batch in _batches(_lines(folder / "candidates.jsonl")):
            prompts = Prompt.objects.in_bulk([row["id"] for row in batch])
            contexts = contexts_of(run.sampling_run, prompts)
            texts = _texts(batch)
            for row in batch:
                said = [texts[pk] for pk in (*row["new"], *row["older"])]
                turns = prompt_under(messages(prompts[row["id"]]), contexts.get(row["id"], {}))
                item = {"id": row["id"], "prompt": turns, "responses": said}
                file.write(json.dumps(item) + "\n")
            check()


def _texts(rows: list[dict[str, Any]]) -> dict[int, str]:
    ids = [pk for row in rows for pk in (*row["new"], *row["older"])]
    found = Response.objects.filter(pk__in=ids).values_list("pk", "content")
    return {pk: as_text(content) for pk, content in found}


def score_warm(
    run: Matchmaking, model_dir: str, check: Callable[[], None], scored: Callable[[], None]
) -> None:
    """Write scores.jsonl as a child does, by the host of warm reward models. `scored` is called
    after each of its answers. A prompt that the model cannot read is left out. Raises CannotAnswer,
    RowsFailed, or what `check` and `scored` raise.
    """
    folder = folders.match_folder(run.pk)
    order = {"do": "score", "model_dir": model_dir}
    with (folder / "scores.jsonl").open("w", encoding="utf-8") as out:
        items = _lines(folder / "items.jsonl")
        while batch := list(islice(items, READ_AT_ONCE)):
            answers = hosts.host(hosts.SCORES).ask(order, batch, check)
            for item, answer in zip(batch, answers, strict=True):
                if "scores" in answer:
                    row = {"id": item["id"], "scores": answer["scores"]}
                    out.write(json.dumps(row) + "\n")
            scored()
            check()


def record_matchmaking(
    *, run: Matchmaking, events: list[dict[str, Any]], device_seconds: float
) -> bool:
    """Renew the lease; True if the child should stop."""
    message = Told("The reward model reads the new responses.")
    return jobs.heartbeat(run, message=message, device_seconds=device_seconds)


def store_matches(*, run: Matchmaking, result: dict[str, Any]) -> None:
    """Choose the pairs of every prompt and end the run as done. All at once. Raises LeaseLost."""
    folder = folders.match_folder(run.pk)
    scores = {row["id"]: row["scores"] for row in _lines(folder / "scores.jsonl")}
    found: list[MatchedPair] = []
    counts = {"prompts": 0, "unmatched": 0, "pairs": 0, "scored": len(scores)}
    for batch in _batches(_lines(folder / "candidates.jsonl")):
        texts = _texts(batch)
        for row in batch:
            chosen = _matches(run, row, texts, scores.get(row["id"]))
            counts["prompts"] += 1
            counts["unmatched"] += not chosen
            found += chosen
        jobs.heartbeat(run)
    counts["pairs"] = len(found)
    with transaction.atomic():
        MatchedPair.objects.bulk_create(found, batch_size=2000)
        message = Told(
            "{pairs} pairs of {prompts} prompts.",
            pairs=counts["pairs"],
            prompts=counts["prompts"],
        )
        jobs.finish(run, JobState.DONE, metrics=counts, message=message)


def _matches(
    run: Matchmaking,
    row: dict[str, Any],
    texts: Mapping[int, str],
    rewards: list[float] | None,
) -> list[MatchedPair]:
    ids = [*row["new"], *row["older"]]
    known: list[float | None] = [*rewards] if rewards else [None] * len(ids)
    read = [Candidate(pk, texts[pk], reward) for pk, reward in zip(ids, known, strict=True)]
    count = len(row["new"])
    chosen = match(
        read[:count],
        read[count:],
        strategy=run.config["strategy"],
        pairs=run.config["pairs"],
        seed=f"{run.config['seed']}:{row['id']}",
    )
    return [
        MatchedPair(
            matchmaking=run, new_id=one.new, other_id=one.other, is_new=one.is_new, gap=one.gap
        )
        for one in chosen
    ]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Nothing where there is no file: no reward model has read anything."""
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
