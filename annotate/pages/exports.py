"""Preferences out: downloads as they are now, and snapshots that never change."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.forms import Form
from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.preferences import AGGREGATIONS, TIE_RULES
from annotate.kinds import spans
from annotate.models import GoldCheck, LabelFlip, Project, Snapshot
from annotate.services.outgoing.criteria_asked import criteria_of
from annotate.services.outgoing.export_filters import FILTERS, ExportFilters
from annotate.services.outgoing.export_options import (
    JSONL,
    MEDIA_TYPES,
    OF_PAIRS,
    OPTIONS,
    SNAPSHOT_RULES,
    ExportOptions,
)
from annotate.services.outgoing.export_parameters import Parameter, read_all
from annotate.services.outgoing.exports import (
    allowed_options,
    formats_of,
    holds_orders,
    holds_pairs,
    stream_export,
)
from annotate.services.outgoing.snapshot_files import (
    CARD,
    folder_name,
    snapshot_files,
    stream_archive,
    stream_file,
)
from annotate.services.outgoing.snapshots import create_snapshot as freeze
from annotate.services.review.review_stages import is_used


def _words(name: str) -> dict[str, Promise]:
    """The values of a choice with their words."""
    [found] = [one for one in (*FILTERS, *OPTIONS) if one.name == name]
    return {value: _(words) for value, words in found.words.items()}


SOURCES, SIMULATED = _words("source"), _words("simulated")
RULES = tuple(one.name for one in SNAPSHOT_RULES)


def _field(one: Parameter) -> forms.Field:
    said = {"label": _(one.label), "help_text": _(one.hint) if one.hint else "", "required": False}
    if one.words:
        choices = [(value, _(words)) for value, words in one.words.items()]
        return forms.ChoiceField(choices=choices, **said)
    if one.sort == "flag":
        return forms.BooleanField(**said)
    if one.sort == "date":
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **said)
    if one.sort == "share":
        bounds = {"min": "0", "max": "1", "step": "0.05"}
        return forms.CharField(widget=forms.NumberInput(attrs=bounds), **said)
    return forms.CharField(**said)


class SelectionForm(forms.Form):
    """Which judgements, under which rules: a field for every parameter that the project has a use
    for, or that was given all the same.
    """

    parameters = FILTERS

    def __init__(self, data=None, *, project: Project, **options) -> None:
        super().__init__(data, **options)
        useless = _useless(project)
        for one in self.parameters:
            if one.name not in useless or self.add_prefix(one.name) in self.data:
                self.fields[one.name] = _field(one)
        if "team" in self.fields:
            names = project.teams.order_by("name").values_list("name", flat=True)
            field = self.fields["team"]
            self.fields["team"] = forms.ChoiceField(
                choices=[("", _("everybody")), *((name, name) for name in names)],
                label=field.label,
                required=False,
            )

    def _given(self, parameters: Iterable[Parameter]) -> dict[str, Any]:
        """The values of what was filled in. Raises RefusedChoice."""
        values = self.cleaned_data
        texts = {
            one.name: "1" if values[one.name] is True else values[one.name]
            for one in parameters
            if values.get(one.name)
        }
        return read_all(parameters, texts)

    @property
    def filters(self) -> dict[str, Any]:
        """As ExportFilters takes them."""
        return self._given(FILTERS)


def _useless(project: Project) -> set[str]:
    """The parameters that the project's answers have nothing to tell by."""
    asked = Form.of_project(project).asked_kinds
    used = {
        "norming": project.norming_sessions.exists(),
        "review": bool(project.review_percent) or is_used(project),
        "gold": GoldCheck.objects.filter(project=project).exists(),
        "flipped": LabelFlip.objects.filter(judgement__project=project).exists(),
        "suggested": spans.NAME in asked,
        "team": project.teams.exists(),
        "judge": project.judges.exists(),
        "pairs": holds_orders(project),
        "criterion": bool(criteria_of(project)),
        "category": spans.NAME in asked,
        **dict.fromkeys(set(OF_PAIRS) - {"pairs", "criterion"}, holds_pairs(project)),
    }
    return {name for name, is_of_use in used.items() if not is_of_use}


class SnapshotForm(SelectionForm):
    """A snapshot of preferences under rules, or of judgements as they are."""

    parameters = (
        *(one for one in FILTERS if one.name not in ("split", "superseded")),
        *SNAPSHOT_RULES,
    )

    def __init__(self, data=None, *, project: Project) -> None:
        super().__init__(data, prefix="snapshot", project=project)


class ExportForm(SelectionForm):
    """A download."""

    parameters = (*FILTERS, *OPTIONS)
    format = forms.ChoiceField(label=_("Format"))
    field_order = ["format", "file_type"]

    def __init__(self, data=None, *, project: Project) -> None:
        super().__init__(data, project=project)
        formats = [EXPORT_FORMATS[name] for name in formats_of(project)]
        self.fields["format"].choices = [(f.name, _(f.title)) for f in formats]
        self.order_fields(self.field_order)

    @property
    def rules(self) -> ExportOptions:
        """Those of the fields that the chosen format knows, and the rules of preferences, which
        exporting refuses at their field where the format has no place for them. Raises
        RefusedChoice.
        """
        known = {*allowed_options(EXPORT_FORMATS[self.cleaned_data["format"]]), *OF_PAIRS}
        return ExportOptions(**self._given([one for one in OPTIONS if one.name in known]))


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
    form = ExportForm(request.GET, project=project)
    if not form.is_valid():
        return _page(request, project, form=form, status=422)
    values = form.cleaned_data
    try:
        stream = stream_export(
            project=project,
            format=values["format"],
            filters=ExportFilters(**form.filters),
            options=form.rules,
        )
    except ValidationError as error:
        _tell(form, error)
        return _page(request, project, form=form, status=422)
    file_type = values.get("file_type") or JSONL
    name = f"{slugify(project.name) or 'project'}-{values['format']}.{file_type}"
    return _file(stream, name, MEDIA_TYPES[file_type])


@login_required
@require_POST
def create_snapshot(request: HttpRequest, project_id: int) -> HttpResponse:
    """Freeze what is selected now."""
    project = get_project(request.user, project_id, MANAGE)
    form = SnapshotForm(request.POST, project=project)
    if form.is_valid():
        values = form.cleaned_data
        try:
            found = freeze(
                project=project,
                actor=request.user,
                query=form.filters,
                **{name: values[name] for name in RULES if values.get(name)},
            )
        except ValidationError as error:
            _tell(form, error)
        else:
            messages.success(
                request,
                _("Snapshot %(number)s holds %(rows)s rows.")
                % {"number": found.number, "rows": found.rows},
            )
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
        "formats": [EXPORT_FORMATS[name] for name in formats_of(found.project, found)],
        "judgements": found.items.count(),
        "source": SOURCES.get(found.query.get("source", "all")),
        "simulated": SIMULATED.get(found.query.get("simulated", "include")),
        "filters": _narrowed(found.query),
        "turned": found.items.exclude(flip=None).count(),
        "ties": _(TIE_RULES[found.tie_rule]) if found.tie_rule else "",
        "aggregation": _(AGGREGATIONS[found.aggregation]) if found.aggregation else "",
    }
    return render(request, "annotate/projects/snapshot.html", context)


def _narrowed(query: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, label and words of every filter that is not at its default, beside the two that are
    always told.
    """
    given = [one for one in FILTERS if query.get(one.name, one.default) != one.default]
    return [
        (one.name, _(one.label), _said(one, query[one.name]))
        for one in given
        if one.name not in ("source", "simulated")
    ]


def _said(one: Parameter, value: Any) -> str:
    if one.sort == "flag":
        return gettext("yes")
    return gettext(one.words[value]) if value in one.words else str(value)


@login_required
@require_safe
def download_snapshot(request: HttpRequest, snapshot_id: int, format: str) -> HttpResponse:
    """A snapshot's rows under its own rules."""
    found = get_in_project(request.user, Snapshot.objects.all(), snapshot_id, MANAGE)
    if format not in formats_of(found.project, found):
        raise Http404(f"There is no format {format}.")
    file_type = request.GET.get("file_type", JSONL)
    if file_type not in MEDIA_TYPES:
        raise Http404(f"There is no type of file {file_type}.")
    stream = stream_export(snapshot=found, format=format, file_type=file_type)
    name = f"snapshot-{found.number}-{format}.{file_type}"
    return _file(stream, name, MEDIA_TYPES[file_type])


@login_required
@require_safe
def download_snapshot_card(request: HttpRequest, snapshot_id: int) -> HttpResponse:
    """Its data card, if it was made with one."""
    found = get_in_project(request.user, Snapshot.objects.all(), snapshot_id, MANAGE)
    if not found.card:
        raise Http404("This snapshot is from before there were data cards.")
    response = HttpResponse(found.card, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{CARD}"'
    return response


@login_required
@require_safe
def download_snapshot_folder(request: HttpRequest, snapshot_id: int) -> HttpResponse:
    """All of its rows as Parquet by split, in one archive."""
    found = get_in_project(request.user, Snapshot.objects.all(), snapshot_id, MANAGE)
    name = folder_name(found)
    return _file(stream_archive(found), f"{name}.zip", "application/zip")


@login_required
@require_safe
def download_snapshot_consensus(
    request: HttpRequest, snapshot_id: int, file_type: str
) -> HttpResponse:
    """What its tasks came to, if it was made with that."""
    found = get_in_project(request.user, Snapshot.objects.all(), snapshot_id, MANAGE)
    files = [
        file for file in snapshot_files(found) if file.is_consensus and file.file_type == file_type
    ]
    if not files:
        raise Http404("This snapshot has no such file of a consensus.")
    name = f"snapshot-{found.number}-consensus.{file_type}"
    return _file(stream_file(found, files[0]), name, MEDIA_TYPES[file_type])


def _tell(form: forms.Form, error: ValidationError) -> None:
    """At the fields that it names, if the form has them."""
    said = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, messages_ in said.items():
        form.add_error(name if name in form.fields else None, messages_)


def _file(stream, name: str, media_type: str = MEDIA_TYPES[JSONL]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(stream, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    snapshots = Snapshot.objects.filter(project=project).select_related("created_by")
    context = {
        "project": project,
        "tab": "exports",
        "form": ExportForm(project=project),
        "snapshot_form": SnapshotForm(project=project),
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
        "snapshots/<int:snapshot_id>/README.md",
        download_snapshot_card,
        name="download_snapshot_card",
    ),
    path(
        "snapshots/<int:snapshot_id>/folder.zip",
        download_snapshot_folder,
        name="download_snapshot_folder",
    ),
    path(
        "snapshots/<int:snapshot_id>/consensus.<str:file_type>",
        download_snapshot_consensus,
        name="download_snapshot_consensus",
    ),
    path(
        "snapshots/<int:snapshot_id>/download/<str:format>/",
        download_snapshot,
        name="download_snapshot",
    ),
]
