"""Preferences out: exports, judgements page by page, snapshots and their files."""

from django.core.exceptions import ValidationError
from django.http import Http404, StreamingHttpResponse
from django.urls import path, reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import interchange_schema as schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.query_parameters import read_time, refuse_unknown, time_parameter
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.formats import UnknownFormat
from annotate.kinds import InvalidValue
from annotate.models import Consensus, Judgement, Project, Snapshot, Voices
from annotate.models.judgement import JudgementQuerySet
from annotate.services.outgoing.consensus_export import stream_consensus
from annotate.services.outgoing.export_filters import FILTERS, ExportFilters
from annotate.services.outgoing.export_options import JSONL, MEDIA_TYPES, OPTIONS, ExportOptions
from annotate.services.outgoing.export_parameters import read_all
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshot_files import (
    FILE_MEDIA_TYPES,
    LINES,
    snapshot_files,
    stream_file,
)
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.people.pseudonyms import imported_pseudonym

PARAMETERS = {
    "format": f"One of {', '.join(EXPORT_FORMATS)}; trl when left out.",
    **{one.name: one.described for one in (*FILTERS, *OPTIONS)},
    "snapshot": "The number of a snapshot, in place of filters and rules; with format and "
    "file_type alone.",
    "aggregate": "What tasks came to by this method, a line each, in place of all else: "
    + ", ".join(Consensus.Method.values)
    + ".",
    "voices": f"With aggregate, whose labels: {', '.join(Voices.values)} (default human).",
}


class Export(APIView):
    costly = ("get",)

    @extend_schema(
        operation_id="export_preferences",
        examples=examples.EXPORT,
        parameters=[OpenApiParameter(name, str, description=d) for name, d in PARAMETERS.items()],
        responses={(200, type): str for type in MEDIA_TYPES.values()},
    )
    def get(self, request: Request, project_id: int) -> StreamingHttpResponse:
        """Preferences, marked spans or raw judgements as JSON lines or Parquet, streamed."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, PARAMETERS)
        format = request.query_params.get("format", "trl")
        if "aggregate" in request.query_params or "voices" in request.query_params:
            format = "consensus"
        try:
            lines = _lines(request, project, format)
        except UnknownFormat as error:
            raise InvalidValue("format", str(error)) from error
        file_type = request.query_params.get("file_type", JSONL)
        answer = StreamingHttpResponse(lines, content_type=MEDIA_TYPES[file_type])
        name = f"project-{project.pk}-{format}.{file_type}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


class JudgementList(APIView):
    @extend_schema(
        operation_id="list_judgements",
        parameters=[
            time_parameter("arrived_after", "Only what came here later; imports bring older ones.")
        ],
        responses=schema.JudgementPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """All judgements in the order in which they came, superseded ones too."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = _judgements(project)
        after = read_time(request, "arrived_after")
        return answer_page(request, rows.arrived_after(after) if after else rows, judgement_row)


class SnapshotList(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_snapshots", responses=schema.SnapshotPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's snapshots, oldest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return answer_page(request, project.snapshots.order_by("id"), snapshot_body)

    @extend_schema(
        operation_id="create_snapshot",
        examples=examples.SNAPSHOT,
        request=schema.NewSnapshot,
        responses={201: schema.Snapshot},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Freeze the judgements that the query selects now.

        Where the project's answers hold no preferences the rows are judgements, without rules.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"query", "tie_rule", "aggregation"})
        if not isinstance(body.get("query", {}), dict):
            raise InvalidValue("query", "must be an object of filters")
        for name in ("tie_rule", "aggregation"):
            if body.get(name, "") is None:
                raise InvalidValue(name, "must be a text; leave it out for what is usual")
        snapshot = create_snapshot(project=project, actor=request.user, **body)
        return Response(snapshot_body(snapshot), 201)


class SnapshotDetail(APIView):
    @extend_schema(operation_id="get_snapshot", responses=schema.Snapshot)
    def get(self, request: Request, snapshot_id: int) -> Response:
        """One snapshot: its rules, its size, its hash."""
        return Response(snapshot_body(_snapshot(request, snapshot_id, access.REVIEW)))


class SnapshotFiles(APIView):
    @extend_schema(operation_id="list_snapshot_files", responses=schema.SnapshotFile(many=True))
    def get(self, request: Request, snapshot_id: int) -> Response:
        """Its files and where they are: lines, Parquet in parts by split, consensus, the card."""
        snapshot = _snapshot(request, snapshot_id, access.REVIEW)
        return Response(
            [
                {
                    "name": file.name,
                    "split": file.split,
                    "media_type": FILE_MEDIA_TYPES[file.file_type],
                    "url": request.build_absolute_uri(
                        reverse("api_snapshot_file", args=[snapshot.pk, file.name])
                    ),
                }
                for file in snapshot_files(snapshot)
            ]
        )


class SnapshotFile(APIView):
    @extend_schema(
        operation_id="get_snapshot_file",
        responses={(200, type.partition(";")[0]): str for type in FILE_MEDIA_TYPES.values()},
    )
    def get(self, request: Request, snapshot_id: int, name: str) -> StreamingHttpResponse:
        """train.jsonl, test.jsonl (what training reads), consensus.jsonl, Parquet or the card."""
        snapshot = _snapshot(request, snapshot_id, access.MANAGE)
        files = {file.name: file for file in snapshot_files(snapshot)}
        if name not in files:
            raise Http404(f"No such file; there are: {', '.join(files)}.")
        file = files[name]
        answer = StreamingHttpResponse(
            stream_file(snapshot, file), content_type=FILE_MEDIA_TYPES[file.file_type]
        )
        content = snapshot.consensus_sha256 if file.is_consensus else snapshot.sha256
        answer["ETag"] = f'"{content}-{name}"'
        return answer


def judgement_row(row: Judgement) -> dict:
    return {
        "id": row.pk,
        "task": row.task_id,
        "kind": row.kind,
        "value": row.value,
        "source": row.source,
        "simulated": row.simulated,
        "annotator": row.annotator.pseudonym
        if row.annotator
        else imported_pseudonym(row.project_id, row.imported_author),
        "judge": str(row.judge) if row.judge else None,
        "rationale": row.rationale,
        "flag": row.flag,
        "shown_order": row.shown_order,
        "seconds_active": row.seconds_active,
        "started_at": row.started_at,
        "submitted_at": row.submitted_at,
        "arrived_at": row.arrived_at or row.submitted_at,
        "late": row.late,
        "supersedes": row.supersedes_id,
    }


def snapshot_body(snapshot: Snapshot) -> dict:
    return {
        "id": snapshot.pk,
        "project": snapshot.project_id,
        "number": snapshot.number,
        "query": snapshot.query,
        "holds": snapshot.holds,
        "tie_rule": snapshot.tie_rule,
        "aggregation": snapshot.aggregation,
        "split": snapshot.split,
        "row_format": snapshot.row_format,
        "rows": snapshot.rows,
        "sha256": snapshot.sha256,
        "consensus_rows": snapshot.consensus_rows,
        "consensus_sha256": snapshot.consensus_sha256,
        "consensus_at": snapshot.consensus_at,
        "files": list(LINES),
        "created_at": snapshot.created_at,
    }


def _judgements(project: Project) -> JudgementQuerySet:
    return project.judgements.select_related("annotator", "judge")


def _snapshot(request: Request, snapshot_id: int, roles: frozenset) -> Snapshot:
    return access.get_in_project(request.user, Snapshot.objects.all(), snapshot_id, roles)


def _lines(request: Request, project: Project, format: str):
    given = request.query_params
    if "aggregate" in given or "voices" in given:
        if set(given) - {"aggregate", "voices"}:
            raise ValidationError({"aggregate": "It takes voices alone; leave the others out."})
        return stream_consensus(
            project=project,
            method=given.get("aggregate", ""),
            voices=given.get("voices", Voices.HUMAN.value),
        )
    if "snapshot" in given:
        if set(given) - {"snapshot", "format", "file_type"}:
            raise ValidationError({"snapshot": "A snapshot carries its own filters and rules."})
        number = given["snapshot"]
        rows = project.snapshots.filter(number=int(number) if number.isdecimal() else 0)
        snapshot = rows.first() if len(number) < 10 else None
        if snapshot is None:
            raise Http404(f"The project has no snapshot {number[:20]}.")
        return stream_export(
            snapshot=snapshot, format=format, file_type=given.get("file_type", JSONL)
        )
    return stream_export(
        project=project,
        format=format,
        filters=ExportFilters(**read_all(FILTERS, given)),
        options=ExportOptions(**read_all(OPTIONS, given)),
    )


urlpatterns = [
    path("projects/<int:project_id>/export/", Export.as_view(), name="api_export"),
    path("projects/<int:project_id>/judgements/", JudgementList.as_view(), name="api_judgements"),
    path("projects/<int:project_id>/snapshots/", SnapshotList.as_view(), name="api_snapshots"),
    path("snapshots/<int:snapshot_id>/", SnapshotDetail.as_view(), name="api_snapshot"),
    path(
        "snapshots/<int:snapshot_id>/files/",
        SnapshotFiles.as_view(),
        name="api_snapshot_files",
    ),
    path(
        "snapshots/<int:snapshot_id>/files/<str:name>",
        SnapshotFile.as_view(),
        name="api_snapshot_file",
    ),
]
