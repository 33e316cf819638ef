"""Two snapshots side by side: what came, what went, what changed."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from annotate.access import MANAGE, get_in_project
from annotate.models import Snapshot
from annotate.pages.paging import number_in, page_links
from annotate.reports.snapshot_changes import (
    CAUSES,
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
from annotate.services.outgoing.export_filters import FILTERS
from annotate.services.outgoing.export_options import SNAPSHOT_RULES

PAGE = 50
PARAMETERS = (*FILTERS, *SNAPSHOT_RULES)
SETTINGS: dict[str, str | Promise] = {
    "holds": _("What it holds"),
    "row_format": _("Form of the rows"),
    "test_percent": _("Held out for evaluation, % of prompts"),
}


@login_required
@require_safe
def compare(request: HttpRequest, snapshot_id: int) -> HttpResponse:
    """`with` is the older one; by default the one before. `before` is where the page begins.

    `change` and `shift` name the judgements and the consensus that are listed.
    """
    rows = Snapshot.objects.all()
    newer = get_in_project(request.user, rows, snapshot_id, MANAGE)
    others = list(newer.project.snapshots.exclude(pk=newer.pk).order_by("-number")[:100])
    wanted = number_in(request, "with")
    older = next((one for one in others if one.pk == wanted), None)
    if older is None:
        older = next((one for one in others if one.number < newer.number), None)
    context: dict[str, Any] = {
        "project": newer.project,
        "tab": "exports",
        "snapshot": newer,
        "others": others,
        "older": older,
        "changes": CHANGES.items(),
        "shifts": SHIFTS.items(),
    }
    if older is not None:
        change = request.GET.get("change", "")
        context |= _told(request, older, newer, change if change in CHANGES else "")
        context |= _consensus(request, older, newer)
    return render(request, "annotate/projects/snapshot_comparison.html", context)


def _told(request: HttpRequest, older: Snapshot, newer: Snapshot, change: str) -> dict[str, Any]:
    comparison = compare_snapshots(older, newer)
    judgements = changed_judgements(older, newer, change).select_related("annotator", "judge")
    before = number_in(request, "before")
    if before is not None:
        judgements = judgements.filter(pk__lt=before)
    found = list(judgements.order_by("-pk")[: PAGE + 1])
    why = changes_of(older, newer, [row.pk for row in found[:PAGE]])
    shift = request.GET.get("shift", "")
    chosen = {"change": change, "shift": shift if shift in SHIFTS else ""}
    filters = {"with": older.pk, **{name: value for name, value in chosen.items() if value}}
    return {
        "comparison": comparison,
        "counts": [
            (CHANGES[change], CAUSES[cause], count) for change, cause, count in comparison.counts
        ],
        "settings": [
            (_label(name), _in_words(name, was), _in_words(name, now))
            for name, was, now in comparison.settings
        ],
        "change": change,
        "rows": [
            {
                "judgement": row,
                "change": CHANGES[why[row.pk].change],
                "cause": CAUSES[why[row.pk].cause],
                "instead_of": why[row.pk].instead_of,
            }
            for row in found[:PAGE]
        ],
        **page_links(request, found[PAGE - 1].pk if len(found) > PAGE else None, filters),
    }


def _consensus(request: HttpRequest, older: Snapshot, newer: Snapshot) -> dict[str, Any]:
    """What tasks came to; the rows listed are the first PAGE."""
    if not older.consensus_rows and not newer.consensus_rows:
        return {"consensus": None}
    found = compare_consensus(older, newer)
    shift = request.GET.get("shift", "")
    shift = shift if shift in SHIFTS else ""
    rows = list(shifted_consensus(older, newer, shift)[: PAGE + 1])
    named = shifts_of(older, newer, [row.pk for row in rows[:PAGE]])
    return {
        "consensus": found,
        "shift": shift,
        "shift_counts": [(SHIFTS[name], count) for name, count in found.counts],
        "shifted": [(row, SHIFTS[named[row.pk]]) for row in rows[:PAGE]],
        "more_shifted": len(rows) > PAGE,
    }


def _label(name: str) -> str | Promise:
    labels = {one.name: _(one.label) for one in PARAMETERS}
    return SETTINGS.get(name) or labels.get(name, name)


def _in_words(name: str, value: Any) -> str | Promise:
    """As the page of a snapshot and its form have it; what was not asked for as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "holds":
        return Snapshot.Holds(value).label
    words = next((one.words for one in PARAMETERS if one.name == name), {})
    return _(words[value]) if value in words else str(value)


urlpatterns = [path("snapshots/<int:snapshot_id>/compare/", compare, name="compare_snapshots")]
