"""Versions side by side: their own figures, and their scores of the pairs that all scored."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from annotate.access import MANAGE, get_project
from annotate.charts import number
from training.evaluation.comparison import PairedTest, Slice, paired_tests, slices
from training.evaluation.meeting import meet
from training.models import ModelVersion
from training.pages.figures import Figure, figures_of, percent
from training.pages.gate import subset_words
from training.services.scored_rows import scored_counts, scored_rows

MOST = 6  # columns that a page can show
KEPT_SECONDS = 3600


@login_required
@require_safe
def compare_versions(request: HttpRequest, project_id: int) -> HttpResponse:
    """The versions of `?version=1&version=2`, in the order of their making."""
    project = get_project(request.user, project_id, MANAGE)
    wanted = {
        int(one) for one in request.GET.getlist("version") if one.isdecimal() and len(one) < 19
    }
    if not 2 <= len(wanted) <= MOST:
        messages.error(request, _("Choose two to %(most)s versions to compare.") % {"most": MOST})
        return redirect("model_versions", project.pk)
    mine = ModelVersion.objects.filter(project=project, pk__in=wanted)
    versions = list(mine.select_related("run__snapshot").order_by("pk"))
    if len(versions) != len(wanted):
        raise Http404("No such version in this project.")
    tests, found = compared(versions)
    context = {
        "project": project,
        "tab": "training",
        "versions": versions,
        "figures": side_by_side(versions),
        "tests": [_test(test, versions) for test in tests],
        "slices": [_slice(one) for one in found],
        "rows": found[0].shares[0].rows if found else 0,
    }
    return render(request, "training/compare_versions.html", context)


def compared(versions: list[ModelVersion]) -> tuple[list[PairedTest], list[Slice]]:
    """Tests and slices of what the versions scored; versions never change, so it is kept."""
    key = f"compared-{'-'.join(str(version.pk) for version in versions)}"
    counts = [scored_counts(version) for version in versions]
    kept = cache.get(key)
    if kept is not None and kept[0] == counts:
        return kept[1:]
    met = meet([scored_rows(version) for version in versions])
    found = paired_tests(met), slices(met)
    cache.set(key, (counts, *found), KEPT_SECONDS)
    return found


@dataclass(frozen=True)
class Line:
    """A figure of all versions; a cell is None where a version has none."""

    label: str
    hint: str
    cells: list[Figure | None]


def side_by_side(versions: list[ModelVersion]) -> list[Line]:
    """The figures that any of the versions has, in the order in which a version's page has them."""
    of_each = [{one.label: one for one in figures_of(version.metrics)} for version in versions]
    hints = {label: one.hint for figures in of_each for label, one in figures.items()}
    return [
        Line(label, hint, [figures.get(label) for figures in of_each])
        for label, hint in hints.items()
    ]


def _test(test: PairedTest, versions: list[ModelVersion]) -> dict[str, Any]:
    return {
        "first": versions[test.first],
        "second": versions[test.second],
        "rows": test.rows,
        "only_first": test.only_first,
        "only_second": test.only_second,
        "p_value": number(test.p_value),
    }


def _slice(one: Slice) -> dict[str, Any]:
    labels = {"all": _("All of them"), "subset": one.name and subset_words(one.name)}
    if one.ends:
        low, high = (number(end) for end in one.ends)
        ends = {"low": low, "high": high}
        labels["margin"] = _("Margin %(low)s to %(high)s") % ends
        if low == high:
            labels["margin"] = _("Margin %(value)s") % {"value": low}
    cells = [
        (percent(share.value), percent(share.low), percent(share.high)) for share in one.shares
    ]
    return {"label": labels[one.kind], "rows": one.shares[0].rows, "cells": cells}


urlpatterns = [
    path("projects/<int:project_id>/training/compare/", compare_versions, name="compare_versions"),
]
