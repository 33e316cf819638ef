"""Features that an autoencoder finds in people's choices: the report and what it is asked for."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, REVIEW, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.media.as_text import as_text
from annotate.models import JobState, Judge, Project, Response
from annotate.pages.board_form import GROUPS
from annotate.pages.exports import SIMULATED, SOURCES
from annotate.pages.paging import number_in
from annotate.pages.reasons import in_words
from annotate.reports.factors import CLEAR, odds_of
from annotate.services.workers import why_waiting
from annotate.wording import Told
from routing.encoders import library
from routing.judges import openai
from routing.judges.differences import FAITHFUL, MOST_CALLS
from training.models import PreferenceFeatureRun
from training.services import preference_features as services
from training.services.preference_votes import HALF

PAGE = "training/preferences.html"
SHOWN_EXAMPLES = 3
EXCERPT = 280  # characters of a response
LEFT_OUT = {
    "conversation": _("votes on whole conversations"),
    "all_bad": _("answers that called every response bad"),
    "all_tied": _("orders in which all are tied"),
    "no_text": _("pairs with a response without text"),
    "same_text": _("pairs of two equal texts"),
    "beyond_most": _("pairs beyond the number that was asked for"),
}


class PreferencesForm(forms.Form):
    """Every field stands at what the service takes for granted."""

    source = forms.ChoiceField(
        choices=SOURCES.items(), initial="people", label=_("Votes by"), required=False
    )
    simulated = forms.ChoiceField(
        choices=SIMULATED.items(), initial="exclude", label=_("Simulated people"), required=False
    )
    group = forms.ChoiceField(choices=GROUPS.items(), label=_("Group"), required=False)
    pairs = forms.IntegerField(
        label=_("Pairs at most"),
        initial=services.NUMBERS["pairs"][2],
        help_text=_("Half of the prompts teach features, those of the others test them."),
    )
    features = forms.IntegerField(label=_("Features"), initial=services.NUMBERS["features"][2])
    active = forms.IntegerField(
        label=_("Features in which a pair differs, on average"),
        initial=services.NUMBERS["active"][2],
    )
    encoder = forms.CharField(
        label=_("Encoder"),
        required=False,
        help_text=_("Reads the responses: minilm, or a folder or model as for training."),
    )
    judge = forms.ModelChoiceField(
        Judge.objects.none(),
        required=False,
        label=_("Described by"),
        empty_label=_("nobody: examples alone"),
        help_text=_("A language model of the project. Its limits hold."),
    )

    def __init__(self, *given: Any, project: Project, **named: Any) -> None:
        super().__init__(*given, **named)
        judges = Judge.objects.filter(project=project, kind=openai.NAME)
        self.fields["judge"].queryset = judges.order_by("-pk")
        self.fields["encoder"].initial = library().default


@login_required
@require_safe
@vary_on_headers("HX-Request")
def preferences(request: HttpRequest, project_id: int) -> HttpResponse:
    """The latest report, or that of ?run=; asked by htmx, only its live part."""
    return _page(request, get_project(request.user, project_id, REVIEW))


@login_required
@require_POST
def find_preferences(request: HttpRequest, project_id: int) -> HttpResponse:
    """Queue a report."""
    project = get_project(request.user, project_id, MANAGE)
    form = PreferencesForm(request.POST, project=project)
    if form.is_valid():
        given = form.cleaned_data.items()
        values = {name: value for name, value in given if value not in (None, "")}
        judge = values.pop("judge", None)
        try:
            services.start_features(project=project, actor=request.user, config=values, judge=judge)
        except InvalidValue as error:
            name = error.field.removeprefix("settings.")
            form.add_error(name if name in form.fields else None, in_words(error))
        else:
            return redirect("preferences", project.pk)
    return _page(request, project, form=form, status=422)


@login_required
@require_POST
def cancel_preferences(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask it to stop."""
    rows = PreferenceFeatureRun.objects.defer("result")
    run = get_in_project(request.user, rows, run_id, MANAGE)
    services.cancel_features(run=run, actor=request.user)
    return redirect("preferences", run.project_id)


@login_required
@require_safe
def download_preferences(request: HttpRequest, run_id: int) -> HttpResponse:
    """A report as JSON."""
    rows = PreferenceFeatureRun.objects.exclude(result=None)
    run = get_in_project(request.user, rows, run_id, REVIEW)
    answer = HttpResponse(services.as_json(run), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="preference-features-{run.pk}.json"'
    return answer


def _page(
    request: HttpRequest,
    project: Project,
    *,
    form: PreferencesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    role = project.membership.role if project.membership else None
    runs = PreferenceFeatureRun.objects.filter(project=project).order_by("-pk").defer("result")
    listed = list(runs.select_related("created_by", "judge")[: services.KEPT_RUNS])
    number = number_in(request, "run")
    done = [run for run in listed if run.state == JobState.DONE]
    chosen = next((run for run in done if number in (None, run.pk)), None)
    if number is not None and chosen is None:
        raise Http404("There is no such report.")
    going = next((run for run in listed if not run.is_over), None)
    context = {
        "project": project,
        "tab": "quality",
        "manages": request.user.is_superuser or role in MANAGE,
        "run": chosen,
        "shown": _shown(chosen.result) if chosen else None,
        "going": going,
        "failed": listed[0] if listed and listed[0].state == JobState.FAILED else None,
        "waits": why_waiting(going) if going else None,
        "others": [run for run in done if run is not chosen],
        "absent": library().absent(),
        "most_calls": MOST_CALLS,
        "held_out": max(HALF, project.test_percent),
        "form": form or PreferencesForm(project=project),
    }
    template = f"{PAGE}#live" if request.htmx else PAGE
    return render(request, template, context, status=status)


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """One query, for the texts of examples."""
    used = [one for row in result["features"] for one in row["examples"][:SHOWN_EXAMPLES]]
    ids = {one[side] for one in used for side in ("more", "less")}
    contents = Response.objects.filter(pk__in=ids).values_list("pk", "content")
    texts = {pk: _excerpt(as_text(content)) for pk, content in contents}
    rows = [
        {
            **row,
            "alone": odds_of(row["alone"]),
            "beside_length": odds_of(row["beside_length"]),
            "is_clear": row["q"] < CLEAR,
            "fits": row.get("fidelity") is not None and row["fidelity"] >= FAITHFUL,
            "examples": [
                {**one, "more": texts.get(one["more"], ""), "less": texts.get(one["less"], "")}
                for one in row["examples"][:SHOWN_EXAMPLES]
            ],
        }
        for row in result["features"]
    ]
    described = result["described"]
    why = Told.from_dict(described["why"]) if described and described["why"] else None
    left_out = [(str(LEFT_OUT[name]), count) for name, count in result["left_out"].items()]
    return {"rows": rows, "result": result, "why": why, "left_out": left_out}


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


urlpatterns = [
    path("projects/<int:project_id>/preferences/", preferences, name="preferences"),
    path("projects/<int:project_id>/preferences/find/", find_preferences, name="find_preferences"),
    path("preferences/<int:run_id>/cancel/", cancel_preferences, name="cancel_preferences"),
    path("preferences/<int:run_id>/download/", download_preferences, name="download_preferences"),
]
