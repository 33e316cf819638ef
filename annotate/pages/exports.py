"""Preferences out: downloads as they are now, and snapshots that never change."""

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.finegrained.labels import CATEGORIES
from annotate.forms import Form
from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.pair_choice import PAIRS
from annotate.interchange.preferences import AGGREGATIONS, TIE_RULES
from annotate.kinds import spans
from annotate.models import GoldCheck, LabelFlip, Project, Snapshot
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import (
    ExportOptions,
    formats_of,
    holds_orders,
    holds_pairs,
    stream_export,
)
from annotate.services.outgoing.snapshots import create_snapshot as freeze
from annotate.services.review.review_stages import is_used

SOURCES = {
    "all": _("people, AI judges and imported labels"),
    "people": _("people only"),
    "judges": _("AI judges only"),
    "imported": _("imported labels only"),
    "human": _("people and imported labels"),
}
SIMULATED = {
    "include": _("with simulated people"),
    "exclude": _("without simulated people"),
    "only": _("simulated people only"),
}
SPLITS = {"all": _("all prompts"), "train": _("training prompts"), "test": _("held-out prompts")}
SUGGESTED = {
    "include": _("all answers"),
    "unaided": _("only those of people who were shown none"),
}
FLIPPED = {
    "as_judged": _("as the judge gave them"),
    "turned": _("turned round"),
    "left_out": _("left out"),
}
REVIEWED = {
    "any": _("whether reviewed or not, but not dismissed"),
    "final": _("final: accepted, or not in need of a review"),
    "accepted": _("accepted by a reviewer"),
}
GOLD = {
    "without": _("left out"),
    "with": _("with all others"),
    "only": _("these alone"),
}
NORMING = {
    "exclude": _("left out"),
    "include": _("among the others"),
    "only": _("these alone"),
}
RULES = ("tie_rule", "aggregation")


def _in_words(choices: Mapping[str, str]) -> list[tuple[str, Promise]]:
    return [(name, _(words)) for name, words in choices.items()]


class SelectionForm(forms.Form):
    """Which judgements, under which rules."""

    source = forms.ChoiceField(choices=SOURCES.items(), label=_("Judged by"))
    simulated = forms.ChoiceField(choices=SIMULATED.items(), label=_("Simulated people"))
    suggested = forms.ChoiceField(
        choices=SUGGESTED.items(), label=_("What judges suggested"), required=False
    )
    team = forms.ChoiceField(label=_("Team"), required=False)
    tie_rule = forms.ChoiceField(choices=_in_words(TIE_RULES), label=_("Ties"))
    aggregation = forms.ChoiceField(choices=_in_words(AGGREGATIONS), label=_("Several judgements"))
    flipped = forms.ChoiceField(
        choices=FLIPPED.items(),
        label=_("Labels that a second look turned round"),
        help_text=_("See Routing. They are as the judge gave them unless you choose otherwise."),
    )

    review = forms.ChoiceField(choices=REVIEWED.items(), label=_("Stage of review"), required=False)
    gold = forms.ChoiceField(
        choices=GOLD.items(), label=_("Answers to hidden items with a known answer")
    )

    norming = forms.ChoiceField(
        choices=NORMING.items(), label=_("Answers of norming sessions"), required=False
    )

    def __init__(self, data=None, *, project: Project, **options) -> None:
        super().__init__(data, **options)
        if not project.norming_sessions.exists():
            del self.fields["norming"]
        if not project.review_percent and not is_used(project):
            del self.fields["review"]
        if not GoldCheck.objects.filter(project=project).exists():
            del self.fields["gold"]
        if not LabelFlip.objects.filter(judgement__project=project).exists():
            del self.fields["flipped"]
        if spans.NAME not in Form.of_project(project).asked_kinds:
            del self.fields["suggested"]
        teams = list(project.teams.order_by("name").values_list("name", flat=True))
        self.fields["team"].choices = [("", _("everybody")), *((name, name) for name in teams)]
        if not teams:
            del self.fields["team"]

    @property
    def filters(self) -> dict[str, str]:
        """As ExportFilters takes them."""
        names = (
            "source",
            "simulated",
            "split",
            "suggested",
            "flipped",
            "gold",
            "review",
            "norming",
            "team",
        )
        values = self.cleaned_data
        return {name: values[name] for name in names if values.get(name)}


class SnapshotForm(SelectionForm):
    """A snapshot of preferences under rules, or of judgements as they are."""

    def __init__(self, data=None, *, project: Project) -> None:
        super().__init__(data, prefix="snapshot", project=project)
        if not holds_pairs(project):
            for name in RULES:
                del self.fields[name]


class ExportForm(SelectionForm):
    """A download."""

    format = forms.ChoiceField(label=_("Format"))
    pairs = forms.ChoiceField(choices=_in_words(PAIRS), label=_("Pairs of one answer"))
    split = forms.ChoiceField(choices=SPLITS.items(), label=_("Prompts"))
    category = forms.ChoiceField(
        choices=[
            ("all", _("of every category")),
            *((one.name, _(one.title)) for one in CATEGORIES.values()),
        ],
        label=_("Labels made from spans"),
    )
    metadata = forms.BooleanField(
        required=False,
        label=_("Metadata of prompts"),
        help_text=_("As files brought it along: it may name people. Of raw and feedback rows."),
    )
    field_order = [
        "format",
        "source",
        "simulated",
        "team",
        "split",
        "suggested",
        "flipped",
        "gold",
        "review",
        "norming",
        "category",
        *RULES,
        "pairs",
        "metadata",
    ]

    def __init__(self, data=None, *, project: Project) -> None:
        super().__init__(data, project=project)
        formats = [EXPORT_FORMATS[name] for name in formats_of(project)]
        self.fields["format"].choices = [(f.name, _(f.title)) for f in formats]
        if not any(f.write_pair for f in formats):
            for name in RULES:
                del self.fields[name]
        if not holds_orders(project):
            del self.fields["pairs"]
        if not any(f.of_spans for f in formats):
            del self.fields["category"]

    @property
    def rules(self) -> ExportOptions:
        """Those of the fields that the chosen format knows."""
        chosen, values = EXPORT_FORMATS[self.cleaned_data["format"]], self.cleaned_data
        if chosen.write_pair:
            return ExportOptions(
                **{name: values[name] for name in (*RULES, "pairs") if name in values}
            )
        if chosen.of_spans not in ("", "feedback"):
            return ExportOptions(category=values["category"])
        return ExportOptions(metadata=values["metadata"])


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
        form.add_error(None, error.messages)
        return _page(request, project, form=form, status=422)
    return _file(stream, f"{slugify(project.name) or 'project'}-{values['format']}.jsonl")


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
                **{name: values[name] for name in RULES if name in values},
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
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
        "flipped": FLIPPED.get(found.query.get("flipped", "as_judged")),
        "reviewed": REVIEWED.get(found.query.get("review", "any")),
        "team": found.query.get("team", ""),
        "norming": NORMING.get(found.query.get("norming", "exclude")),
        "turned": found.items.exclude(flip=None).count(),
        "ties": _(TIE_RULES[found.tie_rule]) if found.tie_rule else "",
        "aggregation": _(AGGREGATIONS[found.aggregation]) if found.aggregation else "",
    }
    return render(request, "annotate/projects/snapshot.html", context)


@login_required
@require_safe
def download_snapshot(request: HttpRequest, snapshot_id: int, format: str) -> HttpResponse:
    """A snapshot's rows under its own rules."""
    found = get_in_project(request.user, Snapshot.objects.all(), snapshot_id, MANAGE)
    if format not in formats_of(found.project, found):
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
        "snapshots/<int:snapshot_id>/download/<str:format>/",
        download_snapshot,
        name="download_snapshot",
    ),
]
