"""The simulator's page: policies replayed on past labels, what a budget would cost and give."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import JobState, Project
from annotate.pages.reasons import in_words
from annotate.reports.remembered import remembered
from annotate.services import jobs
from annotate.services.workers import why_waiting
from annotate.wording import Told
from routing.models import PolicySimulation
from routing.pages.judge_choice import JudgeChoiceForm
from routing.reports.decisions import remembered_labels
from routing.reports.simulation import NAMES, Stored, latest_stored, stocks
from routing.services.simulations import set_prices, start_simulation
from routing.settings.simulation import (
    FOLDS,
    MOST_FOLDS,
    MOST_REPEATS,
    REPEATS,
    least_rows,
)

SETTINGS = ("folds", "repeats", "domains")
SHARE = 30
TASKS = 1000


class SimulationForm(JudgeChoiceForm):
    """The judges, and how often the prompts are cut into how many parts."""

    field_order = ("judge_1", "judge_2", "judge_3", "folds", "repeats", "domains")

    folds = forms.IntegerField(
        min_value=2,
        max_value=MOST_FOLDS,
        initial=FOLDS,
        label=_("Parts that the prompts are cut into"),
        help_text=_("Each part is decided by a policy that was fitted on the others."),
    )
    repeats = forms.IntegerField(
        min_value=1,
        max_value=MOST_REPEATS,
        initial=REPEATS,
        label=_("Different cuts"),
        help_text=_("More take out the luck of one cut, and take longer."),
    )


class BudgetForm(forms.Form):
    """Which policy, what budget, for how many tasks."""

    kind = forms.ChoiceField(label=_("Policy"))
    share = forms.FloatField(
        min_value=0,
        max_value=100,
        label=_("People label at most, % of the tasks"),
        widget=forms.NumberInput(attrs={"step": "any", "data-slider": "", "required": True}),
    )
    tasks = forms.IntegerField(min_value=1, max_value=1_000_000_000, label=_("Tasks"))

    def __init__(self, *args: Any, kinds: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        field = cast(forms.ChoiceField, self.fields["kind"])
        field.choices = [(kind, NAMES[kind]) for kind in kinds]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def simulator(request: HttpRequest, project_id: int) -> HttpResponse:
    """What budgets give, and a form; POST begins a replay. Asked by htmx: the part it names."""
    project = get_project(request.user, project_id, MANAGE)
    context = _live(project)
    if request.method != "POST" and request.htmx:
        part = "answer" if "share" in request.GET else "live"
        if part == "answer":
            context |= _answer(project, request)
        return render(request, f"routing/simulator.html#{part}", context)
    stock = remembered(f"simulator-stocks:{project.pk}", lambda: stocks(project))
    listed = [(one.judge.pk, str(one.judge)) for one in stock]
    form = SimulationForm(request.POST or None, judges=listed)
    if request.method == "POST" and form.is_valid():
        try:
            start_simulation(
                project=project,
                actor=request.user,
                judges=form.judges_of(),
                settings={name: form.cleaned_data[name] for name in SETTINGS},
            )
        except InvalidValue as error:
            form.put(error)
        else:
            messages.success(request, _("The policies are being replayed."))
            return redirect("simulator", project.pk)
    context |= _answer(project, request) | {
        "form": form,
        "stocks": stock,
        "people": remembered_labels(project),
        "least": least_rows(FOLDS),
    }
    return render(request, "routing/simulator.html", context, status=422 if form.errors else 200)


def _live(project: Project) -> dict[str, Any]:
    run = PolicySimulation.objects.filter(project=project).order_by("-pk").first()
    return {
        "project": project,
        "tab": "routing",
        "run": run,
        "waits": why_waiting(run),
        "going": run is not None and run.state in (JobState.QUEUED, JobState.RUNNING),
    }


def _answer(project: Project, request: HttpRequest) -> dict[str, Any]:
    """What the newest replay tells of the budget that is asked for; nothing before the first."""
    found = latest_stored(project)
    if found is None or not found.kinds:
        return {"stored": found}
    initial = {"kind": found.kinds[0], "share": SHARE, "tasks": TASKS}
    asked = {name: request.GET[name] for name in initial if name in request.GET}
    form = BudgetForm({**initial, **asked}, kinds=found.kinds)
    given = form.cleaned_data if form.is_valid() else {}
    told = found.result.get("told", {})
    kind = given.get("kind", initial["kind"])
    share = given.get("share", SHARE) / 100
    tasks = given.get("tasks", TASKS)
    others = [found.estimate(one, share, tasks) for one in found.kinds if one != kind]
    return {
        "stored": found,
        "budget": form,
        "tasks": tasks,
        "chosen": found.estimate(kind, share, tasks),
        "labels": round(tasks * found.estimate(kind, share).people),
        "beside": [*others, *found.extremes(tasks)],
        "charts": found.charts(kind, share),
        "prices": _price_rows(found),
        "skipped": [
            (NAMES.get(kind, kind), in_words(Told.from_dict(told[kind])) if kind in told else why)
            for kind, why in found.result["skipped"].items()
        ],
    }


def _price_rows(found: Stored) -> list[dict[str, Any]]:
    return [
        {
            "id": one["id"],
            "name": one["name"],
            "price": found.prices.judges[one["id"]],
            "by_hand": one["id"] in found.prices.set_by_hand,
        }
        for one in found.result["judges"]
    ]


@login_required
@require_POST
def save_prices(request: HttpRequest, project_id: int) -> HttpResponse:
    """Prices that costs are reckoned with; an empty one of a judge is what its calls cost."""
    project = get_project(request.user, project_id, MANAGE)
    judges = {
        name.removeprefix("judge-"): text
        for name, text in request.POST.items()
        if name.startswith("judge-") and isinstance(text, str) and text.strip()
    }
    try:
        set_prices(
            project=project,
            actor=request.user,
            people=request.POST.get("people", "").strip(),
            judges=judges,
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
    else:
        messages.success(request, _("The prices are saved."))
    return redirect("simulator", project.pk)


@login_required
@require_POST
def cancel_simulation(request: HttpRequest, simulation_id: int) -> HttpResponse:
    """Stop it; nothing is kept of it."""
    run = get_in_project(request.user, PolicySimulation.objects.all(), simulation_id, MANAGE)
    jobs.request_cancel(run)
    return redirect("simulator", run.project_id)


urlpatterns = [
    path("projects/<int:project_id>/routing/simulator/", simulator, name="simulator"),
    path("projects/<int:project_id>/routing/prices/", save_prices, name="save_prices"),
    path(
        "routing/simulations/<int:simulation_id>/cancel/",
        cancel_simulation,
        name="cancel_simulation",
    ),
]
