"""Responses from a model behind an OpenAI-compatible address: one request each, some at a time.

The answers lie in files as a child leaves them, so what was paid for is not asked again after a
kill: see training/duties/sample.py.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from django.conf import settings

from annotate.chat.completions import Target, stream_reply
from annotate.chat.failures import ModelFailure
from annotate.services import jobs
from annotate.services.conversations.chat_models import target_of
from training import folders
from training.models import SamplingRun
from training.services.preparation import write_once
from training.services.samples import samples_of, write_prompts

CHUNK = 16  # prompts whose answers are written together
LINES = 4  # requests under way at once
ATTEMPTS = 4  # of one answer, when the failure may pass
MAY_PASS = ("rate_limited", "server_error", "unreachable", "timed_out", "broken_off", "busy")
LONGEST_PAUSE = 60.0  # seconds before the next attempt, whatever a 429 asks for
FIRST_PAUSE = 1.0
TICK = 0.5  # seconds between two looks whether to stop
MOST_SEED = 2**31

Row = dict[str, Any]
Answer = str | ModelFailure


def ask_model(run: SamplingRun, check: Callable[[], None]) -> int:
    """Have the run's model answer every prompt; returns how many prompts there are.

    An answer that fails is tried again where that may help, then left out and counted. Raises
    ModelFailure when the first chunk of an attempt has not one answer, which is a wrong key or
    address rather than a prompt that the model refuses; what `check` raises; LeaseLost.
    """
    target = _with_wishes(target_of(run.chat_model), run.config)
    path = write_prompts(run, check)
    prompts = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    answers = folders.sample_folder(run.pk) / "answers"
    answers.mkdir(exist_ok=True)
    has_answered = False
    for start in range(0, len(prompts), CHUNK):
        place = answers / f"{start:08d}.jsonl"
        if not place.exists():
            rows, failure = _answer(run, target, prompts[start : start + CHUNK], start, check)
            if failure is not None and not has_answered:
                raise failure
            has_answered = True
            write_once(place, lambda partial, rows=rows: _write(partial, rows))
        jobs.heartbeat(run, progress=min(start + CHUNK, len(prompts)))
        check()
    return len(prompts)


def _with_wishes(target: Target, config: Mapping[str, Any]) -> Target:
    """The run's settings go along with each request; what the model's row says goes first."""
    wishes = {
        "max_tokens": config["max_new_tokens"],
        "temperature": config["temperature"],
        "top_p": config["top_p"],
    }
    parameters = {**wishes, **target.parameters}
    return Target(target.base_url, target.model, parameters, target.secret)


def _answer(
    run: SamplingRun,
    target: Target,
    prompts: Sequence[Row],
    start: int,
    check: Callable[[], None],
) -> tuple[list[Row], ModelFailure | None]:
    """A row for each prompt; a failure only where nothing at all was answered."""
    samples = samples_of(run)
    wishes = []
    for place, row in enumerate(prompts):
        for number in range(samples):
            seed = (run.config["seed"] + (start + place) * samples + number) % MOST_SEED
            wishes.append((_seeded(target, seed), row["prompt"]))
    found = asyncio.run(_all(wishes, check))
    rows, failures = [], [one for one in found if isinstance(one, ModelFailure)]
    for place, row in enumerate(prompts):
        mine = found[place * samples : (place + 1) * samples]
        texts = [one for one in mine if isinstance(one, str)]
        rows.append({"id": row["id"], "texts": texts, "unanswered": len(mine) - len(texts)})
    return rows, failures[0] if len(failures) == len(found) else None


def _seeded(target: Target, seed: int) -> Target:
    parameters = {"seed": seed, **target.parameters}
    return Target(target.base_url, target.model, parameters, target.secret)


async def _all(
    wishes: Sequence[tuple[Target, list[dict[str, str]]]], check: Callable[[], None]
) -> list[Answer]:
    """In order. What `check` raises hangs up on all that are under way."""
    gate = asyncio.Semaphore(LINES)
    tasks = [asyncio.create_task(_one(target, asked, gate)) for target, asked in wishes]
    pending = set(tasks)
    try:
        while pending:
            _, pending = await asyncio.wait(pending, timeout=TICK)
            check()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    return [task.result() for task in tasks]


async def _one(target: Target, asked: list[dict[str, str]], gate: asyncio.Semaphore) -> Answer:
    """The answer, or why there is none after all attempts."""
    pause = FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with gate:
                return await _in_time(_reply(target, asked))
        except ModelFailure as error:
            failure = error
        if failure.kind not in MAY_PASS or attempt == ATTEMPTS:
            break
        await asyncio.sleep(min(failure.retry_after or pause, LONGEST_PAUSE))
        pause *= 2
    return failure


async def _in_time(reply: Coroutine[Any, Any, str]) -> str:
    seconds = settings.CHAT_PATIENCE["total"]
    try:
        async with asyncio.timeout(seconds):
            return await reply
    except TimeoutError as error:
        raise ModelFailure("timed_out", f"not finished after {seconds:g} s") from error


async def _reply(target: Target, asked: list[dict[str, str]]) -> str:
    pieces = stream_reply(target, asked, private_hosts=settings.CHAT_PRIVATE_HOSTS)
    async with aclosing(pieces):
        return "".join([piece.text async for piece in pieces]).strip()


def _write(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
