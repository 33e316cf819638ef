"""The page of principles: what a judge says people choose by, and how much of it comes true."""

import json
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, REVIEW, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Judge, Project
from annotate.pages.paging import number_in
from annotate.pages.reasons import in_words
from routing.judges import openai
from routing.models import JudgeRun
from routing.services.judge_runs import cancel_judging, start_judging
from routing.services.ledger import account_of
from routing.services.principle_runs import DEFAULT_CHOICES, LEAST, outlook

SIZES = (20, 50, DEFAULT_CHOICES, 200, 500, 1000)
SHOWN_RUNS = 20
BASELINES = {
    "length": gettext_lazy("The length alone"),
    "place": gettext_lazy("The place alone"),
}
LEFT_OUT = {
    "undecided": gettext_lazy("tied or split evenly"),
    "compares_nothing": gettext_lazy("compare nothing"),
}


@login_required
@require_safe
@vary_on_headers("HX-Request")
def principles(request: HttpRequest, project_id: int) -> HttpResponse:
    """The latest report, or that of ?run=; with ?judge= and ?choices= also what a run of these
    would cost. Asked by htmx, only how far it is.
    """
    project = get_project(request.user, project_id, REVIEW)
    role = project.membership.role if project.membership else None
    context = _reports(project, number_in(request, "run"))
    context["manages"] = request.user.is_superuser or role in MANAGE
    if request.htmx:
        return render(request, "routing/principles.html#live", context)
    if context["manages"]:
        judges = Judge.objects.filter(project=project, kind=openai.NAME)
        context |= {"judges": judges.order_by("-pk"), "sizes": SIZES, "least": LEAST}
        context |= _asked_for(request, project)
    return render(request, "routing/principles.html", context)


def _reports(project: Project, number: int | None) -> dict[str, Any]:
    runs = JudgeRun.objects.filter(project=project, purpose=JudgeRun.Purpose.EXPLAIN)
    listed = list(runs.select_related("judge").order_by("-pk")[:SHOWN_RUNS])
    done = [run for run in listed if run.state == "done"]
    chosen = next((run for run in done if number in (None, run.pk)), None)
    if number is not None and chosen is None:
        raise Http404("There is no such report.")
    last = listed[0] if listed else None
    return {
        "project": project,
        "tab": "quality",
        "run": chosen,
        "shown": _shown(chosen.report) if chosen else None,
        "going": last if last is not None and not last.is_over else None,
        "ended": last if last is not None and last.state in ("failed", "cancelled") else None,
        "others": [run for run in done if run is not chosen],
    }


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    baselines = [
        {**one, "words": BASELINES[one["name"]], "ends": _points(one["difference"])}
        for one in report["baselines"]
    ]
    rows = [{**one, "is_clear": one["q"] < 0.05} for one in report["principles"]]
    left_out = [(LEFT_OUT[name], count) for name, count in report["left_out"].items()]
    return {"report": report, "rows": rows, "baselines": baselines, "left_out": left_out}


def _points(difference: list[float] | None) -> list[str]:
    """In percentage points, with a sign."""
    return [f"{100 * one:+.0f}" for one in difference or ()]


def _asked_for(request: HttpRequest, project: Project) -> dict[str, Any]:
    """The judge and the size that the form asks about, and what they would cost."""
    size = number_in(request, "choices")
    size = size if size in SIZES else DEFAULT_CHOICES
    number = number_in(request, "judge")
    if number is None:
        return {"size": size}
    judge = get_object_or_404(_judges(project), pk=number)
    left = account_of(judge).left
    found = outlook(judge, size)
    return {
        "size": size,
        "judge": judge,
        "outlook": found,
        "about": _dollars(found.about),
        "most": _dollars(found.most),
        "left": _dollars(left),
        "is_short": found.most > left,
    }


def _judges(project: Project) -> Any:
    rows = Judge.objects.filter(project=project, kind=openai.NAME)
    return rows.select_related("project")


def _dollars(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount >= Decimal("0.1") or not amount else f"{amount:.4f}"


@login_required
@require_POST
def find_principles(request: HttpRequest, project_id: int) -> HttpResponse:
    """Let the judge propose principles and vote by them."""
    project = get_project(request.user, project_id, MANAGE)
    number, size = (request.POST.get(name, "") for name in ("judge", "choices"))
    known = number.isdecimal() and len(number) < 19
    judge = get_object_or_404(_judges(project), pk=int(number) if known else 0)
    try:
        start_judging(
            judge=judge,
            actor=request.user,
            purpose=JudgeRun.Purpose.EXPLAIN,
            most_tasks=int(size) if size.isdecimal() and len(size) < 9 else 0,
            retry_failed=request.POST.get("retry") == "1",
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
        return redirect(f"{reverse('principles', args=[project.pk])}?judge={judge.pk}")
    return redirect("principles", project.pk)


@login_required
@require_POST
def cancel_principles(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop it at its next call; what was answered stays on record."""
    rows = JudgeRun.objects.filter(purpose=JudgeRun.Purpose.EXPLAIN)
    run = get_in_project(request.user, rows, run_id, MANAGE)
    cancel_judging(run=run, actor=request.user)
    return redirect("principles", run.project_id)


@login_required
@require_safe
def download_principles(request: HttpRequest, run_id: int) -> HttpResponse:
    """A report as JSON."""
    rows = JudgeRun.objects.filter(purpose=JudgeRun.Purpose.EXPLAIN, state="done")
    run = get_in_project(request.user, rows.select_related("judge"), run_id, REVIEW)
    text = json.dumps({"judge": str(run.judge), **run.report}, ensure_ascii=False)
    answer = HttpResponse(text, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="principles-{run.pk}.json"'
    return answer


urlpatterns = [
    path("projects/<int:project_id>/principles/", principles, name="principles"),
    path("projects/<int:project_id>/principles/find/", find_principles, name="find_principles"),
    path("principles/<int:run_id>/cancel/", cancel_principles, name="cancel_principles"),
    path("principles/<int:run_id>/download/", download_principles, name="download_principles"),
]
