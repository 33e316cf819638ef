"""REST for serving: scores from reward models, samples from policies, the jobs they become."""

import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import read_body
from annotate.api.paging import ById
from annotate.api.problems import Conflict, problem
from annotate.api.views import APIView
from annotate.kinds import InvalidValue
from annotate.models import JobState, Project
from training.api.serializers import page_of
from training.api.serving_serializers import (
    SampleRequest,
    ScoreRequest,
    ServedJob,
    ServedJobWithAnswers,
)
from training.models import ModelVersion, ServingJob
from training.services import serving
from training.services.serving_rows import SAMPLE_FIELDS, BadRows

LONGEST_WAIT = 30  # seconds that Prefer: wait= may ask for
TOKENS_OF_A_SCORE = 4  # a sampled token takes about as long as scoring a quarter of a response
PREFER = OpenApiParameter(
    "Prefer",
    str,
    "header",
    description="`wait=10`: so many seconds for the answers, 0 to 30; `respond-async`: none.",
)
REPLIES = {200: ServedJobWithAnswers, 202: ServedJob}
SCORE_EXAMPLE = OpenApiExample(
    "Request",
    value={
        "rows": [
            {
                "id": "q1",
                "prompt": "Name the longest river of Europe.",
                "responses": ["The Volga.", "The Danube, I think."],
            }
        ]
    },
    request_only=True,
)
SAMPLE_EXAMPLE = OpenApiExample(
    "Request",
    value={
        "rows": [{"id": "q1", "prompt": "Name the longest river of Europe."}],
        "n": 2,
        "max_new_tokens": 64,
        "temperature": 0.8,
        "seed": 7,
    },
    request_only=True,
)
_lines = threading.BoundedSemaphore(settings.SERVING["lines"])


class NewestFirst(ById):
    ordering = "-id"


class _Ask(APIView):
    """A token needs `read`: nothing of the project changes."""

    scope = "read"
    fields: tuple[str, ...] = ()
    in_service = False

    def queue(self, request: Request, version: ModelVersion, body: dict[str, Any]) -> ServingJob:
        raise NotImplementedError

    def answer(self, request: Request, version: ModelVersion) -> Response:
        body = read_body(
            request, known={"rows", "idempotency_key", *self.fields}, required=["rows"]
        )
        wait = _wait_of(request)
        try:
            job = self.queue(request, version, body)
        except BadRows as error:
            return problem(400, "Invalid input", str(error), error.errors)
        except serving.TooMuch as error:
            raise Throttled(error.wait, str(error)) from error
        except (serving.NotServed, serving.KeyUsed) as error:
            raise Conflict(str(error)) from error
        return _reply(job, wait)


class _AskScores(_Ask):
    def queue(self, request: Request, version: ModelVersion, body: dict[str, Any]) -> ServingJob:
        return serving.request_scores(
            version=version,
            actor=request.user,
            token=request.auth,
            in_service=self.in_service,
            **body,
        )


class _AskSamples(_Ask):
    fields = SAMPLE_FIELDS

    def queue(self, request: Request, version: ModelVersion, body: dict[str, Any]) -> ServingJob:
        config = {name: body.pop(name) for name in SAMPLE_FIELDS if name in body}
        return serving.request_samples(
            version=version,
            actor=request.user,
            token=request.auth,
            config=config,
            in_service=self.in_service,
            **body,
        )


class Scores(_AskScores):
    @extend_schema(
        operation_id="score_rows",
        parameters=[PREFER],
        examples=[SCORE_EXAMPLE],
        request=ScoreRequest,
        responses=REPLIES,
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Score responses with a version of a reward model.

        200 with the answers when they are soon there, else 202 with the job to ask again. A row
        that cannot be scored has an error for an answer; the others are scored.
        """
        return self.answer(request, _version(request, version_id))


class ScoresInService(_AskScores):
    in_service = True

    @extend_schema(
        operation_id="score_rows_in_service",
        parameters=[PREFER],
        examples=[SCORE_EXAMPLE],
        request=ScoreRequest,
        responses=REPLIES,
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Score responses with the reward model in service. Otherwise as for a version."""
        return self.answer(request, _in_service(request, project_id, "reward_model"))


class Samples(_AskSamples):
    @extend_schema(
        operation_id="sample_rows",
        parameters=[PREFER],
        examples=[SAMPLE_EXAMPLE],
        request=SampleRequest,
        responses=REPLIES,
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Draw responses from a version of a policy.

        200 with the answers when they are soon there, else 202 with the job to ask again.
        Responses are answered and forgotten: they do not become responses of the project.
        """
        return self.answer(request, _version(request, version_id))


class SamplesInService(_AskSamples):
    in_service = True

    @extend_schema(
        operation_id="sample_rows_in_service",
        parameters=[PREFER],
        examples=[SAMPLE_EXAMPLE],
        request=SampleRequest,
        responses=REPLIES,
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Draw responses from the policy in service. Otherwise as for a version."""
        return self.answer(request, _in_service(request, project_id, "policy"))


class Jobs(APIView):
    @extend_schema(operation_id="list_serving_jobs", responses=page_of(ServedJob))
    def get(self, request: Request, project_id: int) -> Response:
        """What was asked of the project's models, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        pages = NewestFirst()
        found = ServingJob.objects.of_project(project)
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(ServedJob(page, many=True).data)


class OneJob(APIView):
    @extend_schema(operation_id="get_serving_job", responses=ServedJob)
    def get(self, request: Request, job_id: int) -> Response:
        """How far a job is."""
        return Response(ServedJob(_job(request, job_id)).data)


class CancelJob(APIView):
    scope = "read"

    @extend_schema(operation_id="cancel_serving_job", request=None, responses=ServedJob)
    def post(self, request: Request, job_id: int) -> Response:
        """Ask a job to stop; what is answered stays. Without effect on one that is over."""
        job = _own_job(request, job_id)
        serving.cancel_job(job=job)
        return Response(ServedJob(job).data)


class Results(APIView):
    @extend_schema(
        operation_id="get_serving_results", responses={(200, "application/x-ndjson"): str}
    )
    def get(self, request: Request, job_id: int) -> Response | StreamingHttpResponse:
        """The answers as JSON lines, streamed, one a row in their order.

        409 while the job is under way; 410 once they have expired. Of a job that failed or was
        cancelled it holds what was answered before. For whoever asked, and managers.
        """
        job = _own_job(request, job_id)
        if not job.is_over:
            detail = f"Serving job {job.pk} is {job.state}: {job.progress} of {job.total} rows."
            return problem(409, "Conflict", f"{detail} Ask again, or cancel it.", Retry_After="1")
        if not job.pieces.exists():
            detail = f"The answers of serving job {job.pk} have expired. Send the rows again."
            return problem(410, "Gone", detail)
        lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in serving.answers_of(job))
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


def _version(request: Request, version_id: int) -> ModelVersion:
    found = ModelVersion.objects.select_related("run")
    return access.get_in_project(request.user, found, version_id, access.REVIEW)


def _in_service(request: Request, project_id: int, kind: str) -> ModelVersion:
    project: Project = access.get_project(request.user, project_id, access.REVIEW)
    try:
        return serving.version_in_service(project.pk, kind)
    except serving.NotServed as error:
        raise Conflict(str(error)) from error


def _job(request: Request, job_id: int, roles: frozenset = access.REVIEW) -> ServingJob:
    found = ServingJob.objects.select_related("model_version")
    return access.get_in_project(request.user, found, job_id, roles)


def _own_job(request: Request, job_id: int) -> ServingJob:
    """A job of the caller's own, or any for managers: others' texts are not theirs to read."""
    job = _job(request, job_id)
    return job if job.created_by_id == request.user.pk else _job(request, job_id, access.MANAGE)


def _wait_of(request: Request) -> float | None:
    """Seconds as the header Prefer (RFC 7240) asks for them; None if it does not."""
    text = request.headers.get("Prefer", "")
    if re.search(r"\brespond-async\b", text):
        return 0.0
    found = re.search(r"\bwait\s*=\s*\"?(\d{1,6})", text)
    if found is None:
        return None
    if int(found[1]) > LONGEST_WAIT:
        raise InvalidValue(
            "Prefer",
            "wait must be from 0 to {most} seconds; ask for the job later",
            most=LONGEST_WAIT,
        )
    return float(found[1])


def _reply(job: ServingJob, wait: float | None) -> Response:
    if wait is None:
        wait = settings.SERVING["wait"] if _is_small(job) else 0.0
    if wait and not job.is_over and _lines.acquire(blocking=False):
        try:
            _wait_for(job, wait)
        finally:
            _lines.release()
    if job.state == JobState.FAILED:
        return problem(422, "Not answered", job.message)
    answers = list(serving.answers_of(job)) if job.is_over else []
    if job.state == JobState.DONE and answers:
        return Response({**ServedJob(job).data, "answers": answers})
    headers = {"Location": f"/api/v1/serving/{job.pk}/", "Retry-After": "1"}
    return Response(ServedJob(job).data, 202, headers=headers)


def _is_small(job: ServingJob) -> bool:
    tokens = job.config.get("max_new_tokens", TOKENS_OF_A_SCORE)
    return job.size * tokens <= settings.SERVING["small"] * TOKENS_OF_A_SCORE


def _wait_for(job: ServingJob, seconds: float) -> None:
    """Look at the row until the job is over, ever more rarely, or the time is."""
    for pause in _pauses(seconds):
        time.sleep(pause)
        state = ServingJob.objects.values_list("state", flat=True).get(pk=job.pk)
        if state not in (JobState.QUEUED, JobState.RUNNING):
            break
    job.refresh_from_db()


def _pauses(seconds: float) -> Iterator[float]:
    deadline, pause = time.monotonic() + seconds, 0.02
    while time.monotonic() < deadline:
        yield pause
        pause = min(0.2, pause * 1.2)


IN_PROJECT = "projects/<int:project_id>"
urlpatterns = [
    path("training/models/<int:version_id>/scores/", Scores.as_view(), name="api_scores"),
    path("training/models/<int:version_id>/samples/", Samples.as_view(), name="api_samples"),
    path(
        f"{IN_PROJECT}/reward-model/scores/",
        ScoresInService.as_view(),
        name="api_scores_in_service",
    ),
    path(
        f"{IN_PROJECT}/policy/samples/", SamplesInService.as_view(), name="api_samples_in_service"
    ),
    path(f"{IN_PROJECT}/serving/", Jobs.as_view(), name="api_serving_jobs"),
    path("serving/<int:job_id>/", OneJob.as_view(), name="api_serving_job"),
    path("serving/<int:job_id>/cancel/", CancelJob.as_view(), name="api_cancel_serving_job"),
    path("serving/<int:job_id>/results/", Results.as_view(), name="api_serving_results"),
]
