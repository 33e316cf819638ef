"""The page of a judge beside people: pairs, the place, the length, criteria, earlier versions."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project
from annotate.inputs import InvalidValue
from annotate.models import Judge
from annotate.pages.reasons import in_words
from annotate.wording import Told
from routing.api.alignment import latest_measured
from routing.judges import openai
from routing.judges.length import COEFFICIENT
from routing.models import JudgeRun, SampledOutput
from routing.reports.alignment import alignment_of
from routing.reports.decisions import remembered_labels
from routing.services.asked import OF_PAIRS
from routing.services.judge_runs import start_judging
from routing.services.judges import save_judge

PURPOSES = (JudgeRun.Purpose.MEASURE, JudgeRun.Purpose.CRITERIA)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def alignment(request: HttpRequest, judge_id: int) -> HttpResponse:
    """Figures, and what can be done about them. Asked by htmx: how far a run is."""
    judge = _judge(request, judge_id)
    runs = judge.runs.filter(purpose__in=PURPOSES).order_by("-pk")
    run = runs.first()
    context: dict[str, Any] = {
        "project": judge.project,
        "tab": "judges",
        "judge": judge,
        "run": run,
        "going": run is not None and not run.is_over,
    }
    if request.htmx:
        return render(request, "routing/alignment.html#live", context)
    report = latest_measured(judge)
    context |= {
        "report": report,
        "why_no_length": _why_not(report),
        "lines": alignment_of(judge),
        "sampled": SampledOutput.objects.filter(project=judge.project).count(),
        "is_model": judge.kind == openai.NAME,
        "coefficient": judge.config.get(COEFFICIENT, 0.0),
        "people": remembered_labels(judge.project),
        "compares_pairs": judge.project.kind in OF_PAIRS,
        "versions": Judge.objects.filter(project=judge.project, name=judge.name).order_by(
            "-version"
        ),
    }
    return render(request, "routing/alignment.html", context)


def _judge(request: HttpRequest, judge_id: int) -> Judge:
    rows = Judge.objects.select_related("project")
    judge: Judge = get_in_project(request.user, rows, judge_id, MANAGE)
    return judge


def _why_not(report: dict[str, Any] | None) -> Told | None:
    kept = (report or {}).get("length", {}).get("why_not")
    return Told.from_dict(kept) if kept else None


@login_required
@require_POST
def start_alignment(request: HttpRequest, judge_id: int) -> HttpResponse:
    """Measure it against people, or let it check the sample by the criteria."""
    judge = _judge(request, judge_id)
    try:
        purpose = request.POST.get("purpose", "")
        if purpose not in PURPOSES:
            raise InvalidValue("purpose", "must be one of: {choices}", choices=", ".join(PURPOSES))
        start_judging(
            judge=judge,
            actor=request.user,
            purpose=purpose,
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
    return redirect("judge_alignment", judge.pk)


@login_required
@require_POST
def save_principles(request: HttpRequest, judge_id: int) -> HttpResponse:
    """Other principles: a new version, with all else as it is."""
    text = request.POST.get("principles", "").replace("\r\n", "\n")
    return _new_version(request, judge_id, {"principles": text})


@login_required
@require_POST
def save_length(request: HttpRequest, judge_id: int) -> HttpResponse:
    """Take the measured part of length out of its probability, or leave it in: a new version that
    pays no call again.
    """
    judge = _judge(request, judge_id)
    found = ((latest_measured(judge) or {}).get("length") or {}).get("judge")
    if request.POST.get("take_out") == "1":
        if not found:
            messages.error(request, _("Measure the judge first."))
            return redirect("judge_alignment", judge.pk)
        left = judge.config.get(COEFFICIENT, 0.0)
        return _new_version(request, judge_id, {COEFFICIENT: round(left + found["value"], 6)})
    return _new_version(request, judge_id, {COEFFICIENT: 0})


def _new_version(request: HttpRequest, judge_id: int, changes: dict[str, Any]) -> HttpResponse:
    judge = _judge(request, judge_id)
    try:
        made = save_judge(
            project=judge.project,
            actor=request.user,
            name=judge.name,
            kind=judge.kind,
            config={**judge.config, **changes},
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
        return redirect("judge_alignment", judge.pk)
    if made.pk == judge.pk:
        messages.success(request, _("Nothing has changed."))
    else:
        messages.success(request, _("%s is the version with this change.") % made)
    return redirect("judge_alignment", made.pk)


urlpatterns = [
    path("judges/<int:judge_id>/alignment/", alignment, name="judge_alignment"),
    path("judges/<int:judge_id>/alignment/start/", start_alignment, name="start_alignment"),
    path("judges/<int:judge_id>/principles/", save_principles, name="save_principles"),
    path("judges/<int:judge_id>/length/", save_length, name="save_length"),
]
