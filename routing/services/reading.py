"""Pairs of responses as an encoder reads them, each response's embedding kept for later. For
workers: needs numpy.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotate.media.as_text import as_text
from annotate.models import Task
from routing import encoders
from routing.encoders import EncoderError, Pair, Reading, ReadingStopped
from routing.features.likeness import scores_of
from routing.models import ResponseEmbedding, TextEncoder
from routing.services.tagging import prompt_text

BLOCK = 2000  # pairs of one call of the encoder: it may load its model anew for each
BATCH = 500  # pairs that are kept together
Floats = NDArray[np.float64]
ShouldStop = Callable[[], bool]


class EncoderChanged(EncoderError):
    """The encoder has other weights than those that a specification was frozen with."""


def never() -> bool:
    """For callers that nobody can stop."""
    return False


def scored_pairs(
    task_ids: Sequence[int], encoder: str, should_stop: ShouldStop
) -> Iterator[tuple[dict[int, Floats], TextEncoder | None]]:
    """The nine scores of those tasks that have two responses, some at a time, and the encoder that
    read them. Embeddings are kept before their scores are given out.

    Raises EncoderError, ReadingStopped, or JudgeInterrupted when this worker is to end.
    """
    size = BLOCK if encoder else BATCH
    for start in range(0, len(task_ids), size):
        if should_stop():
            raise ReadingStopped
        prompts, pairs = texts_of(task_ids[start : start + size])
        if encoder:
            with closing(encoders.library().read(encoder, pairs, should_stop)) as readings:
                yield from _with_readings(encoder, prompts, pairs, readings)
        else:
            yield {one.task_id: scores_of(prompts[one.task_id], one.texts) for one in pairs}, None


def _with_readings(
    encoder: str, prompts: dict[int, str], pairs: Sequence[Pair], readings: Iterator[Reading]
) -> Iterator[tuple[dict[int, Floats], TextEncoder]]:
    pair_of = {pair.task_id: pair for pair in pairs}
    waiting: list[Reading] = []
    for number, reading in enumerate(readings, start=1):
        waiting.append(reading)
        if len(waiting) == BATCH or number == len(pairs):
            row = _keep_embeddings(encoder, pair_of, waiting)
            yield (
                {
                    one.task_id: scores_of(
                        prompts[one.task_id], pair_of[one.task_id].texts, (one.alike, one.cosine)
                    )
                    for one in waiting
                },
                row,
            )
            waiting = []


@transaction.atomic
def _keep_embeddings(
    encoder: str, pair_of: dict[int, Pair], readings: Sequence[Reading]
) -> TextEncoder:
    row, _ = TextEncoder.objects.get_or_create(
        name=encoder,
        weights=readings[0].weights,
        defaults={"width": len(readings[0].embeddings[0]) // 2},
    )
    values = {
        response: embedding
        for one in readings
        for response, embedding in zip(pair_of[one.task_id].responses, one.embeddings, strict=True)
    }
    rows = [
        ResponseEmbedding(encoder=row, response_id=response, values=embedding)
        for response, embedding in sorted(values.items())
    ]
    ResponseEmbedding.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2 * BATCH)
    return row


def read_responses(
    name: str, pairs: Sequence[Pair], should_stop: ShouldStop, beat: Callable[[int], object]
) -> TextEncoder:
    """Keep the embeddings of all responses of these pairs, whose `task_id` may be any number of
    their own; what is kept already is not read again. `beat` hears how many pairs are over.

    Should the encoder turn out to have other weights than it had, all are read anew. Raises
    EncoderError, ReadingStopped, JudgeInterrupted.
    """
    row = TextEncoder.objects.filter(name=name).order_by("-pk").first()
    while True:
        lacking = _not_read(row, pairs)
        done = len(pairs) - len(lacking)
        beat(done)
        if row is not None and not lacking:
            return row
        for start in range(0, len(lacking), BLOCK):
            some = lacking[start : start + BLOCK]
            with closing(encoders.library().read(name, some, should_stop)) as readings:
                pair_of = {pair.task_id: pair for pair in some}
                while batch := list(islice(readings, BATCH)):
                    row = _keep_embeddings(name, pair_of, batch)
                    done += len(batch)
                    beat(done)


def _not_read(encoder: TextEncoder | None, pairs: Sequence[Pair]) -> list[Pair]:
    ids = {one for pair in pairs for one in pair.responses}
    rows = ResponseEmbedding.objects.filter(encoder=encoder, response__in=ids)
    known = set(rows.values_list("response_id", flat=True)) if encoder is not None else set()
    return [pair for pair in pairs if not known.issuperset(pair.responses)]


def embeddings_of(encoder: TextEncoder, response_ids: Sequence[int]) -> NDArray[np.float32]:
    """[N, D] in the order of the ids. One query. Raises EncoderError where one was never read."""
    rows = ResponseEmbedding.objects.filter(encoder=encoder, response__in=set(response_ids))
    found = {
        response: np.frombuffer(bytes(values), dtype="<f2").astype(np.float32)
        for response, values in rows.values_list("response_id", "values")
    }
    lacking = [pk for pk in response_ids if pk not in found]
    if lacking:
        raise EncoderError(
            "Response {id} was never read by {encoder}; compute the features first.",
            id=lacking[0],
            encoder=str(encoder),
        )
    return np.array([found[pk] for pk in response_ids]).reshape(len(response_ids), encoder.width)


def texts_of(task_ids: Sequence[int]) -> tuple[dict[int, str], list[Pair]]:
    """The prompts' texts by task, and the pairs, of those tasks that have two responses. Three
    queries.
    """
    prompts, pairs = {}, []
    tasks = Task.objects.filter(pk__in=task_ids).select_related("prompt")
    for task in tasks.prefetch_related("places__response").order_by("pk"):
        places = sorted(task.places.all(), key=lambda place: place.position)
        if len(places) == 2:
            first, second = (place.response for place in places)
            texts = as_text(first.content), as_text(second.content)
            pairs.append(Pair(task.pk, (first.pk, second.pk), texts))
            prompts[task.pk] = prompt_text(task.prompt)
    return prompts, pairs
