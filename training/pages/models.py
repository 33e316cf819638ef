"""Model versions: the list, one with its lineage, promotion and roll-back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.pages.reasons import in_words
from training.evaluation.card import without_header
from training.models import ModelVersion
from training.pages.figures import figures_of, short_figure
from training.pages.gate import gate_view
from training.services import cards, registry

SHOWN = 200


@login_required
@require_safe
def model_versions(request: HttpRequest, project_id: int) -> HttpResponse:
    """The newest versions, by kind, the newest first."""
    project = get_project(request.user, project_id, MANAGE)
    mine = ModelVersion.objects.filter(project=project)
    newest = mine.select_related("run", "run__snapshot", "parent").order_by("-pk")[:SHOWN]
    versions = sorted(newest, key=lambda version: (version.kind, -version.number))
    rows = [(version, short_figure(version.metrics)) for version in versions]
    context = {"project": project, "tab": "training", "rows": rows}
    return render(request, "training/model_versions.html", context)


@login_required
@require_safe
def model_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """One version: figures, lineage (snapshot, run, parent), what it made, its place."""
    version = get_in_project(request.user, _versions(), version_id, MANAGE)
    context = {
        "project": version.project,
        "tab": "training",
        "version": version,
        "figures": figures_of(version.metrics),
        "gate": gate_view(version),
        "card": without_header(_card(version)),
        "can_roll_back": _serves(version) and registry.served_before(version) is not None,
        "children": version.children.order_by("pk"),
        "evaluations": [
            (row, figures_of({"test": row.metrics}))
            for row in version.evaluations.select_related("snapshot").order_by("pk")
            if row.snapshot_id != version.run.snapshot_id
        ],
    }
    return render(request, "training/model_version.html", context)


@login_required
@require_safe
def model_card(request: HttpRequest, version_id: int) -> HttpResponse:
    """The model card as the file in the model's folder."""
    version = get_in_project(request.user, _versions(), version_id, MANAGE)
    answer = HttpResponse(cards.model_card(version), content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="README.md"'
    return answer


@login_required
@require_POST
def promote(request: HttpRequest, version_id: int) -> HttpResponse:
    """Put the version into service; `anyway` is the reason past a gate that does not let it."""
    version = get_in_project(request.user, _versions(), version_id, MANAGE)
    anyway = request.POST.get("anyway", "")
    try:
        registry.promote(version=version, actor=request.user, anyway=anyway)
    except InvalidValue as error:
        messages.error(request, _("Not promoted: %s.") % in_words(error))
    else:
        messages.success(request, _("%s is in service.") % version)
    return redirect("model_version", version.pk)


@login_required
@require_POST
def roll_back(request: HttpRequest, project_id: int, kind: str) -> HttpResponse:
    """Put the version that served before back into service."""
    project = get_project(request.user, project_id, MANAGE)
    if kind not in ModelVersion.Kind.values:
        raise Http404("No such kind of model.")
    try:
        version = registry.roll_back(project=project, kind=kind, actor=request.user)
    except InvalidValue as error:
        messages.error(request, _("Not rolled back: %s.") % in_words(error))
        return redirect("model_versions", project.pk)
    messages.success(request, _("%s is in service again.") % version)
    return redirect("model_version", version.pk)


def _card(version: ModelVersion) -> str:
    """English as the file is; in other languages its sentences and figures as readers have them."""
    if get_language() == "en":
        return cards.model_card(version)
    return cards.card_in_words(version, in_words, number_format)


def _serves(version: ModelVersion) -> bool:
    return version.state == ModelVersion.State.IN_SERVICE


def _versions():
    return ModelVersion.objects.select_related(
        "run__snapshot", "run__project", "run__created_by", "parent"
    )


urlpatterns = [
    path("projects/<int:project_id>/training/models/", model_versions, name="model_versions"),
    path(
        "projects/<int:project_id>/training/models/<slug:kind>/roll-back/",
        roll_back,
        name="roll_back",
    ),
    path("training/models/<int:version_id>/", model_version, name="model_version"),
    path("training/models/<int:version_id>/card/", model_card, name="model_card"),
    path("training/models/<int:version_id>/promote/", promote, name="promote"),
]
