"""Training runs: the list, the form that starts one, and a run as it goes."""

import importlib.util

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.models import Judgement
from annotate.pages.reasons import in_words
from training.models import Loop, ModelVersion, TrainingRun
from training.pages.config_forms import FORMS
from training.pages.curves import curves
from training.pages.failures import environment_words, failure_words
from training.pages.figures import figures_of
from training.pages.rows import rows_of
from training.services import limits, runs
from training.services.configs import losses_for, objectives_for, policies_learn
from training.services.outlook import outlooks
from training.services.reasons import trigger_words

RECIPES = TrainingRun.Recipe.choices


def can_train() -> bool:
    """Whether this installation has the training extra; finding it does not import it."""
    return importlib.util.find_spec("torch") is not None


@login_required
@require_safe
@vary_on_headers("HX-Request")
def training(request: HttpRequest, project_id: int) -> HttpResponse:
    """Runs, what is in service, schedules. Asked by htmx, only the runs."""
    project = get_project(request.user, project_id, MANAGE)
    found = list(TrainingRun.objects.of_project(project)[:50])
    context = {
        "project": project,
        "tab": "training",
        "runs": found,
        "going": any(not run.is_over for run in found),
    }
    if request.htmx:
        return render(request, "training/training.html#runs", context)
    found_limits = limits.limits_of(project)
    context |= {
        "can_train": can_train(),
        "in_service": ModelVersion.objects.filter(
            project=project, state=ModelVersion.State.IN_SERVICE
        ).order_by("kind"),
        "outlooks": outlooks(project, found_limits),
        "limits": found_limits,
        "open_loop": Loop.objects.filter(project=project).open().first(),
        "has_judgements": bool(found) or Judgement.objects.filter(project=project).exists(),
        "rewards_learn": bool(objectives_for(project)),
        "policies_learn": policies_learn(project),
    }
    return render(request, "training/training.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def start_run(request: HttpRequest, project_id: int, recipe: str) -> HttpResponse:
    """The form of a recipe; POST queues the run."""
    project = get_project(request.user, project_id, MANAGE)
    rewards = recipe == TrainingRun.Recipe.REWARD_MODEL
    learners = objectives_for(project) if rewards else losses_for(project)
    form = FORMS[recipe](request.POST or None, initial=initial_config(learners))
    if request.method == "POST" and form.is_valid():
        try:
            run = runs.queue_run(
                project=project,
                actor=request.user,
                recipe=recipe,
                config=form.as_config(),
                trigger=TrainingRun.Trigger.PERSON,
            )
        except InvalidValue as error:
            form.add_invalid(error)
        else:
            return redirect("training_run", run.pk)
    context = {
        "project": project,
        "tab": "training",
        "form": form,
        "recipe": recipe,
        "recipes": RECIPES,
        "can_train": can_train(),
        "can_learn": bool(learners),
        "processes": settings.TRAINING_PROCESSES,
    }
    status = 422 if form.errors else 200
    return render(request, "training/start_run.html", context, status=status)


def initial_config(learners: list[str]) -> dict[str, str | bool]:
    """What fits the project, where the recipe's own default does not."""
    if not learners or {"bradley_terry", "sigmoid"} & set(learners):
        return {}
    usual = {"objective": learners[0], "method": "frozen", "loss": learners[0]}
    # Alone it stands where the project asks for nothing else, and its product sends signals.
    return {**usual, "signals": True} if learners == ["kto"] else usual


@login_required
@require_safe
@vary_on_headers("HX-Request")
def training_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: progress and curves while it goes, figures at its end."""
    rows = TrainingRun.objects.select_related("snapshot", "created_by", "model_version")
    run = get_in_project(request.user, rows, run_id, MANAGE)
    context = {
        "project": run.project,
        "tab": "training",
        "run": run,
        "version": getattr(run, "model_version", None),
        "failure": failure_words(run),
        "trigger": in_words(trigger_words(run)),
        "environment": environment_words(run),
        "charts": curves(run),
        "figures": figures_of(run.metrics),
        "rows": rows_of(run.metrics),
    }
    page = "training/training_run.html"
    return render(request, f"{page}#live" if request.htmx else page, context)


@login_required
@require_POST
def cancel_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask the run to stop."""
    run = get_in_project(request.user, TrainingRun.objects.all(), run_id, MANAGE)
    runs.cancel_run(run=run, actor=request.user)
    if run.is_over and run.state != "cancelled":
        messages.info(request, _("The run was over already."))
    return redirect("training_run", run.pk)


urlpatterns = [
    path("projects/<int:project_id>/training/", training, name="training"),
    *[
        path(
            f"projects/<int:project_id>/training/new/{recipe}/",
            start_run,
            {"recipe": recipe},
            name=f"start_{recipe}",
        )
        for recipe in FORMS
    ],
    path("training/runs/<int:run_id>/", training_run, name="training_run"),
    path("training/runs/<int:run_id>/cancel/", cancel_run, name="cancel_run"),
]
