"""The page of what is labelled next: the strategy, its ranking, and the tasks that come first."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Judge, Project
from annotate.pages.reasons import in_words
from annotate.services import jobs
from annotate.services.workers import why_waiting
from annotate.wording import Told
from routing.models import SelectionRun
from routing.reports.selection import first_places, standing
from routing.services.selections import choose_strategy, start_ranking
from routing.settings.selection import (
    DEFAULTS,
    EXPLAINED,
    IN_ORDER,
    MOST_RANKED,
    MOST_READ,
    PARTS,
    STRATEGIES,
)


class StrategyForm(forms.Form):
    """As the service takes it."""

    strategy = forms.ChoiceField(
        choices=[(name, label) for name, label in STRATEGIES.items() if name != IN_ORDER],
        initial="uncertainty",
        label=_("What people label next"),
    )
    judge = forms.ChoiceField(
        required=False,
        label=_("By which judge"),
        help_text=_("For “least sure of” and “could do most better”; the others need no choice."),
    )
    by = forms.ChoiceField(
        choices=list(PARTS.items()),
        required=False,
        label=_("Parts are told apart by"),
        help_text=_("For “parts by turns”."),
    )
    weights = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code"}),
        label=_("Weights of parts"),
        help_text=_("A line each, such as “medicine = 2”. Those left out have 1."),
    )
    most = forms.IntegerField(
        min_value=1,
        max_value=MOST_RANKED,
        initial=DEFAULTS["most"],
        label=_("Tasks to rank"),
        help_text=_("All others follow in the project’s order."),
    )
    pool = forms.IntegerField(
        min_value=1,
        max_value=MOST_READ,
        initial=DEFAULTS["pool"],
        label=_("Open tasks to choose from"),
        help_text=_("Drawn by chance where there are more."),
    )
    every_hours = forms.FloatField(
        min_value=0.25,
        max_value=720,
        initial=DEFAULTS["every_hours"],
        label=_("Rank anew every … hours"),
        help_text=_("And when a new reward model serves or new tasks come."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )

    def __init__(self, *args: Any, project: Project, **options: Any) -> None:
        super().__init__(*args, **options)
        judges = [(one.pk, str(one)) for one in Judge.objects.filter(project=project)]
        judges.sort(key=lambda one: -one[0])
        choices = [("", gettext("the reward model in service")), *judges]
        cast(forms.ChoiceField, self.fields["judge"]).choices = choices

    def clean_weights(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in filter(str.strip, self.cleaned_data["weights"].splitlines()):
            part, equals, weight = line.rpartition("=")
            try:
                found[part.strip()] = float(weight)
            except ValueError:
                equals = ""
            if not equals:
                raise forms.ValidationError(
                    gettext("“%(line)s” is not a part, an equals sign and a number.")
                    % {"line": line.strip()}
                )
        return found

    def settings_of(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {
            "judge": int(said["judge"]) if said["judge"] else None,
            **{name: said[name] for name in ("most", "pool", "every_hours", "weights")},
            "by": said["by"] or DEFAULTS["by"],
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def selection(request: HttpRequest, project_id: int) -> HttpResponse:
    """What is on and which tasks come first; POST chooses a strategy. By htmx: the live part."""
    project = get_project(request.user, project_id, MANAGE)
    context = _live(project)
    if request.htmx and request.method != "POST":
        return render(request, "routing/selection.html#live", context)
    now = context["standing"].selection
    lines = [f"{part} = {weight:g}" for part, weight in now.settings.get("weights", {}).items()]
    initial = {
        **now.settings,
        "weights": "\n".join(lines),
        "every_hours": f"{now.settings['every_hours']:g}",
        **({"strategy": now.strategy} if now.is_on else {}),
    }
    form = StrategyForm(request.POST or None, project=project, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            choose_strategy(
                project=project,
                actor=request.user,
                strategy=form.cleaned_data["strategy"],
                settings=form.settings_of(),
            )
        except InvalidValue as error:
            name = error.field.split(".")[-1]
            form.add_error(name if name in form.fields else None, in_words(error))
        else:
            messages.success(request, _("The open tasks are being ranked."))
            return redirect("selection", project.pk)
    explained = [(STRATEGIES[name], text) for name, text in EXPLAINED.items()]
    context |= {"form": form, "explained": explained}
    return render(request, "routing/selection.html", context, status=422 if form.errors else 200)


def _live(project: Project) -> dict[str, Any]:
    found = standing(project)
    return {
        "project": project,
        "tab": "routing",
        "standing": found,
        "run": found.run,
        "waits": why_waiting(found.run),
        "going": found.run is not None and not found.run.is_over,
        "missing": _missing(found.ranking),
        "places": first_places(project) if found.ranked else [],
    }


def _missing(ranking: SelectionRun | None) -> list[str]:
    """What it could not rank and why, in the reader's words."""
    return [in_words(Told.from_dict(one)) for one in ranking.report["told"]] if ranking else []


@login_required
@require_POST
def rank_now(request: HttpRequest, project_id: int) -> HttpResponse:
    """Rank the open tasks by the strategy in force."""
    project = get_project(request.user, project_id, MANAGE)
    if start_ranking(project=project, actor=request.user) is None:
        messages.error(request, _("No strategy is in force. Choose one first."))
    return redirect("selection", project.pk)


@login_required
@require_POST
def stop_selection(request: HttpRequest, project_id: int) -> HttpResponse:
    """Back to the project's own order."""
    project = get_project(request.user, project_id, MANAGE)
    choose_strategy(project=project, actor=request.user, strategy=IN_ORDER, settings={})
    messages.success(request, _("Tasks are handed out in the project’s own order again."))
    return redirect("selection", project.pk)


@login_required
@require_POST
def cancel_ranking(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a ranking; the order stays as it was before."""
    run = get_in_project(request.user, SelectionRun.objects.all(), run_id, MANAGE)
    jobs.request_cancel(run)
    return redirect("selection", run.project_id)


urlpatterns = [
    path("projects/<int:project_id>/routing/next/", selection, name="selection"),
    path("projects/<int:project_id>/routing/next/rank/", rank_now, name="rank_now"),
    path("projects/<int:project_id>/routing/next/stop/", stop_selection, name="stop_selection"),
    path("routing/rankings/<int:run_id>/cancel/", cancel_ranking, name="cancel_ranking"),
]
