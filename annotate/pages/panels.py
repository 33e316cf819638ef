"""Studies at panels, for managers: links, participants, codes, the list for approval."""

import csv
import io

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import PanelStudy, Participation, Project
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from annotate.reports.panels import as_csv_rows, as_row, participants
from annotate.services.people import panels as services
from annotate.services.people.participations import TAKEN_OUT, release

PAGE_SIZE = 50


class StudyForm(forms.Form):
    """A study; what is left empty takes what is usual, or is drawn."""

    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Participants see it."))
    tasks_each = forms.IntegerField(
        label=_("Tasks each"), min_value=0, initial=10, help_text=_("0: as many as there are.")
    )
    places = forms.IntegerField(
        label=_("Participants at most"), min_value=0, initial=0, help_text=_("0: no limit.")
    )
    return_url = forms.CharField(
        label=_("Address to return to"),
        required=False,
        max_length=500,
        help_text=_("Such as https://app.prolific.com/submissions/complete?cc={code}"),
    )
    participant_parameter = forms.CharField(
        label=_("Parameter of the participant"), initial="PROLIFIC_PID"
    )
    study_parameter = forms.CharField(label=_("Parameter of the study"), initial="STUDY_ID")
    session_parameter = forms.CharField(label=_("Parameter of the session"), initial="SESSION_ID")
    code_completed = forms.CharField(label=_("Code: completed"), required=False)
    code_screened_out = forms.CharField(label=_("Code: screened out"), required=False)
    code_no_consent = forms.CharField(label=_("Code: did not agree"), required=False)
    code_nothing_left = forms.CharField(label=_("Code: nothing left"), required=False)
    signed = forms.BooleanField(
        label=_("Let in signed links only"),
        required=False,
        help_text=_("For panels that can sign their links."),
    )

    def values(self) -> dict[str, object]:
        """As services/people/panels.py takes them; codes that are empty are drawn or stay."""
        values = dict(self.cleaned_data)
        return {
            name: value
            for name, value in values.items()
            if value != "" or not name.startswith("code_")
        }


@login_required
@require_safe
def panels(request: HttpRequest, project_id: int) -> HttpResponse:
    """The project's studies, the newest first, and a form for another."""
    return _list_page(request, get_project(request.user, project_id, MANAGE), StudyForm())


@login_required
@require_POST
def create_panel(request: HttpRequest, project_id: int) -> HttpResponse:
    """Make a study."""
    project = get_project(request.user, project_id, MANAGE)
    form = StudyForm(request.POST)
    if form.is_valid():
        try:
            study = services.create_study(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.values(),
            )
        except InvalidValue as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("The study is made: give the panel its link."))
            return redirect("panel", study.pk)
    return _list_page(request, project, form, status=422)


@login_required
@require_safe
def panel(request: HttpRequest, study_id: int) -> HttpResponse:
    """A study: its link, its codes, who takes part and how far they are."""
    study = _study(request, study_id)
    names = services.FIELDS
    return _page(request, study, StudyForm(initial={name: getattr(study, name) for name in names}))


@login_required
@require_POST
def change_panel(request: HttpRequest, study_id: int) -> HttpResponse:
    """Change the study."""
    study = _study(request, study_id)
    form = StudyForm(request.POST)
    if form.is_valid():
        try:
            services.change_study(
                study=study,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.values(),
            )
        except InvalidValue as refused:
            _refuse(form, refused)
        else:
            messages.success(request, _("The study is changed, for whoever comes from now on."))
            return redirect("panel", study.pk)
    return _page(request, study, form, status=422)


@login_required
@require_POST
def open_panel(request: HttpRequest, study_id: int) -> HttpResponse:
    """Close the study for people who are new, or open it again."""
    study = _study(request, study_id)
    services.change_study(
        study=study,
        actor=request.user,
        is_open=request.POST.get("open") == "1",
        address=request.META["REMOTE_ADDR"],
    )
    return redirect("panel", study.pk)


@login_required
@require_POST
def release_participant(request: HttpRequest, study_id: int) -> HttpResponse:
    """The panel says that somebody returned or timed out: what they hold goes back."""
    study = _study(request, study_id)
    try:
        found = release(
            study=study,
            participant=request.POST.get("participant", ""),
            reason=request.POST.get("reason", ""),
            actor=request.user,
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, _sentence(error))
    else:
        text = _("%(participant)s: %(state)s. Nothing is held any more.")
        told = {"participant": found.participant, "state": found.get_state_display()}
        messages.success(request, text % told)
    return redirect("panel", study.pk)


@login_required
@require_safe
def panel_csv(request: HttpRequest, study_id: int) -> HttpResponse:
    """Everybody with state and code, for approval at the panel."""
    study = _study(request, study_id)
    text = io.StringIO()
    csv.writer(text).writerows(as_csv_rows(study))
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="panel-{study.code}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


def _study(request: HttpRequest, study_id: int) -> PanelStudy:
    rows = PanelStudy.objects.select_related("project")
    return get_in_project(request.user, rows, study_id, MANAGE)


def _refuse(form: forms.Form, refused: InvalidValue) -> None:
    for error in refused.all:
        form.add_error(error.field if error.field in form.fields else None, _sentence(error))


def _sentence(error: InvalidValue) -> str:
    text = in_words(error)
    return f"{text[:1].upper()}{text[1:]}."


def _list_page(
    request: HttpRequest, project: Project, form: StudyForm, status: int = 200
) -> HttpResponse:
    rows = project.panel_studies.order_by("-pk")
    context = {"project": project, "tab": "people", "form": form, **_paged(request, rows)}
    return render(request, "annotate/projects/panels.html", context, status=status)


def _page(
    request: HttpRequest, study: PanelStudy, form: StudyForm, status: int = 200
) -> HttpResponse:
    found = _paged(request, participants(study).order_by("-pk"))
    found["rows"] = [as_row(one) for one in found["rows"]]
    context = {
        "project": study.project,
        "tab": "people",
        "study": study,
        "link": services.entry_link(study, request.build_absolute_uri("/")),
        "key": services.signing_key(study) if study.signed else "",
        "reasons": [(one, Participation.State(one).label) for one in TAKEN_OUT],
        "form": form,
        **found,
    }
    answer = render(request, "annotate/projects/panel.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def _paged(request: HttpRequest, rows) -> dict:
    before = number_in(request, "before")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE_SIZE + 1])
    after = found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None
    return {"rows": found[:PAGE_SIZE], **page_links(request, after)}


urlpatterns = [
    path("projects/<int:project_id>/people/panels/", panels, name="panels"),
    path("projects/<int:project_id>/people/panels/new/", create_panel, name="create_panel"),
    path("panels/<int:study_id>/", panel, name="panel"),
    path("panels/<int:study_id>/change/", change_panel, name="change_panel"),
    path("panels/<int:study_id>/open/", open_panel, name="open_panel"),
    path("panels/<int:study_id>/release/", release_participant, name="release_participant"),
    path("panels/<int:study_id>/participants.csv", panel_csv, name="panel_csv"),
]
