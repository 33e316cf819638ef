"""Schedules and limits: when models are retrained without anybody asking."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate.access import MANAGE, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.models import Project
from annotate.pages.reasons import in_words
from training.models import Schedule
from training.pages.config_forms import FORMS
from training.pages.runs import RECIPES, can_train
from training.pages.schedule_forms import LimitsForm, ScheduleForm
from training.services import limits, schedules

TRIGGERS = (
    *("every_hours", "every_judgements", "cron", "drift_above", "on_routing"),
    "enabled",
)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create_schedule(request: HttpRequest, project_id: int, recipe: str) -> HttpResponse:
    """A new schedule for a recipe."""
    project = get_project(request.user, project_id, MANAGE)
    return _edit(request, project, recipe, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Change a schedule."""
    found = get_in_project(request.user, Schedule.objects.all(), schedule_id, MANAGE)
    return _edit(request, found.project, found.recipe, found)


@login_required
@require_POST
def delete_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Remove a schedule; its runs stay."""
    found = get_in_project(request.user, Schedule.objects.all(), schedule_id, MANAGE)
    schedules.delete_schedule(schedule=found, actor=request.user)
    messages.success(request, _("The schedule is gone. Runs it started stay."))
    return redirect("training", found.project_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def training_limits(request: HttpRequest, project_id: int) -> HttpResponse:
    """Budget and quiet hours."""
    project = get_project(request.user, project_id, MANAGE)
    now, found = timezone.now(), limits.limits_of(project)
    used = limits.used_hours(found, now)
    form = LimitsForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            limits.save_limits(project=project, actor=request.user, **form.cleaned_data)
        except InvalidValue as error:
            form.add_error(error.field if error.field in form.fields else None, in_words(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("training", project.pk)
    context = {"project": project, "tab": "training", "form": form, "used": used, "limits": found}
    status = 422 if form.errors else 200
    return render(request, "training/limits.html", context, status=status)


def _edit(
    request: HttpRequest, project: Project, recipe: str, found: Schedule | None
) -> HttpResponse:
    initial = {name: getattr(found, name) for name in TRIGGERS} if found else None
    form = ScheduleForm(request.POST or None, initial=initial)
    config = FORMS[recipe](request.POST or None, initial=found.config if found else None)
    if request.method == "POST" and form.is_valid() & config.is_valid():
        try:
            schedules.save_schedule(
                project=project,
                actor=request.user,
                recipe=recipe,
                config=config.as_config(found.config if found else None),
                schedule=found,
                **form.cleaned_data,
            )
        except InvalidValue as error:
            (form if error.field in form.fields else config).add_error(*_place(error, form, config))
        else:
            messages.success(request, _("Saved."))
            return redirect("training", project.pk)
    context = {
        "project": project,
        "tab": "training",
        "form": form,
        "config_form": config,
        "schedule": found,
        "recipe": recipe,
        "recipe_name": dict(RECIPES)[recipe],
        "recipes": RECIPES,
        "can_train": can_train(),
    }
    status = 422 if form.errors or config.errors else 200
    return render(request, "training/schedule.html", context, status=status)


def _place(error: InvalidValue, form: ScheduleForm, config) -> tuple[str | None, str]:
    """The field that the error belongs to, and what to say there."""
    name = error.field.removeprefix("config.")
    known = name in form.fields or name in config.fields
    return (name if known else None), f"{name} {in_words(error)}"


urlpatterns = [
    *[
        path(
            f"projects/<int:project_id>/training/schedules/new/{recipe}/",
            create_schedule,
            {"recipe": recipe},
            name=f"schedule_{recipe}",
        )
        for recipe in FORMS
    ],
    path("projects/<int:project_id>/training/limits/", training_limits, name="training_limits"),
    path("training/schedules/<int:schedule_id>/", schedule, name="schedule"),
    path("training/schedules/<int:schedule_id>/delete/", delete_schedule, name="delete_schedule"),
]
