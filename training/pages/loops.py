"""The loop of a project: its rounds, what happens next, and what a manager may do about it."""

from collections.abc import Callable
from typing import Any

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
from annotate.models import Project
from annotate.pages.reasons import in_words
from training.models import Loop, LoopRound
from training.pages.config_forms import DpoForm, RewardModelForm
from training.pages.loop_forms import LoopForm, initial_of
from training.pages.loop_rounds import loop_charts, round_lines
from training.pages.loop_words import guard_rows, next_step
from training.pages.runs import can_train, initial_config
from training.services import loops
from training.services.configs import losses_for, objectives_for

ROUNDS_SHOWN = 200


@login_required
@require_safe
@vary_on_headers("HX-Request")
def project_loop(request: HttpRequest, project_id: int) -> HttpResponse:
    """The newest loop, or how to begin one."""
    project = get_project(request.user, project_id, MANAGE)
    newest = Loop.objects.filter(project=project).order_by("-pk").first()
    if newest is None:
        context = {
            "project": project,
            "tab": "training",
            "can_learn": bool(objectives_for(project)),
        }
        return render(request, "training/loop.html", context)
    newest.project = project
    return _show(request, newest)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """One loop, also one that is over."""
    return _show(request, get_in_project(request.user, Loop.objects.all(), loop_id, MANAGE))


def _show(request: HttpRequest, found: Loop) -> HttpResponse:
    """Asked by htmx, only what changes by itself."""
    shown = 1 if request.htmx else ROUNDS_SHOWN
    rounds = list(found.rounds.with_parts().order_by("-number")[:shown])
    newest = rounds[0] if rounds else None
    if newest:
        newest.loop = found
    now = newest if newest and not newest.is_over else None
    context = {
        "project": found.project,
        "tab": "training",
        "loop": found,
        "round": now,
        "next": next_step(found, now),
        "phases": [(value, label, _place(now, value)) for value, label in PHASES],
    }
    if request.htmx:
        return render(request, "training/loop.html#live", context)
    context |= {
        "lines": round_lines(rounds),
        "charts": loop_charts(rounds[::-1]),
        "guards": guard_rows(found, newest),
        "earlier": [row for row in rounds[1:] if row.outcome == LoopRound.Outcome.DONE],
        "others": Loop.objects.filter(project=found.project).exclude(pk=found.pk).order_by("-pk"),
        "can_train": can_train(),
    }
    return render(request, "training/loop.html", context)


PHASES = [choice for choice in LoopRound.Phase.choices if choice[0] != LoopRound.Phase.OVER]


def _place(row: LoopRound | None, phase: str) -> str:
    """Whether the phase is past, present or to come in the open round."""
    if row is None:
        return "later"
    order = [value for value, _label in PHASES]
    here, there = order.index(row.phase), order.index(phase)
    return "now" if here == there else "past" if there < here else "later"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create_loop(request: HttpRequest, project_id: int) -> HttpResponse:
    """The form of a new loop."""
    return _edit(request, get_project(request.user, project_id, MANAGE), None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Change a loop from its next step on."""
    found = get_in_project(request.user, Loop.objects.all(), loop_id, MANAGE)
    return _edit(request, found.project, found)


def _edit(request: HttpRequest, project: Project, found: Loop | None) -> HttpResponse:
    form = LoopForm(
        request.POST or None, project=project, initial=initial_of(found) if found else None
    )
    reward = RewardModelForm(
        request.POST or None,
        prefix="reward",
        initial=found.reward_config if found else initial_config(objectives_for(project)),
    )
    usual = {**initial_config(losses_for(project)), "start_from": "in_service"}
    policy = DpoForm(
        request.POST or None,
        prefix="policy",
        initial=(found.policy_config if found else None) or usual,
    )
    for recipe in (reward, policy):
        del recipe.fields["seed"]  # each round has its own
    if request.method == "POST" and _are_valid(form, reward, policy):
        try:
            saved = _save(request, project, found, form, reward, policy)
        except InvalidValue as error:
            _place_error(error, form, reward, policy)
        else:
            messages.success(request, _("Saved."))
            return redirect("loop", saved.pk)
    context = {
        "project": project,
        "tab": "training",
        "loop": found,
        "form": form,
        "reward_form": reward,
        "policy_form": policy,
        "can_train": can_train(),
    }
    failed = any(one.errors for one in (form, reward, policy))
    return render(request, "training/edit_loop.html", context, status=422 if failed else 200)


def _are_valid(form: LoopForm, reward: RewardModelForm, policy: DpoForm) -> bool:
    """A policy that is not trained need not be filled in well."""
    fine = form.is_valid() & reward.is_valid()
    if form.is_valid() and not form.cleaned_data["train_policy"]:
        policy.is_bound = False
        return fine
    return fine & policy.is_valid()


def _save(
    request: HttpRequest,
    project: Project,
    found: Loop | None,
    form: LoopForm,
    reward: RewardModelForm,
    policy: DpoForm,
) -> Loop:
    wishes = {**form.wishes(), "policy_config": None}
    wishes["reward_config"] = reward.as_config(found.reward_config if found else None)
    if form.cleaned_data["train_policy"]:
        wishes["policy_config"] = policy.as_config(found.policy_config if found else None)
    if found is None:
        return loops.create_loop(project=project, actor=request.user, **wishes)
    return loops.change_loop(loop=found, actor=request.user, **wishes)


def _place_error(
    error: InvalidValue, form: LoopForm, reward: RewardModelForm, policy: DpoForm
) -> None:
    for name, recipe in (("reward_config", reward), ("policy_config", policy)):
        if error.field.startswith(f"{name}."):
            recipe.add_invalid(error.at(error.field.removeprefix(f"{name}.")))
            return
    form.add_invalid(error)


def _act(
    request: HttpRequest, loop_id: int, act: Callable[..., Loop], said: str, **values: Any
) -> HttpResponse:
    found = get_in_project(request.user, Loop.objects.all(), loop_id, MANAGE)
    try:
        act(loop=found, actor=request.user, **values)
    except InvalidValue as error:
        messages.error(request, _("Not done: %s.") % in_words(error))
    else:
        messages.success(request, said)
    return redirect("loop", found.pk)


@login_required
@require_POST
def go_on_loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Begin the next round, or end the judging of this one, without waiting for labels."""
    return _act(request, loop_id, loops.go_on, _("It goes on within seconds."))


@login_required
@require_POST
def pause_loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Start nothing new."""
    return _act(request, loop_id, loops.pause_loop, _("The loop is paused."))


@login_required
@require_POST
def resume_loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Go on after a pause, or look again after a guard."""
    return _act(request, loop_id, loops.resume_loop, _("The loop goes on."))


@login_required
@require_POST
def cancel_loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """End it."""
    return _act(request, loop_id, loops.cancel_loop, _("The loop is over."))


@login_required
@require_POST
def overrule_guard(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Go on although a guard stopped it."""
    reason = request.POST.get("reason", "")
    said = _("The guard is overruled; the loop goes on.")
    return _act(request, loop_id, loops.overrule_guard, said, reason=reason)


@login_required
@require_POST
def roll_back_loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Put the models of an earlier round back into service."""
    given = request.POST.get("round", "")
    number = int(given) if given.isdecimal() and len(given) < 6 else 0
    reason = request.POST.get("reason", "")
    said = _("The models of round %s are in service again.") % number
    return _act(request, loop_id, loops.roll_back_loop, said, number=number, reason=reason)


urlpatterns = [
    path("projects/<int:project_id>/training/loop/", project_loop, name="project_loop"),
    path("projects/<int:project_id>/training/loop/new/", create_loop, name="create_loop"),
    path("training/loops/<int:loop_id>/", loop, name="loop"),
    path("training/loops/<int:loop_id>/edit/", edit_loop, name="edit_loop"),
    *[
        path(f"training/loops/<int:loop_id>/{address}/", view, name=name)
        for address, view, name in (
            ("go-on", go_on_loop, "go_on_loop"),
            ("pause", pause_loop, "pause_loop"),
            ("resume", resume_loop, "resume_loop"),
            ("cancel", cancel_loop, "cancel_loop"),
            ("overrule", overrule_guard, "overrule_guard"),
            ("roll-back", roll_back_loop, "roll_back_loop"),
        )
    ],
]
