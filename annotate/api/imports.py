"""Files in: POST projects/{id}/import/ with the file as the body, or as the form field `file`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath
from typing import BinaryIO

from django.conf import settings
from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import interchange_schema as schema
from annotate.api.bodies import TooLarge, UnreadParser
from annotate.api.problems import problem
from annotate.api.query_parameters import read_flag, read_integer, read_pairs, refuse_unknown
from annotate.api.schema import Problem
from annotate.api.views import APIView
from annotate.interchange.registry import FORMATS, UnknownFormat, detect_file, get_format
from annotate.interchange.table import TABLE
from annotate.kinds import InvalidValue
from annotate.models import ImportRun, Project
from annotate.services.incoming.bad_rows import bad_rows
from annotate.services.incoming.import_runs import cancel_import, start_import
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.incoming.remembered_mappings import remember

CHUNK = 1 << 20
PARAMETERS = {
    "format": f"One of {', '.join(FORMATS)}; guessed from the file when left out.",
    "labels": "judgements (default) keeps labels as imported judgements; tasks asks people anew.",
    "dry_run": "1: check everything, write nothing.",
    "background": "1: answer 202 with an import run at once, import in the worker.",
    "overlap": "People per task; the project's when left out.",
    "priority": "0 to 1000; tasks of higher priority are handed out first.",
    "group": "Responses a task takes: auto (all, or pairs, or one, as fits), one, pairs, all.",
    "mapping": "Several times. For tables name:column, such as prompt:Question; for formats with "
    "ratings rating.criterion:name, such as rating.accuracy:correctness.",
    "label_value": "For tables, several times: value:meaning, such as left:a.",
    "remembered": "For tables, 1: mapped as the project's last background import of such columns.",
    "filename": "Helps the guess, and names the run.",
}


class ImportFile(APIView):
    costly = ("post",)
    parser_classes = [MultiPartParser, UnreadParser]

    @extend_schema(
        operation_id="import_file",
        examples=examples.IMPORT,
        parameters=[OpenApiParameter(name, str, description=d) for name, d in PARAMETERS.items()],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={
            200: schema.ImportReport,
            202: schema.ImportRun,
            (422, "application/problem+json"): Problem,
        },
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Import JSONL, a JSON array, CSV or TSV, plain or gzip, or Parquet.

        Bad rows are answered by line, field and message; the others are imported. 422 if every
        row was bad.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, PARAMETERS)
        options = _options(request)
        with uploaded_file(request) as (stream, name):
            if read_flag(request, "remembered"):
                options = _as_remembered(project, stream, options)
            format = _format(request, stream, name)
            if read_flag(request, "background"):
                run = start_import(
                    project=project,
                    actor=request.user,
                    upload=stream,
                    format=format,
                    options=options,
                    file_name=name,
                )
                return Response(run_body(run), 202)
            report = import_stream(
                project=project, actor=request.user, stream=stream, format=format, options=options
            )
        body = report.as_json()
        if report.error_count and not report.created + report.updated + report.skipped:
            first = report.errors[0]
            detail = f"No row could be imported. Line {first.line}: {first.message}"
            errors = body.pop("errors")
            answer = problem(422, "No row could be imported", detail, errors)
            answer.data |= body
            return answer
        return Response({"format": format, **body})


class ImportRunDetail(APIView):
    @extend_schema(operation_id="get_import", responses=schema.ImportRun)
    def get(self, request: Request, run_id: int) -> Response:
        """How far an import in the background is."""
        return Response(run_body(_run(request, run_id)))


class ImportRunCancel(APIView):
    @extend_schema(operation_id="cancel_import", request=None, responses=schema.ImportRun)
    def post(self, request: Request, run_id: int) -> Response:
        """Stop it after the batch it is at; what it imported stays."""
        run = _run(request, run_id)
        cancel_import(run=run, actor=request.user)
        run.refresh_from_db()
        return Response(run_body(run))


class ImportBadRows(APIView):
    @extend_schema(operation_id="list_bad_rows", responses={(200, "application/x-ndjson"): str})
    def get(self, request: Request, run_id: int) -> StreamingHttpResponse:
        """The refused rows as JSONL with their reasons; mend and send them again."""
        run = _run(request, run_id)
        return StreamingHttpResponse(bad_rows(run=run), content_type="application/x-ndjson")


def run_body(run: ImportRun) -> dict:
    return {
        "id": run.pk,
        "project": run.project_id,
        "file_name": run.file_name,
        "format": run.format,
        "state": run.state,
        "lines_read": run.progress,
        "lines": run.total,
        "percent": run.percent,
        "created": run.created_count,
        "updated": run.updated_count,
        "skipped": run.skipped_count,
        "error_count": run.error_count,
        "message": run.message,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def _run(request: Request, run_id: int) -> ImportRun:
    return access.get_in_project(request.user, ImportRun.objects.all(), run_id, access.MANAGE)


def _options(request: Request) -> ImportOptions:
    return ImportOptions(
        labels=request.query_params.get("labels", "judgements"),
        mapping=read_pairs(request, "mapping"),
        label_values=read_pairs(request, "label_value"),
        dry_run=read_flag(request, "dry_run"),
        overlap=read_integer(request, "overlap", None, low=1, high=100),
        priority=read_integer(request, "priority", 500, low=0, high=1000),
        group=request.query_params.get("group", "auto"),
    )


def _as_remembered(project: Project, stream: BinaryIO, options: ImportOptions) -> ImportOptions:
    """What the request says itself comes first."""
    try:
        found = remember(project, stream)
    except UnknownFormat as error:
        raise InvalidValue("remembered", str(error)) from error
    return replace(
        options,
        mapping=options.mapping or found.mapping,
        label_values=options.label_values or found.label_values,
    )


def _format(request: Request, stream: BinaryIO, name: str) -> str:
    chosen = request.query_params.get("format")
    try:
        if chosen:
            return get_format(chosen).name
        if read_flag(request, "remembered"):
            return TABLE.name
        return detect_file(stream, name)
    except UnknownFormat as error:
        raise InvalidValue("format", str(error)) from error


@contextmanager
def uploaded_file(request: Request) -> Iterator[tuple[BinaryIO, str]]:
    """The file, seekable and on disk, and its name: a raw body or the form field `file`."""
    plain = request._request
    name = request.query_params.get("filename", "")
    if plain.content_type == "multipart/form-data":
        upload = plain.FILES.get("file")
        if upload is None:
            raise InvalidValue("file", "the form has no such field; send the file under it")
        yield upload.file, name or upload.name
        return
    folder = settings.VAR_DIR / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as kept:
        size = 0
        while chunk := plain.read(CHUNK):
            size += len(chunk)
            if size > settings.MAX_UPLOAD_BYTES:
                limit = settings.MAX_UPLOAD_BYTES
                raise TooLarge(f"The file has more than {limit} bytes. Send it in parts.")
            kept.write(chunk)
        kept.seek(0)
        yield kept, PurePath(name).name


urlpatterns = [
    path("projects/<int:project_id>/import/", ImportFile.as_view(), name="api_import"),
    path("imports/<int:run_id>/", ImportRunDetail.as_view(), name="api_import_run"),
    path("imports/<int:run_id>/cancel/", ImportRunCancel.as_view(), name="api_import_cancel"),
    path("imports/<int:run_id>/bad-rows/", ImportBadRows.as_view(), name="api_import_bad_rows"),
]
