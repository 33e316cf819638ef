"""Two snapshots of a project side by side: what came, what went, what changed."""

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import interchange_schema as schema
from annotate.api.interchange import judgement_row
from annotate.api.paging import ById
from annotate.api.query_parameters import read_integer, refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import BIGINT_MAX
from annotate.kinds import InvalidValue
from annotate.models import Snapshot
from annotate.reports.snapshot_changes import (
    CHANGES,
    changed_judgements,
    changes_of,
    compare_snapshots,
)
from annotate.reports.snapshot_consensus import (
    SHIFTS,
    compare_consensus,
    shifted_consensus,
    shifts_of,
)

WITH = OpenApiParameter(
    "with",
    {"type": "integer", "minimum": 1, "maximum": BIGINT_MAX},
    required=True,
    description="The older snapshot, of the same project.",
)
SHIFT = OpenApiParameter("shift", str, enum=list(SHIFTS), description="Only these.")
CHANGE = OpenApiParameter("change", str, enum=list(CHANGES), description="Only these.")


class SnapshotComparison(APIView):
    costly = ("get",)

    @extend_schema(
        operation_id="compare_snapshots",
        parameters=[WITH],
        responses=schema.SnapshotComparison,
    )
    def get(self, request: Request, snapshot_id: int) -> Response:
        """How many judgements came, went and changed since an older one; likewise consensus."""
        refuse_unknown(request, ["with"])
        older, newer = _both(request, snapshot_id)
        found, consensus = compare_snapshots(older, newer), compare_consensus(older, newer)
        return Response(
            {
                "older": older.pk,
                "newer": newer.pk,
                "same": found.same,
                "counts": [
                    dict(zip(("change", "cause", "count"), row, strict=True))
                    for row in found.counts
                ],
                "settings": [
                    dict(zip(("name", "older", "newer"), row, strict=True))
                    for row in found.settings
                ],
                "consensus": {
                    "same": consensus.same,
                    "counts": [
                        dict(zip(("shift", "count"), row, strict=True)) for row in consensus.counts
                    ],
                },
            }
        )


class SnapshotChanges(APIView):
    @extend_schema(
        operation_id="list_snapshot_changes",
        parameters=[WITH, CHANGE],
        responses=schema.SnapshotChangePage,
    )
    def get(self, request: Request, snapshot_id: int) -> Response:
        """The judgements that came, went or changed since an older snapshot, in order of id."""
        refuse_unknown(request, ["with", "change", "cursor", "page_size"])
        older, newer = _both(request, snapshot_id)
        change = request.query_params.get("change", "")
        if "change" in request.query_params and change not in CHANGES:
            raise InvalidValue("change", f"must be one of {', '.join(CHANGES)}")
        rows = changed_judgements(older, newer, change).select_related("annotator", "judge")
        paginator = ById()
        page = paginator.paginate_queryset(rows, request)
        told = changes_of(older, newer, [row.pk for row in page])
        return paginator.get_paginated_response(
            [
                {
                    **{name: body[name] for name in ("id", "task", "source", "annotator", "judge")},
                    "change": told[body["id"]].change,
                    "cause": told[body["id"]].cause,
                    "instead_of": told[body["id"]].instead_of,
                }
                for body in map(judgement_row, page)
            ]
        )


class SnapshotConsensusChanges(APIView):
    @extend_schema(
        operation_id="list_snapshot_consensus_changes",
        parameters=[WITH, SHIFT],
        responses=schema.ConsensusChangePage,
    )
    def get(self, request: Request, snapshot_id: int) -> Response:
        """What tasks came to that has changed since an older snapshot, a row a task and method."""
        refuse_unknown(request, ["with", "shift", "cursor", "page_size"])
        older, newer = _both(request, snapshot_id)
        shift = request.query_params.get("shift", "")
        if "shift" in request.query_params and shift not in SHIFTS:
            raise InvalidValue("shift", f"must be one of {', '.join(SHIFTS)}")
        paginator = ById()
        page = paginator.paginate_queryset(shifted_consensus(older, newer, shift), request)
        told = shifts_of(older, newer, [row.pk for row in page])
        return paginator.get_paginated_response(
            [
                {
                    "snapshot": row.snapshot_id,
                    **{"task": row.task_id, "voices": row.voices, "method": row.method},
                    **{"version": row.version, "votes": row.votes, "answers": row.answers},
                    **{"entropy": row.entropy, "divided": row.divided},
                    "shift": told[row.pk],
                }
                for row in page
            ]
        )


def _both(request: Request, snapshot_id: int) -> tuple[Snapshot, Snapshot]:
    newer = access.get_in_project(request.user, Snapshot.objects.all(), snapshot_id, access.REVIEW)
    number = read_integer(request, "with", None, low=1)
    others = newer.project.snapshots.exclude(pk=newer.pk)
    older = others.filter(pk=number).first() if number else None
    if older is None:
        known = others.order_by("-pk").values_list("pk", flat=True)[:20]
        raise InvalidValue(
            "with",
            "must be another snapshot of the project; the latest: {known}",
            known=", ".join(map(str, known)) or "–",
        )
    return older, newer


urlpatterns = [
    path(
        "snapshots/<int:snapshot_id>/comparison/",
        SnapshotComparison.as_view(),
        name="api_snapshot_comparison",
    ),
    path(
        "snapshots/<int:snapshot_id>/changes/",
        SnapshotChanges.as_view(),
        name="api_snapshot_changes",
    ),
    path(
        "snapshots/<int:snapshot_id>/consensus-changes/",
        SnapshotConsensusChanges.as_view(),
        name="api_snapshot_consensus_changes",
    ),
]
