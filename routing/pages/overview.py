"""The routing page: what goes to people, what to the judge, and how far both agree."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.models import Judge, Project
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from annotate.reports.remembered import remembered
from annotate.services.outgoing.exports import holds_pairs
from annotate.services.workers import why_waiting
from routing import judges
from routing.models import Decision, RoutingPolicy, RoutingRun
from routing.reports.decisions import (
    RouteFigures,
    for_experts,
    forget_labels,
    policy_in_force,
    remembered_labels,
    route_figures,
)
from routing.services.experts import open_to_everybody
from routing.services.passes import start_routing, stop_pass
from routing.services.people import count_simulated
from routing.services.policies import JUDGE_KIND, retire_policy, save_policy
from routing.services.waiting import why_no_pass
from routing.settings.policy import DOMAIN_NAMES

DECISIONS = 25


class PolicyForm(forms.Form):
    """Percent for people, shares for the service."""

    threshold = forms.FloatField(
        min_value=50,
        max_value=100,
        initial=90,
        label=_("The judge labels from, % sure"),
        help_text=_("Below it a task goes to people. 50 gives the judge all, 100 next to nothing."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    audit_share = forms.FloatField(
        min_value=5,
        max_value=100,
        initial=10,
        label=_("Of the judge’s share also to people, %"),
        help_text=_("Drawn at random; the agreement is measured on them."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    domains = forms.ChoiceField(
        choices=DOMAIN_NAMES.items(),
        required=False,
        label=_("The judge alone only where it passed"),
        help_text=_("The alternative annotator test, on the judge’s page. Elsewhere people label."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def routing(request: HttpRequest, project_id: int) -> HttpResponse:
    """Figures, rule and decisions; POST puts a new rule in force. Asked by htmx: the live part."""
    project = get_project(request.user, project_id, MANAGE)
    route = request.GET.get("route", "")
    context = _live(project) | _decisions(request, project, route)
    if request.htmx and request.method != "POST":
        return render(request, "routing/routing.html#live", context)
    policy = context["figures"].policy
    form = PolicyForm(request.POST or None, initial=_initial(policy))
    if request.method == "POST" and form.is_valid():
        try:
            save_policy(
                project=project,
                actor=request.user,
                threshold=form.cleaned_data["threshold"] / 100,
                audit_share=form.cleaned_data["audit_share"] / 100,
                domains=form.cleaned_data["domains"],
            )
        except InvalidValue as error:
            own = error.field in form.fields
            form.add_error(error.field if own else None, in_words(error))
        else:
            messages.success(request, _("The rule is in force. Start a pass to apply it."))
            return redirect("routing", project.pk)
    context |= {
        "form": form,
        "holds_pairs": holds_pairs(project),
        "judge": judges.get(JUDGE_KIND).newest(project.pk),
        "others": Judge.objects.filter(project=project).exists(),
        "people": remembered_labels(project),
    }
    return render(request, "routing/routing.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    """One decision with all that led to it."""
    rows = Decision.objects.select_related("task__prompt", "policy__judge")
    found = rows.filter(pk=decision_id).first()
    policy = get_in_project(
        request.user, RoutingPolicy.objects.all(), found.policy_id if found else 0, MANAGE
    )
    calls = found.task.judge_calls.filter(judge=found.policy.judge)
    context = {"project": policy.project, "tab": "routing", "decision": found, "calls": calls}
    return render(request, "routing/decision.html", context)


@login_required
@require_POST
def start_pass(request: HttpRequest, project_id: int) -> HttpResponse:
    """Let the judge look at what nobody has begun."""
    project = get_project(request.user, project_id, MANAGE)
    if start_routing(project=project, actor=request.user) is None:
        messages.error(request, _("No rule is in force. Set one first."))
    return redirect("routing", project.pk)


@login_required
@require_POST
def cancel_pass(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a pass; what it decided stays decided."""
    run = get_in_project(request.user, RoutingRun.objects.all(), run_id, MANAGE)
    stop_pass(run=run, actor=request.user)
    return redirect("routing", run.project_id)


@login_required
@require_POST
def stop_routing(request: HttpRequest, project_id: int) -> HttpResponse:
    """From now on everything goes to people."""
    project = get_project(request.user, project_id, MANAGE)
    if retire_policy(project=project, actor=request.user):
        messages.success(request, _("The rule is retired: from now on every task goes to people."))
    return redirect("routing", project.pk)


@login_required
@require_POST
def count_simulated_people(request: HttpRequest, project_id: int) -> HttpResponse:
    """Whether simulated people count as people in the project's figures, fits and tests."""
    project = get_project(request.user, project_id, MANAGE)
    count_simulated(
        project=project,
        actor=request.user,
        simulated=request.POST.get("simulated") == "yes",
        address=request.META["REMOTE_ADDR"],
    )
    forget_labels(project)
    return redirect("routing", project.pk)


@login_required
@require_POST
def open_experts_tasks(request: HttpRequest, project_id: int) -> HttpResponse:
    """Give what waits for experts alone to everybody."""
    project = get_project(request.user, project_id, MANAGE)
    tasks = open_to_everybody(
        project=project, actor=request.user, address=request.META["REMOTE_ADDR"]
    )
    said = ngettext(
        "{tasks} task is for everybody now.", "{tasks} tasks are for everybody now.", tasks
    )
    messages.success(request, said.format(tasks=tasks))
    return redirect("routing", project.pk)


def _live(project: Project) -> dict:
    """Figures are remembered until the rule changes or a pass begins or ends."""
    policy = policy_in_force(project)
    runs = RoutingRun.objects.filter(project=project).order_by("-pk")
    run = runs.first()
    rule, latest = policy.pk if policy else 0, f"{run.pk}:{run.state}" if run else ""
    key = f"report-routes:{project.pk}:{rule}:{latest}"
    figures = remembered(key, lambda: route_figures(project))
    going = run is not None and not run.is_over  # there is never one beside the latest
    return {
        "project": project,
        "tab": "routing",
        "figures": figures,
        "shares": _shares(figures),
        "run": run,
        "for_experts": for_experts(project),
        "waits": why_waiting(run),
        "no_pass": None if going else why_no_pass(policy),
        "going": going,
    }


def _shares(figures: RouteFigures) -> list[dict]:
    """The routes in the order of the bar: count, share of all, and where its part begins."""
    names = {
        "ai": _("AI judge alone"),
        "both": _("AI judge, audited by people"),
        "people": _("People"),
        "expert": _("Experts alone"),
    }
    rows, begin = [], 0.0
    for route, label in names.items():
        count = figures.routes.get(route, 0)
        if route == "expert" and not count:
            continue
        share = count / figures.total if figures.total else 0.0
        rows.append(
            {
                "route": route,
                "label": label,
                "count": count,
                "share": share,
                "x": round(100 * begin, 3),
                "width": round(100 * share, 3),
            }
        )
        begin += share
    return rows


def _initial(policy: RoutingPolicy | None) -> dict | None:
    if policy is None or policy.is_fitted:
        return None
    return {
        "threshold": round(100 * policy.threshold, 4),
        "audit_share": round(100 * policy.audit_share, 4),
        "domains": policy.settings.get("domains", ""),
    }


def _decisions(request: HttpRequest, project: Project, route: str) -> dict:
    """A page of them, the newest first, of one route if it is given. One query."""
    rows = Decision.objects.filter(policy__project=project, shadow=False)
    if route in Decision.Route.values:
        rows = rows.filter(route=route)
    if before := number_in(request, "before"):
        rows = rows.filter(pk__lt=before)
    found = list(rows.select_related("task__prompt", "policy").order_by("-pk")[: DECISIONS + 1])
    shown = found[:DECISIONS]
    after = shown[-1].pk if len(found) > DECISIONS else None
    links = page_links(request, after, {"route": route} if route else {})
    return {"decisions": shown, "route": route, **links}


urlpatterns = [
    path("projects/<int:project_id>/routing/", routing, name="routing"),
    path("projects/<int:project_id>/routing/start/", start_pass, name="start_pass"),
    path("projects/<int:project_id>/routing/stop/", stop_routing, name="stop_routing"),
    path(
        "projects/<int:project_id>/routing/people/", count_simulated_people, name="count_simulated"
    ),
    path(
        "projects/<int:project_id>/routing/experts/open/",
        open_experts_tasks,
        name="open_experts_tasks",
    ),
    path("routing/runs/<int:run_id>/cancel/", cancel_pass, name="cancel_pass"),
    path("routing/decisions/<int:decision_id>/", decision, name="decision"),
]
