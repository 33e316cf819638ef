"""What tasks came to, as a stream of JSON lines whose memory does not grow with their number."""

import json
from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef

from annotate.models import Consensus, Judgement, Project, TaskResponse, Voices
from annotate.quality.methods import VERSIONS

BATCH = 2000


def stream_consensus(*, project: Project, method: str, voices: str) -> Iterator[bytes]:
    """A line a task, in order of its id: the raw rows' `task_id` and `responses` in storage order.

    Checks its arguments at once: ValidationError names `aggregate`. Two queries a batch.
    """
    for field, value, known in (
        ("aggregate", method, Consensus.Method.values), ("voices", voices, Voices.values),
    ):  # fmt: skip
        if value not in known:
            listed = ", ".join(known)
            raise ValidationError({field: f"{value!r} is unknown. Choose one of: {listed}."})
    rows = Consensus.objects.filter(
        project=project, voices=voices, method=method, version=VERSIONS[method]
    )
    if not rows.exists():
        message = (
            f"Nothing was computed by {method} of labels of {voices}. Compute the report on quality"
            " first, or choose another method."
        )
        raise ValidationError({"aggregate": message})
    # Not of tasks that only checked people, or that only norming sessions judged.
    labels = Judgement.objects.labels().filter(task=OuterRef("task"))
    rows = rows.filter(Exists(labels))
    return _lines(rows.select_related("task__prompt").order_by("task"))


def _lines(rows) -> Iterator[bytes]:
    after = 0
    while batch := list(rows.filter(task__gt=after)[:BATCH]):
        after = batch[-1].task_id
        responses: dict[int, list[int]] = {}
        places = TaskResponse.objects.filter(task__in=[row.task_id for row in batch])
        for task, response in places.order_by("task", "position").values_list(
            "task_id", "response_id"
        ):
            responses.setdefault(task, []).append(response)
        lines = [
            json.dumps(
                {
                    "task_id": row.task_id,
                    "prompt_id": row.task.prompt_id,
                    "external_id": row.task.prompt.external_id,
                    "responses": responses.get(row.task_id, []),
                    "voices": row.voices,
                    "method": row.method,
                    "version": row.version,
                    "votes": row.votes,
                    "answers": row.answers,
                    "entropy": row.entropy,
                    "divided": row.divided,
                    "computed_at": row.computed_at.isoformat(),
                },
                ensure_ascii=False,
            )
            for row in batch
        ]
        yield ("\n".join(lines) + "\n").encode()
