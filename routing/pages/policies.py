"""The pages of fitted policies: fitting one, what was measured of it, shadow and promotion."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Judge, Project
from annotate.pages.reasons import in_words
from annotate.services import jobs
from annotate.services.workers import why_waiting
from annotate.wording import Sentence
from routing.features.tagger import PROMPT_TAGS
from routing.models import FeatureRun, PolicyFit, RoutingPolicy
from routing.pages.judge_choice import JudgeChoiceForm
from routing.reports.decisions import remembered_labels
from routing.reports.policy import (
    alone_of,
    charts_of,
    features_of,
    gains_of,
    is_cut_at_0,
    summaries,
    upkeep_failure_of,
    waits_of,
)
from routing.services.features import start_features
from routing.services.policies import (
    is_dearer,
    promote_policy,
    put_in_shadow,
    start_fit,
    why_not_better,
)
from routing.settings.policy import DEFAULTS, DOMAIN_NAMES, FITTED, MIXES, WINDOWS
from routing.words.column import ALWAYS, EXPERTS, STRATUM
from routing.words.tag import tag_word_later

WINDOW_NAMES = {
    "all": _("the whole project"),
    "day": _("a day"),
    "week": _("seven days"),
    "month": _("thirty days"),
}
NO_ENCODER = "none"


class FitForm(JudgeChoiceForm):
    """Percent for people, shares for the service."""

    field_order = ("kind", "judge_1", "judge_2", "judge_3")

    kind = forms.ChoiceField(
        choices=[(k.value, k.label) for k in RoutingPolicy.Kind if k.value in FITTED],
        initial="error",
        label=_("Kind"),
        help_text=_(
            "By expected error: each task to whom it costs the fewest wrong labels. A cascade "
            "keeps with the judges only what was tested to agree with people. PPM trains small "
            "reward models on mixes of both labels and learns which mixes pay."
        ),
    )
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
    experts = forms.BooleanField(
        required=False,
        label=_("Experts apart from other people"),
        help_text=_(
            "Members of the tier expert, asked where their labels save more for their price. "
            "Without this, everybody is one source."
        ),
    )
    expert_price = forms.FloatField(
        required=False,
        min_value=0.000001,
        max_value=1e6,
        initial=1.0,
        label=_("One label by an expert costs, $"),
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
    encoder = forms.CharField(
        required=False,
        max_length=300,
        label=_("Encoder of the features"),
        help_text=_(
            "“minilm”, the id of a model at the Hugging Face hub, or a folder with a model; “none” "
            "to go without, which leaves three of nine scores unknown. Empty: the newest features "
            "as they are."
        ),
    )
    mixes = forms.IntegerField(
        min_value=MIXES[0],
        max_value=MIXES[1],
        initial=200,
        label=_("PPM trains reward models on so many mixes"),
    )
    boosting = forms.BooleanField(
        required=False,
        initial=True,
        label=_("Try boosted trees at predicting wrong labels"),
        help_text=_(
            "By expected error and cascade: kept where they predict better on held-out prompts "
            "than a logistic regression, beyond chance. Without them a fit is quicker."
        ),
    )
    tags = forms.MultipleChoiceField(
        required=False,
        choices=[(tag, tag_word_later(tag)) for tag in PROMPT_TAGS],
        initial=["safety: moderate", "safety: high"],
        label=_("Always to people: prompts with these tags"),
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )
    expert_tags = forms.MultipleChoiceField(
        required=False,
        choices=[(tag, tag_word_later(tag)) for tag in PROMPT_TAGS],
        label=_("Always to experts: prompts with these tags"),
        widget=forms.SelectMultiple(attrs={"size": 8}),
    )
    expert_strata = forms.CharField(
        required=False,
        max_length=4000,
        label=_("Always to experts: tasks of these strata"),
        help_text=_("One a line."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def settings_of(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {
            "share": said["share"] / 100,
            "money": said["money"],
            "price": said["price"],
            "window": said["window"],
            "explore": said["explore"] / 100,
            "risk": said["risk"] / 100,
            "rules": self._rules(),
            "experts": said["experts"],
            "expert_price": said["expert_price"] or DEFAULTS["expert_price"],
            "encoder": {"": None, NO_ENCODER: ""}.get(said["encoder"], said["encoder"]),
            "mixes": said["mixes"],
            "boosting": said["boosting"],
            "domains": said["domains"],
        }

    def _rules(self) -> list[dict[str, Any]]:
        """To experts first: the first rule that matches counts."""
        said = self.cleaned_data
        strata = dict.fromkeys(filter(None, map(str.strip, said["expert_strata"].splitlines())))
        expert = {"name": EXPERTS, "route": "expert"}
        found: list[dict[str, Any]] = [
            {**expert, "signal": STRATUM + name, "value": 1} for name in strata
        ]
        if said["expert_tags"]:
            found.append({**expert, "tags": said["expert_tags"]})
        if said["tags"]:
            found.append({"name": ALWAYS, "tags": said["tags"]})
        return found


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def policies(request: HttpRequest, project_id: int) -> HttpResponse:
    """All versions and a form; POST begins a fit. Asked by htmx: the live part."""
    project = get_project(request.user, project_id, MANAGE)
    context = _live(project)
    if request.htmx and request.method != "POST":
        return render(request, "routing/policies.html#live", context)
    listed = [(one.pk, str(one)) for one in Judge.objects.filter(project=project).order_by("-pk")]
    form = FitForm(request.POST or None, judges=listed)
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
            form.put(error)
        else:
            messages.success(request, _("The policy is being fitted."))
            return redirect("policies", project.pk)
    context |= {
        "form": form,
        "judges": bool(listed),
        "people": remembered_labels(project),
    }
    return render(request, "routing/policies.html", context, status=422 if form.errors else 200)


def _live(project: Project) -> dict[str, Any]:
    fit = PolicyFit.objects.filter(project=project).order_by("-pk").first()
    features = features_of(project)
    under_way = [one for one in (fit, features.run if features else None) if one is not None]
    return {
        "project": project,
        "tab": "routing",
        "policies": summaries(project),
        "fit": fit,
        "fit_waits": why_waiting(fit),
        "features": features,
        "features_wait": why_waiting(features.run if features else None),
        "fitting": fit is not None and not fit.is_over,
        "going": any(not one.is_over for one in under_way),
    }


@login_required
@require_POST
def compute_features(request: HttpRequest, project_id: int) -> HttpResponse:
    """Compute what the newest specification lacks; the run that is under way if there is one."""
    project = get_project(request.user, project_id, MANAGE)
    if start_features(project=project, actor=request.user) is None:
        messages.error(request, _("No features are specified yet; fit a policy first."))
    return redirect("policies", project.pk)


@login_required
@require_POST
def cancel_features(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop it; what was computed is kept."""
    run = get_in_project(request.user, FeatureRun.objects.all(), run_id, MANAGE)
    jobs.request_cancel(run)
    return redirect("policies", run.project_id)


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
    rows = RoutingPolicy.objects.select_related("project", "judge", "spec__encoder")
    found = get_in_project(request.user, rows, policy_id, MANAGE)
    active = found.project.routing_policies.filter(state=RoutingPolicy.State.ACTIVE).first()
    why_not = None
    if active is not None and active.pk != found.pk:
        why_not = why_not_better(found, active)
    return {
        "project": found.project,
        "tab": "routing",
        "policy": found,
        "judges": [one.judge for one in found.places.select_related("judge").order_by("position")],
        "domains": DOMAIN_NAMES.get(found.settings.get("domains", ""), ""),
        "window": WINDOW_NAMES.get(found.settings.get("window", ""), ""),
        "alone": alone_of(found),
        "charts": charts_of(found),
        "cut_at_0": is_cut_at_0(found),
        "gains": gains_of(found),
        "waits": waits_of(found),
        "upkeep_failure": upkeep_failure_of(found),
        "active": active,
        "dearer": is_dearer(found.metrics.get("against") or {}),
        "why_not_better": why_not and Sentence(why_not),
        "counts": found.decisions.count(),
        "people": remembered_labels(found.project),
    }


urlpatterns = [
    path("projects/<int:project_id>/routing/policies/", policies, name="policies"),
    path("routing/fits/<int:fit_id>/cancel/", cancel_fit, name="cancel_fit"),
    path("projects/<int:project_id>/routing/features/", compute_features, name="compute_features"),
    path("routing/features/<int:run_id>/cancel/", cancel_features, name="cancel_features"),
    path("routing/policies/<int:policy_id>/", policy, name="policy"),
    path("routing/policies/<int:policy_id>/shadow/", shadow_policy, name="shadow_policy"),
    path("routing/policies/<int:policy_id>/promote/", promote, name="promote_policy"),
]
