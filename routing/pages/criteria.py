"""The pages of criteria: writing and accepting them, drawing a sample, and grading its outputs."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, REVIEW, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Judge, Project
from annotate.pages.paging import number_in
from annotate.pages.reasons import in_words
from routing.judges import openai
from routing.judges.criteria import MAX_NAME, MAX_TEXT
from routing.models import Criterion, Grade, JudgeRun, SampledOutput
from routing.reports.alignment import grading_of
from routing.services.criteria import (
    MOST_SAMPLE,
    WHOLE,
    draw_sample,
    save_criterion,
    save_grades,
    set_criterion_state,
)
from routing.services.judge_runs import start_judging

GRADES = {"1": True, "0": False, "": None}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def criteria(request: HttpRequest, project_id: int) -> HttpResponse:
    """All criteria and the sample; POST writes one. Asked by htmx: how far drafting is."""
    project = get_project(request.user, project_id, MANAGE)
    context = _live(project)
    if request.htmx and request.method != "POST":
        return render(request, "routing/criteria.html#live", context)
    given = {name: request.POST.get(name, "") for name in ("name", "text")}
    wrong: dict[str, str] = {}
    if request.method == "POST":
        try:
            made = save_criterion(
                project=project,
                actor=request.user,
                name=given["name"],
                text=given["text"].replace("\r\n", "\n"),
            )
        except InvalidValue as error:
            wrong[error.field.rpartition(".")[2]] = in_words(error)
        else:
            messages.success(request, _("%s is accepted.") % made)
            return redirect("criteria", project.pk)
    rows = list(project.criteria.select_related("drafted_by").order_by("name", "-version"))
    context |= {
        "given": given,
        "wrong": wrong,
        "max_name": MAX_NAME,
        "max_text": MAX_TEXT,
        "accepted": [one for one in rows if one.state == "accepted"],
        "drafts": [one for one in rows if one.state == "draft"],
        "retired": [one for one in rows if one.state == "retired"],
        "judges": Judge.objects.filter(project=project, kind=openai.NAME).order_by("-pk"),
        "grading": grading_of(project, request.user),
        "most": MOST_SAMPLE,
    }
    return render(request, "routing/criteria.html", context, status=422 if wrong else 200)


def _live(project: Project) -> dict[str, Any]:
    drafting = JudgeRun.objects.filter(project=project, purpose=JudgeRun.Purpose.DRAFT)
    run = drafting.select_related("judge").order_by("-pk").first()
    return {
        "project": project,
        "tab": "judges",
        "run": run,
        "going": run is not None and not run.is_over,
    }


@login_required
@require_POST
def draft_criteria(request: HttpRequest, project_id: int) -> HttpResponse:
    """Let a judge draft criteria from what people said."""
    project = get_project(request.user, project_id, MANAGE)
    text = request.POST.get("judge", "")
    judge = get_object_or_404(
        Judge.objects.filter(project=project).select_related("project"),
        pk=int(text) if text.isdecimal() and len(text) < 19 else 0,
    )
    try:
        start_judging(
            judge=judge,
            actor=request.user,
            purpose=JudgeRun.Purpose.DRAFT,
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
    return redirect("criteria", project.pk)


@login_required
@require_POST
def move_criterion(request: HttpRequest, criterion_id: int) -> HttpResponse:
    """Accept it, or retire it."""
    rows = Criterion.objects.select_related("project")
    found: Criterion = get_in_project(request.user, rows, criterion_id, MANAGE)
    try:
        set_criterion_state(
            criterion=found, actor=request.user, state=request.POST.get("state", "")
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
    return redirect("criteria", found.project_id)


@login_required
@require_POST
def extend_sample(request: HttpRequest, project_id: int) -> HttpResponse:
    """Draw more outputs."""
    project = get_project(request.user, project_id, MANAGE)
    text = request.POST.get("count", "")
    try:
        count = int(text) if text.isdecimal() and len(text) < 9 else 0
        added = draw_sample(project=project, actor=request.user, count=count)
    except InvalidValue as error:
        messages.error(request, in_words(error))
    else:
        messages.success(request, _("%(count)s outputs are drawn.") % {"count": added})
    return redirect("criteria", project.pk)


@login_required
@require_safe
def grading(request: HttpRequest, project_id: int) -> HttpResponse:
    """The next output that one has not graded, or the one of ?number=."""
    project = get_project(request.user, project_id, REVIEW)
    wanted = number_in(request, "number")
    standing = grading_of(project, request.user)
    rows = SampledOutput.objects.filter(project=project).select_related("task__prompt", "response")
    output = rows.filter(number=wanted).first() if wanted else None
    output = output or (standing.following and rows.get(pk=standing.following.pk))
    context: dict[str, Any] = {
        "project": project,
        "tab": "judges",
        "standing": standing,
        "output": output,
        "manages": project.membership is None or project.membership.role in MANAGE,
    }
    if output is not None:
        mine = {
            one.criterion_id: one.passes
            for one in Grade.objects.filter(output=output, person=request.user)
        }
        asked = Criterion.objects.filter(project=project, state="accepted").order_by("name")
        context |= {
            "whole": mine.get(None),
            "criteria": [{"row": one, "passes": mine.get(one.pk)} for one in asked],
            "before": rows.filter(number__lt=output.number).order_by("-number").first(),
            "after": rows.filter(number__gt=output.number).order_by("number").first(),
        }
    return render(request, "routing/grading.html", context)


@login_required
@require_POST
def grade_output(request: HttpRequest, output_id: int) -> HttpResponse:
    """Keep one's grades, and go on to the next output."""
    rows = SampledOutput.objects.select_related("project")
    output: SampledOutput = get_in_project(request.user, rows, output_id, REVIEW)
    given: dict[str, object] = {}
    for name, text in request.POST.items():
        if name == WHOLE or name.startswith("criterion-"):
            given[name.removeprefix("criterion-")] = GRADES.get(str(text), text)
    back = reverse("grading", args=[output.project_id])
    try:
        save_grades(output=output, person=request.user, grades=given)
    except InvalidValue as error:
        messages.error(request, in_words(error))
        return redirect(f"{back}?number={output.number}")
    following = grading_of(output.project, request.user, after=output.number).following
    return redirect(f"{back}?number={following.number}" if following else back)


urlpatterns = [
    path("projects/<int:project_id>/criteria/", criteria, name="criteria"),
    path("projects/<int:project_id>/criteria/draft/", draft_criteria, name="draft_criteria"),
    path("projects/<int:project_id>/sample/", extend_sample, name="extend_sample"),
    path("projects/<int:project_id>/grading/", grading, name="grading"),
    path("criteria/<int:criterion_id>/", move_criterion, name="move_criterion"),
    path("sample/<int:output_id>/grades/", grade_output, name="grade_output"),
]
