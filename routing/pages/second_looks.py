"""The page of second looks: a dry run first, then the look, what people said, and the way back."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import JobState, Project
from annotate.pages.reasons import in_words
from annotate.services import jobs
from annotate.services.workers import why_waiting
from routing.models import SecondLook
from routing.reports.decisions import remembered_labels
from routing.reports.second_look import counts_by_state, groups_of, held, latest_looks
from routing.services.second_looks import reward_models, start_second_look, take_back_look
from routing.settings.second_look import DEFAULTS, MOST_LABELS, MOST_READ

PERCENT = ("trust", "flip", "explore")


class SecondLookForm(forms.Form):
    """Percent for people, shares for the service."""

    judge = forms.ChoiceField(required=False, label=_("By the margins of"))
    trust = forms.FloatField(
        min_value=0,
        max_value=50,
        label=_("Trust a label that is wrong with at most, %"),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    flip = forms.FloatField(
        min_value=50,
        max_value=100,
        label=_("Turn a label round that is wrong with at least, %"),
        help_text=_("The judge’s label stays as it is; exports take the turned one if asked to."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    labels = forms.IntegerField(
        min_value=1,
        max_value=MOST_LABELS,
        label=_("Ask people about at most so many tasks"),
        help_text=_("The most doubtful first. What is left of the doubtful ones waits."),
    )
    explore = forms.FloatField(
        min_value=5,
        max_value=100,
        label=_("Of what is trusted or turned round also to people, %"),
        help_text=_("Drawn at random; whether the look holds is measured on them."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    most = forms.IntegerField(
        min_value=1,
        max_value=MOST_READ,
        label=_("Labels to look at"),
        help_text=_("Drawn by chance where there are more."),
    )

    def __init__(
        self, *args: Any, project: Project, latest: SecondLook | None, **options: Any
    ) -> None:
        shown = {**(latest.settings if latest is not None else DEFAULTS), "judge": ""}
        shown |= {name: f"{100 * shown[name]:.6g}" for name in PERCENT}
        super().__init__(*args, initial=shown, **options)
        models = [(one.pk, str(one)) for one in reward_models(project)]
        choices = [("", gettext("the reward model in service")), *models]
        cast(forms.ChoiceField, self.fields["judge"]).choices = choices

    def settings_of(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {
            "judge": int(said["judge"]) if said["judge"] else None,
            **{name: said[name] / 100 for name in PERCENT},
            **{name: said[name] for name in ("labels", "most")},
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def second_looks(request: HttpRequest, project_id: int) -> HttpResponse:
    """The latest look, a form and those before; POST begins a dry run. By htmx: the live part."""
    project = get_project(request.user, project_id, MANAGE)
    context = _live(project)
    if request.htmx and request.method != "POST":
        return render(request, "routing/second_looks.html#live", context)
    form = SecondLookForm(request.POST or None, project=project, latest=context["look"])
    if request.method == "POST" and form.is_valid():
        try:
            start_second_look(project=project, actor=request.user, settings=form.settings_of())
        except InvalidValue as error:
            name = error.field.split(".")[-1]
            form.add_error(name if name in form.fields else None, in_words(error))
        else:
            messages.success(request, _("The dry run has begun. It changes nothing."))
            return redirect("second_looks", project.pk)
    context |= {"form": form, "people": remembered_labels(project)}
    return render(request, "routing/second_looks.html", context, status=422 if form.errors else 200)


def _live(project: Project) -> dict[str, Any]:
    looks = latest_looks(project)
    look = looks[0] if looks else None
    going = look is not None and not look.is_over
    done = look is not None and look.state == JobState.DONE
    context = {
        "project": project,
        "tab": "routing",
        "look": look,
        "looks": looks,
        "going": going,
        "waits": why_waiting(look),
    }
    if look is None:
        return context
    real = project.second_looks.filter(dry_run=False).exclude(report={})
    measured = real.order_by("-pk").first()
    return context | {
        "groups": groups_of(look),
        "may_begin": done and look.dry_run and look.report["read"] > 0,
        "measured": measured,
        "held": held(measured) if measured is not None else [],
        "states": counts_by_state(measured) if measured is not None else {},
    }


@login_required
@require_POST
def begin_second_look(request: HttpRequest, look_id: int) -> HttpResponse:
    """Do what a dry run told, by its settings and its version of the reward model."""
    dry = get_in_project(request.user, SecondLook.objects.all(), look_id, MANAGE)
    try:
        start_second_look(
            project=dry.project, actor=request.user, settings=dry.settings, dry_run=False
        )
    except InvalidValue as error:
        messages.error(request, in_words(error))
    return redirect("second_looks", dry.project_id)


@login_required
@require_POST
def cancel_second_look(request: HttpRequest, look_id: int) -> HttpResponse:
    """Stop it; what it has done by then stays, and can be taken back."""
    look = get_in_project(request.user, SecondLook.objects.all(), look_id, MANAGE)
    jobs.request_cancel(look)
    return redirect("second_looks", look.project_id)


@login_required
@require_POST
def take_back_second_look(request: HttpRequest, look_id: int) -> HttpResponse:
    """Turned labels are again the judge's; nobody is asked about what nobody began."""
    look = get_in_project(request.user, SecondLook.objects.all(), look_id, MANAGE)
    try:
        take_back_look(look=look, actor=request.user)
    except InvalidValue as error:
        messages.error(request, in_words(error))
    else:
        messages.success(request, _("The look is taken back. What people answered stays."))
    return redirect("second_looks", look.project_id)


urlpatterns = [
    path("projects/<int:project_id>/routing/second-look/", second_looks, name="second_looks"),
    path("routing/second-looks/<int:look_id>/begin/", begin_second_look, name="begin_second_look"),
    path(
        "routing/second-looks/<int:look_id>/cancel/", cancel_second_look, name="cancel_second_look"
    ),
    path(
        "routing/second-looks/<int:look_id>/take-back/",
        take_back_second_look,
        name="take_back_second_look",
    ),
]
