"""The pages of judges: which there are, how each does, what it may spend, trying one out."""

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.kinds import spans
from annotate.models import Judge, Project
from annotate.pages.reasons import in_words
from routing import judges as registry
from routing.guarantee.enough import MIN_ITEMS, MIN_ITEMS_EACH, MIN_PEOPLE
from routing.models import JudgeCall, JudgeRun
from routing.pages.judge_forms import (
    KINDS,
    REGISTERED,
    TOLD,
    JudgeForm,
    KindForm,
    LimitsForm,
    OpenAIForm,
    SystemOneForm,
)
from routing.pages.panel_form import PanelForm
from routing.reports.decisions import remembered_labels
from routing.reports.gold import judge_passed
from routing.reports.judge import standings
from routing.reports.suggestion import decisions
from routing.services.asked import OF_PAIRS, asked_of
from routing.services.judge_runs import cancel_judging, start_judging
from routing.services.judge_tests import EPSILON, start_test
from routing.services.judges import (
    LIMITS,
    check_judge,
    offered_kinds,
    save_judge,
    set_limits,
)
from routing.words.dry_run import answers_shown

FAILURES_SHOWN = 20
FORMS: dict[str, type[KindForm]] = {
    "openai": OpenAIForm,
    "systemone": SystemOneForm,
    "panel": PanelForm,
}
EPSILONS = {
    0.1: gettext_lazy("a crowd (0.1)"),
    0.15: gettext_lazy("skilled people (0.15)"),
    0.2: gettext_lazy("experts (0.2)"),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def judges(request: HttpRequest, project_id: int) -> HttpResponse:
    """GET: the judges, and a form for the kind of ?kind=. POST: one more, or a new version."""
    project = get_project(request.user, project_id, MANAGE)
    kinds = {kind.name: kind for kind in offered_kinds()}
    kind = request.GET.get("kind", "openai")
    kind = kind if kind in kinds else "openai"
    form = (FORMS | REGISTERED).get(kind, JudgeForm)(
        request.POST if request.method == "POST" else None
    )
    form.prepare(kind, project)
    if request.method == "POST" and (judge := _set_up(request, project, kind, form)):
        messages.success(request, _("%s is set up. Try it on ten tasks before it labels.") % judge)
        return redirect("judge", judge.pk)
    context = {
        "project": project,
        "tab": "judges",
        "standings": standings(project),
        "form": form,
        "kind": kind,
        "kinds": [(name, KINDS.get(name, name)) for name in kinds],
        "told": TOLD.get(kind, ""),
        "does_not_fit": asked_of(project).kind not in kinds[kind].asks,
    }
    return render(request, "routing/judges.html", context, status=422 if form.errors else 200)


def _set_up(request: HttpRequest, project: Project, kind: str, form: KindForm) -> Judge | None:
    """The judge; None with all that is wrong at its field, also where a field alone is wrong."""
    is_valid = form.is_valid()
    given = {
        "project": project,
        "name": form.cleaned_data.get("name", ""),
        "kind": kind,
        "config": form.config_of(),
        "limits": form.limits_of(),
    }
    try:
        if is_valid:
            address = request.META["REMOTE_ADDR"]
            return save_judge(actor=request.user, address=address, **given)
        check_judge(**given)
    except InvalidValue as error:
        _put_all(form, error)
    return None


def _put_all(form: forms.Form, error: InvalidValue) -> None:
    """At the fields that they are about: "config.base_url" is the field base_url of the form.
    One that the form itself refused says so already.
    """
    refused = set(form.errors)
    for one in error.all:
        path_ = one.field.split(".")
        field = next((name for name in reversed(path_) if name in form.fields), None)
        if field not in refused:
            inside = "" if field == path_[-1] else f"{one.field}: "
            form.add_error(field, f"{inside}{in_words(one)}")


def _plain(limit: Decimal | int | None) -> str | int | None:
    """Money without zeros that say nothing: 20.000000 as 20."""
    if not isinstance(limit, Decimal):
        return limit
    return f"{limit:f}".rstrip("0").rstrip(".") if limit % 1 else str(int(limit))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def judge(request: HttpRequest, judge_id: int) -> HttpResponse:
    """One version with its runs and failures; POST sets the limits. By htmx: the live part."""
    found = get_in_project(request.user, Judge.objects.select_related("project"), judge_id, MANAGE)
    context = _live(found)
    if request.htmx and request.method != "POST":
        return render(request, "routing/judge.html#live", context)
    initial = {name: _plain(getattr(context["account"], name)) for name in LIMITS}
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
            _put_all(form, error)
        else:
            messages.success(request, _("The limits are in force."))
            return redirect("judge", found.pk)
    versions = Judge.objects.filter(project=found.project, name=found.name).order_by("-version")
    context |= {
        "form": form,
        "versions": versions,
        "people": remembered_labels(found.project),
        "priced": registry.get(found.kind).priced,
        "config": [(name, value) for name, value in found.config.items() if value not in ("", {})],
    }
    return render(request, "routing/judge.html", context, status=422 if form.errors else 200)


def _live(found: Judge) -> dict:
    """What changes while a run goes on. Ten queries, eleven in a project of spans; two more where
    it labelled tasks with a known answer.
    """
    runs = list(found.runs.order_by("-pk")[:10])
    tried = JudgeRun.Purpose.DRY_RUN
    dry = next((run for run in runs if run.purpose == tried and run.report), None)
    [standing] = [one for one in standings(found.project) if one.judge.pk == found.pk]
    failures = JudgeCall.objects.filter(judge=found, state="failed").order_by("-pk")
    asked = asked_of(found.project)
    return {
        "project": found.project,
        "tab": "judges",
        "judge": found,
        "fits": asked.kind in registry.get(found.kind).asks,
        "standing": standing,
        "account": standing.account,
        "runs": runs,
        "going": next((run for run in runs if not run.is_over), None),
        "watched": any(not run.is_over for run in [*runs, *found.test_runs.order_by("-pk")[:1]]),
        "dry_run": dry,
        "dry_items": answers_shown(found.project, dry.report) if dry else [],
        "known": judge_passed(found),
        "decisions": decisions(found) if asked.kind == spans.NAME else None,
        **_tests(found),
        "failures": failures[:FAILURES_SHOWN],
    }


def _tests(found: Judge) -> dict:
    """The latest test, and what it said of each domain that it could judge; the others apart."""
    test = found.test_runs.order_by("-pk").first()
    domains = list(found.domain_tests.order_by("grouping", "domain"))
    return {
        "is_tested": found.project.kind in OF_PAIRS and "pairwise" in registry.get(found.kind).asks,
        "test": test,
        "tested": [one for one in domains if not one.missing],
        "untested": [one for one in domains if one.missing],
        "least": MIN_ITEMS,
        "each": MIN_ITEMS_EACH,
        "crew": MIN_PEOPLE,
        "epsilons": EPSILONS.items(),
        "epsilon": test.epsilon if test is not None else EPSILON,
    }


@login_required
@require_POST
def start_judge_test(request: HttpRequest, judge_id: int) -> HttpResponse:
    """Test whether the judge may take a person's place, in every domain."""
    found = get_in_project(request.user, Judge.objects.select_related("project"), judge_id, MANAGE)
    try:
        epsilon = float(request.POST.get("epsilon", EPSILON))
    except ValueError:
        epsilon = -1.0
    try:
        start_test(judge=found, actor=request.user, epsilon=epsilon)
    except InvalidValue as error:
        messages.error(request, in_words(error))
    return redirect("judge", found.pk)


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
    cancel_judging(run=run, actor=request.user)
    return redirect("judge", run.judge_id)


urlpatterns = [
    path("projects/<int:project_id>/judges/", judges, name="judges"),
    path("judges/<int:judge_id>/", judge, name="judge"),
    path("judges/<int:judge_id>/start/", start_judge, name="start_judge"),
    path("judges/<int:judge_id>/test/", start_judge_test, name="start_judge_test"),
    path("judges/runs/<int:run_id>/cancel/", cancel_judge_run, name="cancel_judge_run"),
]
