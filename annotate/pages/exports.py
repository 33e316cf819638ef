"""Preferences out: downloads as they are now, and snapshots that never change."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.preferences import AGGREGATIONS, TIE_RULES
from annotate.models import Project, Snapshot
from annotate.services.exports import ExportOptions, stream_export
from annotate.services.selection import ExportFilters
from annotate.services.snapshots import create_snapshot as freeze

SOURCES = {
    "all": "people, AI judges and imported labels",
    "people": "people only",
    "judges": "AI judges only",
    "imported": "imported labels only",
    "human": "people and imported labels",
}
SIMULATED = {
    "include": "with simulated people",
    "exclude": "without simulated people",
    "only": "simulated people only",
}
SPLITS = {"all": "all prompts", "train": "training prompts", "test": "held-out prompts"}
RAW = "raw"


class SelectionForm(forms.Form):
    """Which judgements, under which rules."""

    source = forms.ChoiceField(choices=SOURCES.items(), label="Judged by")
    simulated = forms.ChoiceField(choices=SIMULATED.items())
    tie_rule = forms.ChoiceField(choices=TIE_RULES.items(), label="Ties")
    aggregation = forms.ChoiceField(choices=AGGREGATIONS.items(), label="Several judgements")


class ExportForm(SelectionForm):
    """A download."""

    format = forms.ChoiceField(
        choices=[(f.name, f.title) for f in EXPORT_FORMATS.values()], label="Format"
    )
    split = forms.ChoiceField(choices=SPLITS.items(), label="Prompts")
    field_order = ["format", "source", "simulated", "split", "tie_rule", "aggregation"]


@login_required
@require_safe
def exports(request: HttpRequest, project_id: int) -> HttpResponse:
    """The form for a download, and the snapshots."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_safe
def download_export(request: HttpRequest, project_id: int) -> HttpResponse:
    """The judgements as JSON lines, streamed."""
    project = get_project(request.user, project_id, MANAGE)
    form = ExportForm(request.GET)
    if not form.is_valid():
        return _page(request, project, form=form, status=422)
    values = form.cleaned_data
    rules = ExportOptions(values["tie_rule"], values["aggregation"])
    try:
        stream = stream_export(
            project=project,
            format=values["format"],
            filters=ExportFilters(values["source"], values["simulated"], values["split"]),
            options=None if values["format"] == RAW else rules,
        )
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _page(request, project, form=form, status=422)
    return _file(stream, f"{slugify(project.name) or 'project'}-{values['format']}.jsonl")


@login_required
@require_POST
def create_snapshot(request: HttpRequest, project_id: int) -> HttpResponse:
    """Freeze what is selected now."""
    project = get_project(request.user, project_id, MANAGE)
    form = SelectionForm(request.POST, prefix="snapshot")
    if form.is_valid():
        values = form.cleaned_data
        try:
            found = freeze(
                project=project,
                actor=request.user,
                query={"source": values["source"], "simulated": values["simulated"]},
                tie_rule=values["tie_rule"],
                aggregation=values["aggregation"],
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, f"Snapshot {found.number} holds {found.rows} rows.")
            return redirect("snapshot", found.pk)
    return _page(request, project, snapshot_form=form, status=422)


@login_required
@require_safe
def snapshot(request: HttpRequest, snapshot_id: int) -> HttpResponse:
    """One snapshot: what selected it, its hash, its files."""
    rows = Snapshot.objects.select_related("created_by")
    found = get_in_project(request.user, rows, snapshot_id, MANAGE)
    context = {
        "project": found.project,
        "tab": "exports",
        "snapshot": found,
        "formats": EXPORT_FORMATS.values(),
        "judgements": found.items.count(),
        "source": SOURCES.get(found.query.get("source", "all")),
        "simulated": SIMULATED.get(found.query.get("simulated", "include")),
        "ties": TIE_RULES.get(found.tie_rule, found.tie_rule),
        "aggregation": AGGREGATIONS.get(found.aggregation, found.aggregation),
    }
    return render(request, "annotate/projects/snapshot.html", context)


@login_required
@require_safe
def download_snapshot(request: HttpRequest, snapshot_id: int, format: str) -> HttpResponse:
    """A snapshot's rows under its own rules."""
    found = get_in_project(request.user, Snapshot.objects.all(), snapshot_id, MANAGE)
    if format not in EXPORT_FORMATS:
        raise Http404(f"There is no format {format}.")
    stream = stream_export(snapshot=found, format=format)
    return _file(stream, f"snapshot-{found.number}-{format}.jsonl")


def _file(stream, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(stream, content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    snapshots = Snapshot.objects.filter(project=project).select_related("created_by")
    context = {
        "project": project,
        "tab": "exports",
        "form": ExportForm(),
        "snapshot_form": SelectionForm(prefix="snapshot"),
        "snapshots": snapshots.order_by("-number")[:100],
        "has_judgements": project.judgements.exists(),
        **more,
    }
    return render(request, "annotate/projects/exports.html", context, status=status)


urlpatterns = [
    path("projects/<int:project_id>/export/", exports, name="exports"),
    path("projects/<int:project_id>/export/download/", download_export, name="download_export"),
    path("projects/<int:project_id>/snapshots/new/", create_snapshot, name="create_snapshot"),
    path("snapshots/<int:snapshot_id>/", snapshot, name="snapshot"),
    path(
        "snapshots/<int:snapshot_id>/download/<str:format>/",
        download_snapshot,
        name="download_snapshot",
    ),
]
