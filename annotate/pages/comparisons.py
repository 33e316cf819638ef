"""The comparison plan of a project: who meets whom next, and the order as it stands. For managers,
because whoever knows the order before judging may judge by it.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotate.access import MANAGE, get_project
from annotate.charts import Chart
from annotate.inputs import InvalidValue
from annotate.interval_chart import Line, interval_chart
from annotate.models import ComparisonPlan
from annotate.pages.reasons import in_words
from annotate.services.reports.comparison_plans import (
    RANGES,
    makes_tasks,
    open_tasks,
    plan_of,
    set_plan,
)
from annotate.wording import Told


def _number(name: str, label: Any, help_text: Any = "") -> forms.IntegerField:
    low, high = RANGES[name]
    return forms.IntegerField(min_value=low, max_value=high, label=label, help_text=help_text)


class PlanForm(forms.Form):
    """As the service takes it."""

    is_on = forms.BooleanField(
        required=False, label=gettext_lazy("Let the votes decide who meets whom")
    )
    size = _number("size", gettext_lazy("Models that meet in one task"))
    ahead = _number(
        "ahead",
        gettext_lazy("Open tasks to keep"),
        gettext_lazy("Few, so that each is chosen by nearly all the votes; more than people work."),
    )
    per_prompt = _number(
        "per_prompt",
        gettext_lazy("Tasks a prompt, at most"),
        gettext_lazy("Each of them with other models."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def comparisons(request: HttpRequest, project_id: int) -> HttpResponse:
    """The order as it stands, and the plan; POST changes the plan."""
    project = get_project(request.user, project_id, MANAGE)
    plan = plan_of(project)
    form = PlanForm(request.POST or None, initial={name: getattr(plan, name) for name in FIELDS})
    if not makes_tasks(project):
        del form.fields["per_prompt"], form.fields["size"]
    if request.method == "POST" and form.is_valid():
        try:
            set_plan(
                project=project,
                actor=request.user,
                fields=form.cleaned_data,
                address=request.META.get("REMOTE_ADDR"),
            )
        except InvalidValue as error:
            form.add_error(error.field if error.field in form.fields else None, in_words(error))
        else:
            messages.success(request, _("The plan is saved."))
            return redirect("comparisons", project.pk)
    context = {
        "project": project,
        "tab": "leaderboard",
        "plan": plan,
        "form": form,
        "told": in_words(Told.from_dict(plan.told)) if plan.told else "",
        "chart": _chart(plan) if plan.standings else None,
        "makes_tasks": makes_tasks(project),
        "open": len(open_tasks(project)),
    }
    return render(
        request, "annotate/projects/comparisons.html", context, status=422 if form.errors else 200
    )


FIELDS = ("is_on", *RANGES)


def _chart(plan: ComparisonPlan) -> Chart:
    lines = [Line(row["model"], row["strength"], row["low"], row["high"]) for row in plan.standings]
    return interval_chart(
        _("Strengths with 95 % intervals"), lines, label=_("Model"), unit=_("Strength")
    )


urlpatterns = [path("projects/<int:project_id>/comparisons/", comparisons, name="comparisons")]
