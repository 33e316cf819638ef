"""Asking models for scores and samples, and what becomes of the answers."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from annotate.inputs import clean_text
from annotate.kinds import InvalidValue
from annotate.models import ApiToken, JobState, User
from annotate.services import jobs
from training import folders
from training.models import ModelVersion, ServingJob, ServingPiece
from training.services.serving_rows import clean_sample_rows, clean_sampling, clean_score_rows

MINUTE = timedelta(seconds=60)
JOBS_STAY = timedelta(days=30)  # after their end, without rows and answers
PIECE_ROWS, PIECE_RESPONSES = 32, 64
NOBODY = "No serving worker took it for {hours} hours. Start one: celery … -Q serving."


class TooMuch(Exception):
    """More than may be asked now; `wait`: seconds until it may be asked again."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = ceil(wait)


class NotServed(Exception):
    """There is nothing that could answer: no version in service, or its files are gone."""


class KeyUsed(Exception):
    """The idempotency key came before with another request."""


def version_in_service(project_id: int, kind: str) -> ModelVersion:
    """Raises NotServed with the remedy when there is none."""
    version = ModelVersion.objects.in_service(project_id, kind)
    if version is None:
        name = ModelVersion.Kind(kind).label.lower()
        raise NotServed(f"The project has no {name} in service. Train one and promote it.")
    return version


def request_scores(
    *,
    version: ModelVersion,
    actor: User,
    token: ApiToken | None = None,
    rows: object,
    idempotency_key: object = "",
    in_service: bool = False,
) -> ServingJob:
    """Queue rows to be scored by a reward model.

    The same idempotency key with the same request gives the first job; `in_service` says that the
    request named no version, so that it stays the same when another goes into service. Raises
    InvalidValue, BadRows, NotServed, KeyUsed, TooMuch.
    """
    _require(version, ModelVersion.Kind.REWARD_MODEL, "score rows")
    cleaned = clean_score_rows(version, rows)
    size = sum(len(row.get("responses", ())) for row in cleaned)
    asked = {"version": version, "kind": ServingJob.Kind.SCORES, "config": {}, "size": size}
    return _queue(asked, cleaned, actor, token, idempotency_key, in_service=in_service)


def request_samples(
    *,
    version: ModelVersion,
    actor: User,
    token: ApiToken | None = None,
    rows: object,
    config: Mapping[str, Any],
    idempotency_key: object = "",
    in_service: bool = False,
) -> ServingJob:
    """Queue prompts to be answered by a policy. Raises as `request_scores`."""
    _require(version, ModelVersion.Kind.POLICY, "answer prompts")
    cleaned = clean_sample_rows(rows)
    drawing = clean_sampling(config, len(cleaned))
    size = len(cleaned) * drawing["n"]
    asked = {"version": version, "kind": ServingJob.Kind.SAMPLES, "config": drawing, "size": size}
    return _queue(asked, cleaned, actor, token, idempotency_key, in_service=in_service)


def cancel_job(*, job: ServingJob) -> None:
    """Ask it to stop; what is answered stays. Without effect on one that is over."""
    jobs.request_cancel(job)
    ServingJob.objects.filter(pk=job.pk, state=JobState.CANCELLED, expires_at=None).update(
        expires_at=expiry()
    )
    job.refresh_from_db()


def answers_of(job: ServingJob) -> Iterator[dict[str, Any]]:
    """The answers so far, in the order of the rows; a piece at a time from the database."""
    pieces = job.pieces.filter(answers__isnull=False).order_by("number")
    for answers in pieces.values_list("answers", flat=True).iterator(chunk_size=20):
        yield from answers


def expiry() -> datetime:
    """When the rows and answers of a job that ends now are removed."""
    return timezone.now() + timedelta(hours=settings.SERVING["keep_hours"])


def remove_expired() -> int:
    """Remove rows and answers whose time is over, fail jobs that nobody took for as long, and
    forget jobs long after their end; returns how many jobs lost their rows.
    """
    now, keep = timezone.now(), timedelta(hours=settings.SERVING["keep_hours"])
    waiting = ServingJob.objects.filter(state=JobState.QUEUED, created_at__lt=now - keep)
    message = NOBODY.format(hours=settings.SERVING["keep_hours"])
    waiting.update(state=JobState.FAILED, finished_at=now, message=message)
    over = Q(finished_at__isnull=False)
    # Ended elsewhere: cancelled as they waited, failed by the sweep.
    ServingJob.objects.filter(over, expires_at=None, finished_at__gt=now - keep).update(
        expires_at=now + keep
    )
    expired = ServingJob.objects.filter(over, expires_at__lt=now)
    ids = list(expired.values_list("pk", flat=True))
    with transaction.atomic():
        ServingPiece.objects.filter(job__in=ids).delete()
        ServingJob.objects.filter(pk__in=ids).update(expires_at=None)
    ServingJob.objects.filter(over, finished_at__lt=now - JOBS_STAY).delete()
    return len(ids)


def _require(version: ModelVersion, kind: str, deed: str) -> None:
    if version.kind != kind:
        raise InvalidValue(
            "version", "{version} cannot {deed}; name another", version=version, deed=deed
        )
    if not folders.model_folder(version.path).is_dir():
        raise NotServed(f"The files of {version} are gone. Ask another version, or train again.")


@transaction.atomic
def _queue(
    asked: dict[str, Any],
    rows: list[dict[str, Any]],
    actor: User,
    token: ApiToken | None,
    key: object,
    *,
    in_service: bool,
) -> ServingJob:
    key = clean_text("idempotency_key", key, max_chars=100, lines=False)
    version, kind, config = asked["version"], asked["kind"], asked["config"]
    named = ["in service", version.project_id] if in_service else version.pk
    digest = _digest([named, kind, config, rows])
    _lock(actor)
    if key:
        before = ServingJob.objects.filter(created_by=actor, idempotency_key=key).first()
        if before is not None and before.digest != digest:
            raise KeyUsed(
                f"The idempotency key came before with another request, serving job {before.pk}; "
                "give each request a key of its own."
            )
        if before is not None:
            return before
    _require_rate(actor, token, len(rows))
    _require_room(version)
    job = ServingJob.objects.create(
        project_id=version.project_id,
        model_version=version,
        created_by=actor,
        token=token,
        kind=kind,
        config=config,
        size=asked["size"],
        total=len(rows),
        error_count=sum("error" in row for row in rows),
        idempotency_key=key,
        digest=digest,
    )
    pieces = _pieces(rows, config.get("n", 1))
    ServingPiece.objects.bulk_create(
        ServingPiece(job=job, number=number, rows=piece) for number, piece in enumerate(pieces)
    )
    jobs.enqueue(job)
    return job


def _pieces(rows: list[dict[str, Any]], samples: int) -> Iterator[list[dict[str, Any]]]:
    """Rows that are answered together: as many as are soon done, so that a job can be stopped."""
    piece: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        weight = len(row["responses"]) if "responses" in row else samples
        if piece and (len(piece) == PIECE_ROWS or size + weight > PIECE_RESPONSES):
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += weight
    yield piece


def _lock(actor: User) -> None:
    """One request of a user at a time is counted and written; until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('serving'), %s)", [actor.pk % 2**31])


def _require_rate(actor: User, token: ApiToken | None, rows: int) -> None:
    """Raises TooMuch. A browser's session counts as one token."""
    limits, now = settings.SERVING, timezone.now()
    recent = ServingJob.objects.filter(created_by=actor, token=token, created_at__gt=now - MINUTE)
    found = recent.aggregate(requests=Count("pk"), rows=Sum("total"), first=Min("created_at"))
    if found["first"] is None:
        return
    wait = max(1.0, (found["first"] + MINUTE - now).total_seconds())
    if found["requests"] >= limits["requests_a_minute"]:
        raise TooMuch(
            f"This token has sent {found['requests']} requests within a minute; at most "
            f"{limits['requests_a_minute']} are taken. Send more rows in each, or wait.",
            wait,
        )
    if found["rows"] + rows > limits["rows_a_minute"]:
        raise TooMuch(
            f"This token has sent {found['rows']} rows within a minute, and {rows} more would be "
            f"over {limits['rows_a_minute']}. Wait, then send them again.",
            wait,
        )


def _require_room(version: ModelVersion) -> None:
    going = ServingJob.objects.going().filter(project=version.project_id).count()
    if going >= settings.SERVING["waiting"]:
        raise TooMuch(
            f"{going} jobs of this project wait for a serving worker already. Wait until some are "
            "done, or cancel them.",
            10,
        )


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
