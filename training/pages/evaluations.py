"""Evaluation sets and runs on them: the list, a set with the versions on it, a run as it goes."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Project
from annotate.pages.reasons import in_words
from training.models import EvaluationRun, EvaluationSet, ModelVersion
from training.pages.best_of_n import best_of_n_view
from training.pages.failures import failure_words
from training.pages.pair_sets import set_view, subset_rows
from training.pages.runs import can_train
from training.services import evaluation_sets, evaluations, runs
from training.services.evaluation_sets import BadRows

Kind = EvaluationSet.Kind


class SetForm(forms.Form):
    """A set to be added."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "JSONL, a JSON array, CSV or TSV, gzip is fine; or Parquet. Prompts may be plain text "
            "too, one a line."
        ),
        widget=forms.FileInput(attrs={"accept": ".jsonl,.json,.csv,.tsv,.gz,.txt,.parquet"}),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("What it holds"), choices=Kind.choices)
    leave_out = forms.BooleanField(
        label=gettext_lazy("Leave refused rows out and count them"), required=False
    )


class BestOfNForm(forms.Form):
    """What best-of-n wants to know. Numbers are checked by the service."""

    version = forms.ModelChoiceField(ModelVersion.objects.none(), label=gettext_lazy("Policy"))
    proxy = forms.ModelChoiceField(
        ModelVersion.objects.none(),
        label=gettext_lazy("Proxy"),
        help_text=gettext_lazy("The reward model that chooses the best of n."),
    )
    gold = forms.ChoiceField(
        label=gettext_lazy("Gold judge"),
        help_text=gettext_lazy("Says what the chosen responses are worth."),
    )
    samples = forms.IntegerField(label=gettext_lazy("Samples a prompt"), initial=16)
    prompts = forms.IntegerField(
        label=gettext_lazy("Prompts"), required=False, help_text=gettext_lazy("Empty: all.")
    )
    max_new_tokens = forms.IntegerField(label=gettext_lazy("Longest response, tokens"), initial=96)
    temperature = forms.FloatField(label=gettext_lazy("Temperature"), initial=1.0)
    seed = forms.IntegerField(label=gettext_lazy("Seed"), initial=0)

    def __init__(self, *args: Any, project: Project, **more: Any) -> None:
        super().__init__(*args, **more)
        mine = ModelVersion.objects.filter(project=project).order_by("-number")
        rewards = mine.filter(kind=ModelVersion.Kind.REWARD_MODEL)
        self.fields["version"].queryset = mine.filter(kind=ModelVersion.Kind.POLICY)
        self.fields["proxy"].queryset = rewards
        self.fields["gold"].choices = [
            (evaluations.HIDDEN, _("The hidden preference of the demo")),
            *((str(version.pk), str(version)) for version in rewards),
        ]

    def as_config(self) -> dict[str, Any]:
        values = dict(self.cleaned_data)
        del values["version"]
        gold = values["gold"]
        values |= {
            "proxy": values["proxy"].pk,
            "gold": gold if gold == evaluations.HIDDEN else int(gold),
        }
        return values


class PairsForm(forms.Form):
    """Which version to score on a set of pairs."""

    version = forms.ModelChoiceField(ModelVersion.objects.none(), label=gettext_lazy("Version"))

    def __init__(self, *args: Any, project: Project, **more: Any) -> None:
        super().__init__(*args, **more)
        mine = ModelVersion.objects.filter(project=project).order_by("kind", "-number")
        self.fields["version"].queryset = mine


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def evaluation_list(request: HttpRequest, project_id: int) -> HttpResponse:
    """The project's sets, the form that adds one, and runs."""
    project = get_project(request.user, project_id, MANAGE)
    form = SetForm(request.POST or None, request.FILES or None)
    bad: BadRows | None = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        upload = values["file"]
        try:
            found = evaluation_sets.add_evaluation_set(
                project=project,
                actor=request.user,
                name=values["name"],
                kind=values["kind"],
                stream=upload.file,
                file_name=upload.name or "",
                leave_out=values["leave_out"],
            )
        except InvalidValue as error:
            form.add_error(error.field if error.field in form.fields else None, in_words(error))
        except BadRows as error:
            bad = error
            form.add_error("file", _("Nothing was kept: mend the rows below and send it again."))
        else:
            messages.success(request, _("Added: %s.") % found)
            return redirect("evaluation_set", found.pk)
    sets = EvaluationSet.objects.filter(project=project).order_by("-pk")
    found_runs = (
        EvaluationRun.objects.filter(project=project)
        .select_related("evaluation_set", "model_version", "created_by")
        .order_by("-pk")
    )
    context = {
        "project": project,
        "tab": "training",
        "form": form,
        "bad": bad,
        "sets": sets[:100],
        "runs": found_runs[:50],
    }
    status = 422 if form.errors else 200
    return render(request, "training/evaluations.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def evaluation_set(request: HttpRequest, set_id: int) -> HttpResponse:
    """A set: what is in it, the versions on it side by side; POST evaluates one more."""
    rows = EvaluationSet.objects.select_related("created_by")
    found = get_in_project(request.user, rows, set_id, MANAGE)
    kind = PairsForm if found.kind == Kind.PAIRS else BestOfNForm
    form = kind(request.POST or None, project=found.project)
    if request.method == "POST" and form.is_valid():
        config = form.as_config() if isinstance(form, BestOfNForm) else None
        try:
            run = evaluations.queue_evaluation(
                evaluation_set=found,
                version=form.cleaned_data["version"],
                actor=request.user,
                config=config,
            )
        except InvalidValue as error:
            name = error.field.removeprefix("config.")
            form.add_error(name if name in form.fields else None, in_words(error))
        else:
            return redirect("evaluation", run.pk)
    mine = EvaluationRun.objects.filter(evaluation_set=found)
    context = {
        "project": found.project,
        "tab": "training",
        "set": found,
        "form": form,
        "can_train": can_train(),
        "nothing_to_choose": any(
            not form.fields[name].queryset.exists()
            for name in ("version", "proxy")
            if name in form.fields
        ),
        "view": set_view(found) if found.kind == Kind.PAIRS else None,
        "runs": mine.select_related("model_version", "evaluation_set", "created_by").order_by(
            "-pk"
        )[:50],
    }
    status = 422 if form.errors else 200
    return render(request, "training/evaluation_set.html", context, status=status)


@login_required
@require_POST
def delete_evaluation_set(request: HttpRequest, set_id: int) -> HttpResponse:
    """Remove a set that no run has looked at."""
    found = get_in_project(request.user, EvaluationSet.objects.all(), set_id, MANAGE)
    project = found.project
    try:
        evaluation_sets.delete_evaluation_set(evaluation_set=found, actor=request.user)
    except InvalidValue as error:
        messages.error(request, _("Not deleted: it %s.") % in_words(error))
        return redirect("evaluation_set", set_id)
    messages.success(request, _("The set is gone."))
    return redirect("evaluations", project.pk)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def evaluation(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: progress while it goes, figures or curves at its end."""
    rows = EvaluationRun.objects.select_related(
        "evaluation_set", "model_version", "proxy", "gold", "created_by"
    )
    run = get_in_project(request.user, rows, run_id, MANAGE)
    done = run.state == "done"
    pairs = run.evaluation_set.kind == Kind.PAIRS
    context = {
        "project": run.project,
        "tab": "training",
        "run": run,
        "subsets": subset_rows(run.metrics) if done and pairs else [],
        "failure": failure_words(run),
        "best": best_of_n_view(run.metrics) if done and not pairs else None,
    }
    page = "training/evaluation.html"
    return render(request, f"{page}#live" if request.htmx else page, context)


@login_required
@require_POST
def cancel_evaluation(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask the run to stop."""
    run = get_in_project(request.user, EvaluationRun.objects.all(), run_id, MANAGE)
    runs.cancel_run(run=run, actor=request.user)
    return redirect("evaluation", run.pk)


urlpatterns = [
    path("projects/<int:project_id>/training/evaluations/", evaluation_list, name="evaluations"),
    path("training/evaluation-sets/<int:set_id>/", evaluation_set, name="evaluation_set"),
    path(
        "training/evaluation-sets/<int:set_id>/delete/",
        delete_evaluation_set,
        name="delete_evaluation_set",
    ),
    path("training/evaluations/<int:run_id>/", evaluation, name="evaluation"),
    path("training/evaluations/<int:run_id>/cancel/", cancel_evaluation, name="cancel_evaluation"),
]
