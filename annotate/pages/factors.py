"""What people choose by: reports on factors of responses, and the tasks behind them."""

import json

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, REVIEW, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.models import FactorRun, JobState, Project
from annotate.pages.board_form import BY, GROUPS, TIES
from annotate.pages.exports import SIMULATED, SOURCES
from annotate.pages.paging import number_in
from annotate.pages.reasons import in_words
from annotate.reports.factors import as_csv, shown
from annotate.services.reports import factors as services
from annotate.services.reports.board_rules import METADATA, BoardRules
from annotate.services.reports.factor_votes import clean_rules
from annotate.services.workers import why_waiting

PAGE = "annotate/projects/factors.html"


class FactorForm(forms.Form):
    """Which votes a report reckons with."""

    source = forms.ChoiceField(
        choices=SOURCES.items(), initial="people", label=_("Votes by"), required=False
    )
    simulated = forms.ChoiceField(
        choices=SIMULATED.items(), initial="exclude", label=_("Simulated people"), required=False
    )
    group = forms.ChoiceField(choices=GROUPS.items(), label=_("Group"), required=False)
    by = forms.ChoiceField(
        choices=BY.items(),
        label=_("Also for each"),
        required=False,
        help_text=_("Effects are reckoned once more within each category."),
    )
    key = forms.CharField(max_length=100, required=False, label=_("Entry of the metadata"))
    ties = forms.ChoiceField(choices=TIES.items(), label=_("Ties are"), required=False)

    def rules(self) -> BoardRules | None:
        """None where something is refused, which then stands at its field."""
        if not self.is_valid():
            return None
        given = {name: value for name, value in self.cleaned_data.items() if value}
        key = given.pop("key", "")
        if given.get("by") == "metadata":
            given["by"] = f"{METADATA}{key}"
        try:
            return clean_rules(given)
        except InvalidValue as error:
            self.add_error("key" if error.field == "by" else error.field, in_words(error))
            return None


@login_required
@require_safe
@vary_on_headers("HX-Request")
def factors(request: HttpRequest, project_id: int) -> HttpResponse:
    """The latest report, or that of ?run=; asked by htmx, only its live part."""
    return _page(request, get_project(request.user, project_id, REVIEW))


@login_required
@require_POST
def compute_factors(request: HttpRequest, project_id: int) -> HttpResponse:
    """Queue a report."""
    project = get_project(request.user, project_id, MANAGE)
    form = FactorForm(request.POST)
    rules = form.rules()
    if rules is None:
        return _page(request, project, form=form, status=422)
    services.start_factors(project=project, actor=request.user, rules=rules)
    return redirect("factors", project.pk)


@login_required
@require_POST
def cancel_factors(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask it to stop."""
    run = get_in_project(request.user, FactorRun.objects.defer("result"), run_id, MANAGE)
    services.cancel_factors(run=run, actor=request.user)
    return redirect("factors", run.project_id)


@login_required
@require_safe
def download_factors(request: HttpRequest, run_id: int, format: str) -> HttpResponse:
    """A report as CSV or JSON, without its people."""
    run = get_in_project(request.user, FactorRun.objects.exclude(result=None), run_id, REVIEW)
    if format == "csv":
        answer = HttpResponse(as_csv(run.result), content_type="text/csv; charset=utf-8")
    elif format == "json":
        body = {"rules": run.rules, **{k: v for k, v in run.result.items() if k != "people"}}
        text = json.dumps(body, ensure_ascii=False)
        answer = HttpResponse(text, content_type="application/json")
    else:
        raise Http404("There is no such format.")
    answer["Content-Disposition"] = f'attachment; filename="factors-{run.pk}.{format}"'
    return answer


def _page(
    request: HttpRequest, project: Project, *, form: FactorForm | None = None, status: int = 200
) -> HttpResponse:
    role = project.membership.role if project.membership else None
    runs = FactorRun.objects.filter(project=project).order_by("-pk").defer("result")
    listed = list(runs.select_related("created_by")[: services.KEPT_RUNS])
    number = number_in(request, "run")
    done = [run for run in listed if run.state == JobState.DONE]
    chosen = next((run for run in done if number in (None, run.pk)), None)
    if number is not None and chosen is None:
        raise Http404("There is no such report.")
    going = next((run for run in listed if not run.is_over), None)
    context = {
        "project": project,
        "tab": "quality",
        "manages": request.user.is_superuser or role in MANAGE,
        "run": chosen,
        "shown": shown(chosen.result) if chosen else None,
        "going": going,
        "failed": listed[0] if listed and listed[0].state == JobState.FAILED else None,
        "waits": why_waiting(going) if going else None,
        "others": [run for run in done if run is not chosen],
        "form": form or FactorForm(),
    }
    template = f"{PAGE}#live" if request.htmx else PAGE
    return render(request, template, context, status=status)


urlpatterns = [
    path("projects/<int:project_id>/factors/", factors, name="factors"),
    path("projects/<int:project_id>/factors/compute/", compute_factors, name="compute_factors"),
    path("factor-reports/<int:run_id>/cancel/", cancel_factors, name="cancel_factors"),
    path(
        "factor-reports/<int:run_id>/download/<str:format>/",
        download_factors,
        name="download_factors",
    ),
]
