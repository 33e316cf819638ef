"""The pages of fitted policies: fitting one, what was measured of it, shadow and promotion."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import JobState, Judge, Project
from annotate.pages.reasons import in_words
from annotate.services import jobs
from routing.features.tagger import PROMPT_TAGS
from routing.models import PolicyFit, RoutingPolicy
from routing.policy_reports import charts_of, gains_of, summaries
from routing.policy_settings import FITTED, WINDOWS
from routing.services.policies import is_better, promote_policy, put_in_shadow, start_fit

WINDOW_NAMES = {
    "all": _("the whole project"),
    "day": _("a day"),
    "week": _("seven days"),
    "month": _("thirty days"),
}
ALWAYS = "always to people"
JUDGES = 3


class FitForm(forms.Form):
    """Percent for people, shares for the service."""

    kind = forms.ChoiceField(
        choices=[(k.value, k.label) for k in RoutingPolicy.Kind if k.value in FITTED],
        initial="error",
        label=_("Kind"),
        help_text=_(
            "By expected error: each task to whom it costs the fewest wrong labels. A cascade "
            "keeps with the judges only what was tested to agree with people."
        ),
    )
    judge_1 = forms.ChoiceField(label=_("Judge"))
    judge_2 = forms.ChoiceField(required=False, label=_("A stronger judge"))
    judge_3 = forms.ChoiceField(required=False, label=_("The strongest judge"))
    share = forms.FloatField(
        min_value=0,
        max_value=100,
        initial=50,
        label=_("People label at most, % of the tasks"),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    money = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1e9,
        label=_("Or a budget for people, $"),
        help_text=_("Then the share does not count."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    price = forms.FloatField(
        min_value=0.000001,
        max_value=1e6,
        initial=0.3,
        label=_("One label by people costs, $"),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    window = forms.ChoiceField(
        choices=[(name, WINDOW_NAMES[name]) for name in WINDOWS], label=_("The budget is for")
    )
    explore = forms.FloatField(
        min_value=5,
        max_value=100,
        initial=5,
        label=_("Of the judge’s share also to people, %"),
        help_text=_("Drawn at random; what the judge is worth is measured on them."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    risk = forms.FloatField(
        min_value=1,
        max_value=50,
        initial=15,
        label=_("A cascade’s labels may differ from people’s in at most, %"),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    tags = forms.MultipleChoiceField(
        required=False,
        choices=[(tag, tag) for tag in PROMPT_TAGS],
        initial=["safety: moderate", "safety: high"],
        label=_("Always to people: prompts with these tags"),
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )

    def __init__(self, *args: Any, project: Project, **options: Any) -> None:
        super().__init__(*args, **options)
        judges = [(one.pk, str(one)) for one in Judge.objects.filter(project=project)]
        judges.sort(key=lambda one: -one[0])
        self.fields["judge_1"].choices = judges  # type: ignore[attr-defined]
        for name in ("judge_2", "judge_3"):
            self.fields[name].choices = [("", gettext("none")), *judges]  # type: ignore[attr-defined]

    def judges_of(self) -> list[int]:
        given = [self.cleaned_data[f"judge_{number}"] for number in range(1, JUDGES + 1)]
        return [int(one) for one in given if one]

    def settings_of(self) -> dict[str, Any]:
        said = self.cleaned_data
        rule = {"name": ALWAYS, "tags": said["tags"]}
        return {
            "share": said["share"] / 100,
            "money": said["money"],
            "price": said["price"],
            "window": said["window"],
            "explore": said["explore"] / 100,
            "risk": said["risk"] / 100,
            "rules": [rule] if said["tags"] else [],
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def policies(request: HttpRequest, project_id: int) -> HttpResponse:
    """All versions and a form; POST begins a fit. Asked by htmx: the live part."""
    project = get_project(request.user, project_id, MANAGE)
    context = _live(project)
    if request.htmx and request.method != "POST":
        return render(request, "routing/policies.html#live", context)
    form = FitForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            start_fit(
                project=project,
                actor=request.user,
                kind=form.cleaned_data["kind"],
                judges=form.judges_of(),
                settings=form.settings_of(),
            )
        except InvalidValue as error:
            name = error.field.split(".")[-1]
            own = {"judges": "judge_1"}.get(name, name)
            form.add_error(own if own in form.fields else None, in_words(error))
        else:
            messages.success(request, _("The policy is being fitted."))
            return redirect("policies", project.pk)
    context |= {"form": form, "judges": Judge.objects.filter(project=project).exists()}
    return render(request, "routing/policies.html", context, status=422 if form.errors else 200)


def _live(project: Project) -> dict[str, Any]:
    fit = PolicyFit.objects.filter(project=project).order_by("-pk").first()
    return {
        "project": project,
        "tab": "routing",
        "policies": summaries(project),
        "fit": fit,
        "going": fit is not None and fit.state in (JobState.QUEUED, JobState.RUNNING),
    }


@login_required
@require_POST
def cancel_fit(request: HttpRequest, fit_id: int) -> HttpResponse:
    """Stop it; no draft is made."""
    fit = get_in_project(request.user, PolicyFit.objects.all(), fit_id, MANAGE)
    jobs.request_cancel(fit)
    return redirect("policies", fit.project_id)


@login_required
@require_safe
def policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    """One version with what was measured of it."""
    return render(request, "routing/policy.html", _policy_context(request, policy_id))


@login_required
@require_POST
def shadow_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Let it decide without effect."""
    found = get_in_project(request.user, RoutingPolicy.objects.all(), policy_id, MANAGE)
    try:
        put_in_shadow(policy=found, actor=request.user)
    except InvalidValue as error:
        messages.error(request, in_words(error))
    else:
        messages.success(request, _("It runs in shadow: it decides, and nothing follows from it."))
    return redirect("policy", found.pk)


@login_required
@require_POST
def promote(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Put it in force; the reason is asked for where no advantage was measured."""
    found = get_in_project(request.user, RoutingPolicy.objects.all(), policy_id, MANAGE)
    reason = request.POST.get("reason", "")[:2000]
    try:
        promote_policy(policy=found, actor=request.user, reason=reason)
    except InvalidValue as error:
        context = _policy_context(request, policy_id)
        context |= {"reason": reason, "reason_error": in_words(error)}
        return render(request, "routing/policy.html", context, status=422)
    messages.success(request, _("The policy is in force."))
    return redirect("policy", found.pk)


def _policy_context(request: HttpRequest, policy_id: int) -> dict[str, Any]:
    rows = RoutingPolicy.objects.select_related("project", "judge", "spec")
    found = get_in_project(request.user, rows, policy_id, MANAGE)
    active = found.project.routing_policies.filter(state=RoutingPolicy.State.ACTIVE).first()
    needs_reason = active is not None and active.pk != found.pk and not is_better(found, active)
    return {
        "project": found.project,
        "tab": "routing",
        "policy": found,
        "judges": [one.judge for one in found.places.select_related("judge").order_by("position")],
        "window": WINDOW_NAMES.get(found.settings.get("window", ""), ""),
        "charts": charts_of(found),
        "gains": gains_of(found),
        "active": active,
        "needs_reason": needs_reason,
        "counts": found.decisions.count(),
    }


urlpatterns = [
    path("projects/<int:project_id>/routing/policies/", policies, name="policies"),
    path("routing/fits/<int:fit_id>/cancel/", cancel_fit, name="cancel_fit"),
    path("routing/policies/<int:policy_id>/", policy, name="policy"),
    path("routing/policies/<int:policy_id>/shadow/", shadow_policy, name="shadow_policy"),
    path("routing/policies/<int:policy_id>/promote/", promote, name="promote_policy"),
]
