"""The pages of judges: which there are, how each does, what it may spend, trying one out."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Judge, Project
from annotate.pages.reasons import in_words
from annotate.services import audit, jobs
from routing import judges as registry
from routing.judge_forms import KINDS, TOLD, LimitsForm, form_class
from routing.judge_reports import standings
from routing.models import JudgeCall, JudgeRun
from routing.services.judge_runs import start_judging
from routing.services.judges import LIMITS, offered_kinds, save_judge, set_limits

FAILURES_SHOWN = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def judges(request: HttpRequest, project_id: int) -> HttpResponse:
    """GET: the judges, and a form for the kind of ?kind=. POST: one more, or a new version."""
    project = get_project(request.user, project_id, MANAGE)
    kinds = {kind.name: kind for kind in offered_kinds()}
    kind = request.GET.get("kind", "openai")
    kind = kind if kind in kinds else "openai"
    form = form_class(kind)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            judge = save_judge(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                name=form.cleaned_data["name"],
                kind=kind,
                config=form.config_of(),
                limits=form.limits_of(),
            )
        except InvalidValue as error:
            _put(form, error)
        else:
            messages.success(
                request, _("%s is set up. Try it on ten tasks before it labels.") % judge
            )
            return redirect("judge", judge.pk)
    context = {
        "project": project,
        "tab": "judges",
        "standings": standings(project),
        "form": form,
        "kind": kind,
        "kinds": [(name, KINDS.get(name, name)) for name in kinds],
        "told": TOLD.get(kind, ""),
        "does_not_fit": project.kind not in kinds[kind].asks,
    }
    return render(request, "routing/judges.html", context, status=422 if form.errors else 200)


def _put(form: forms.Form, error: InvalidValue) -> None:
    """At the field that it is about: "config.base_url" is the field base_url of the form."""
    path_ = error.field.split(".")
    field = next((name for name in reversed(path_) if name in form.fields), None)
    inside = "" if field == path_[-1] else f"{error.field}: "
    form.add_error(field, f"{inside}{in_words(error)}")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def judge(request: HttpRequest, judge_id: int) -> HttpResponse:
    """One version with its runs and failures; POST sets the limits. By htmx: the live part."""
    found = get_in_project(request.user, Judge.objects.select_related("project"), judge_id, MANAGE)
    context = _live(found)
    if request.htmx and request.method != "POST":
        return render(request, "routing/judge.html#live", context)
    initial = {name: getattr(context["account"], name) for name in LIMITS}
    form = LimitsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            set_limits(
                judge=found,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                limits=form.limits_of(),
            )
        except InvalidValue as error:
            _put(form, error)
        else:
            messages.success(request, _("The limits are in force."))
            return redirect("judge", found.pk)
    versions = Judge.objects.filter(project=found.project, name=found.name).order_by("-version")
    context |= {
        "form": form,
        "versions": versions,
        "priced": registry.get(found.kind).priced,
        "config": [(name, value) for name, value in found.config.items() if value not in ("", {})],
    }
    return render(request, "routing/judge.html", context, status=422 if form.errors else 200)


def _live(found: Judge) -> dict:
    """What changes while a run goes on. Five queries."""
    runs = list(found.runs.order_by("-pk")[:10])
    dry = next((run for run in runs if run.report), None)
    [standing] = [one for one in standings(found.project) if one.judge.pk == found.pk]
    failures = JudgeCall.objects.filter(judge=found, state="failed").order_by("-pk")
    return {
        "project": found.project,
        "tab": "judges",
        "judge": found,
        "fits": found.project.kind in registry.get(found.kind).asks,
        "standing": standing,
        "account": standing.account,
        "runs": runs,
        "going": next((run for run in runs if not run.is_over), None),
        "dry_run": dry,
        "failures": failures[:FAILURES_SHOWN],
    }


@login_required
@require_POST
def start_judge(request: HttpRequest, judge_id: int) -> HttpResponse:
    """Try it on ten tasks, or let it label; `retry` asks again what failed."""
    found = get_in_project(request.user, Judge.objects.select_related("project"), judge_id, MANAGE)
    purpose = request.POST.get("purpose", JudgeRun.Purpose.DRY_RUN)
    try:
        start_judging(
            judge=found,
            actor=request.user,
            purpose=purpose,
            retry_failed=request.POST.get("retry") == "1",
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
    return redirect("judge", found.pk)


@login_required
@require_POST
def cancel_judge_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a run; what it labelled stays."""
    run = get_in_project(request.user, JudgeRun.objects.all(), run_id, MANAGE)
    project: Project = run.project
    if not run.is_over:
        jobs.request_cancel(run)
        audit.record(action="judge.cancel_asked", target=run, actor=request.user, project=project)
    return redirect("judge", run.judge_id)


urlpatterns = [
    path("projects/<int:project_id>/judges/", judges, name="judges"),
    path("judges/<int:judge_id>/", judge, name="judge"),
    path("judges/<int:judge_id>/start/", start_judge, name="start_judge"),
    path("judges/runs/<int:run_id>/cancel/", cancel_judge_run, name="cancel_judge_run"),
]
