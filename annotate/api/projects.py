"""Projects: make, list, read, change; their progress and agreement."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access, kinds
from annotate.api import examples, schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.models import Judgement, Membership, Project, Seat, Skip, Task, WorkRules
from annotate.quality.agreement import krippendorff_alpha, percent_agreement
from annotate.reports.agreement import SUGGESTED, agreement
from annotate.reports.labels import label_units
from annotate.reports.saved import saved_labels
from annotate.services import projects

SUGGESTED_TOO = OpenApiParameter(
    "suggested",
    str,
    enum=SUGGESTED,
    description="Of spans: leave out the marks that AI judges suggested, or (unaided) the answers "
    "of people who were shown any. By default all count.",
)


class ProjectView(APIView):
    """Reading asks for the scope `read`, changing for `manage`."""

    parser_classes = [PlainJSONParser]


class ProjectList(ProjectView):
    is_for_project_tokens = True  # the list has their project alone

    @extend_schema(operation_id="list_projects", responses=schema.ProjectPage)
    def get(self, request: Request) -> Response:
        """The caller's projects, oldest first."""
        mine = Project.objects.live().visible_to(request.user)
        roles = dict(Membership.objects.filter(user=request.user).values_list("project_id", "role"))
        return answer_page(request, mine, lambda row: project_body(row, roles.get(row.pk)))

    @extend_schema(
        operation_id="create_project",
        examples=examples.CREATE_PROJECT,
        request=schema.NewProject,
        responses={201: schema.Project},
    )
    @repeatable()
    def post(self, request: Request) -> Response:
        """Make a project; the caller owns it."""
        if request.user.only_project is not None:
            raise PermissionDenied("This token is for one project alone; it makes no other.")
        body = read_body(request, known=projects.FIELDS, required=["name"])
        project = projects.create_project(actor=request.user, address=_address(request), **body)
        return Response(project_body(project, Membership.Role.OWNER), 201)


class ProjectDetail(Tagged, ProjectView):
    row = "project_id"
    locked = Project.objects.select_for_update(no_key=True)

    @extend_schema(operation_id="get_project", responses=schema.Project)
    def get(self, request: Request, project_id: int) -> Response:
        """One project."""
        project = access.get_project(request.user, project_id)
        return Response(project_body(project, _role(project)))

    @extend_schema(
        operation_id="change_project",
        examples=[
            examples.request(
                {"overlap": 3, "guidelines": "Prefer the **true** answer; then the shorter one."}
            )
        ],
        request=schema.ProjectChange,
        responses=schema.Project,
    )
    @if_match
    def patch(self, request: Request, project_id: int) -> Response:
        """Change what is given. A new overlap opens or voids seats, a new order moves them."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        role = _role(project)
        body = read_body(request, known=projects.FIELDS)
        project = projects.update_project(
            project=project, actor=request.user, address=_address(request), **body
        )
        return Response(project_body(project, role))

    @extend_schema(operation_id="archive_project", responses={204: None})
    @if_match
    def delete(self, request: Request, project_id: int) -> Response:
        """Archive the project: it is seen no more, its rows stay. Owners only."""
        project = access.get_project(request.user, project_id, access.OWN)
        projects.archive_project(project=project, actor=request.user, address=_address(request))
        return Response(status=204)


class ProjectProgress(ProjectView):
    @extend_schema(operation_id="get_progress", responses=schema.Progress)
    def get(self, request: Request, project_id: int) -> Response:
        """How much is done, and by whom: people, judges, imports.

        Where hidden items are mixed in, annotators get counts rounded down to tens.
        """
        project = access.get_project(request.user, project_id)
        member = project.membership
        counts = {name: of(project) for name, of in COUNTS.items() if self.asks_for(name)}
        if member is not None and member.role == Membership.Role.ANNOTATOR and _is_checked(project):
            counts = _in_tens(counts)
        return Response({**counts, "mine": member.done_count if member else 0})


class ProjectAgreement(ProjectView):
    costly = ("get",)

    @extend_schema(
        operation_id="get_agreement", parameters=[SUGGESTED_TOO], responses=schema.Agreement
    )
    def get(self, request: Request, project_id: int) -> Response:
        """How far people agree, over the tasks that two or more of them judged."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, ["suggested"])
        suggested = request.query_params.get("suggested", "include")
        clean_choice("suggested", suggested, SUGGESTED)
        if project.kind != kinds.pairwise.NAME:
            return Response(_agreement_by_distance(project, suggested))
        found = label_units(project)
        units = {labels: times for labels, times in found.items() if len(labels) > 1}
        labels: dict[str, int] = {}
        for unit, times in units.items():
            for label in unit:
                labels[label] = labels.get(label, 0) + times
        return Response(
            {
                "tasks": sum(units.values()),
                "judgements": sum(labels.values()),
                "percent_agreement": percent_agreement(units),
                "krippendorff_alpha": krippendorff_alpha(units),
                "labels": labels,
            }
        )


def _agreement_by_distance(project: Project, suggested: str) -> dict:
    found = agreement(project, suggested)
    return {
        "tasks": found.tasks,
        "judgements": found.judgements,
        "percent_agreement": None if found.percent is None else found.percent / 100,
        "krippendorff_alpha": found.alpha,
        "labels": {},
    }


def _seats(project: Project) -> dict[str, int]:
    counts = Seat.objects.counts_by_state([project.pk]).get(project.pk, {})
    return dict.fromkeys(Seat.State.values, 0) | counts


def _tasks_complete(project: Project) -> int:
    left = Exists(
        Seat.objects.ordinary().filter(
            task=OuterRef("pk"), state__in=[Seat.State.OPEN, Seat.State.LEASED]
        )
    )
    people = Task.objects.filter(project=project).exclude(route=Task.Route.AI)
    return people.filter(~left).count()


def _judgements(project: Project) -> dict[str, int]:
    labels = Judgement.objects.labels().filter(project=project)
    return dict.fromkeys(Judgement.Source.values, 0) | _tally(labels, "source")


# One query each; seats and tasks from one index, judgements are labels.
COUNTS: dict[str, Callable[[Project], Any]] = {
    "tasks": lambda project: Task.objects.filter(project=project).count(),
    "tasks_complete": _tasks_complete,
    "seats": _seats,
    "judgements": _judgements,
    "labels_saved": lambda project: (
        None if project.overlap_most is None else saved_labels(project).saved
    ),
    "skips": lambda project: Skip.objects.filter(task__project=project).count(),
}


def _is_checked(project: Project) -> bool:
    return WorkRules.objects.filter(project=project, gold_percent__gt=0).exists()


def _in_tens(counts: dict) -> dict:
    """Else whoever reads them after each answer sees which one was not counted."""
    return {
        name: _in_tens(one) if isinstance(one, dict) else None if one is None else one // 10 * 10
        for name, one in counts.items()
    }


def _tally(rows: QuerySet, field: str) -> dict[str, int]:
    return {row[field]: row["n"] for row in rows.order_by().values(field).annotate(n=Count("*"))}


def project_body(project: Project, role: str | None) -> dict:
    return {
        "id": project.pk,
        "role": role,
        **{name: getattr(project, name) for name in sorted(projects.FIELDS)},
        "created_at": project.created_at,
    }


def _role(project: Project) -> str | None:
    return project.membership.role if project.membership else None


def _address(request: Request) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


urlpatterns = [
    path("projects/", ProjectList.as_view(), name="api_projects"),
    path("projects/<int:project_id>/", ProjectDetail.as_view(), name="api_project"),
    path(
        "projects/<int:project_id>/progress/",
        ProjectProgress.as_view(),
        name="api_project_progress",
    ),
    path(
        "projects/<int:project_id>/agreement/",
        ProjectAgreement.as_view(),
        name="api_project_agreement",
    ),
]
