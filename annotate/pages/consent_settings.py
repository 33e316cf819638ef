"""What members are asked before their first task, set by managers; what they told, as counts."""

import re

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_project
from annotate.inputs import InvalidValue
from annotate.models import Project
from annotate.pages.reasons import in_words
from annotate.profile_questions import MOST_QUESTIONS, read_questions
from annotate.profile_summary import LEAST
from annotate.reports.profiles import consent_texts, single_answers, summaries
from annotate.services.people import consents, profiles

KIND_WORDS = {
    "choice": _("one of some choices"),
    "multiple": _("any of some choices"),
    "text": _("a text"),
    "number": _("a number"),
}


class ConsentForm(forms.Form):
    """The text in force."""

    text = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        help_text=_("Markdown. Empty: nobody is asked."),
        widget=forms.Textarea(attrs={"rows": 12, "dir": "auto"}),
    )
    shows_answers = forms.BooleanField(
        label=_("Managers may see what each person answers on themselves"),
        required=False,
        help_text=_("Say so in the text, too. Without it managers see counts alone."),
    )
    compares_groups = forms.BooleanField(
        label=_("Leaderboards may be computed by group of what people answer on themselves"),
        required=False,
        help_text=_("Say so in the text, too. Only of groups large enough that nobody stands out."),
    )


class QuestionForm(forms.Form):
    """One question; without a title it is none."""

    title = forms.CharField(label=_("Question"), max_length=500, required=False)
    name = forms.CharField(
        label=_("Short name"),
        max_length=40,
        required=False,
        help_text=_("Answers are kept under it. Made from the question if left empty."),
    )
    kind = forms.ChoiceField(label=_("Answered by"), choices=KIND_WORDS.items())
    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        help_text=_("One a line."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    gone = forms.BooleanField(
        label=pgettext_lazy("a question, with its answers", "Delete it"), required=False
    )

    def value(self) -> dict[str, object] | None:
        """As annotate/profile_questions.py takes it; None where there is none."""
        data = self.cleaned_data
        if data["gone"] or not (data["title"] or data["name"]):
            return None
        choices = [line.strip() for line in data["choices"].splitlines() if line.strip()]
        name = data["name"] or _short(data["title"])
        return {"name": name, "title": data["title"], "kind": data["kind"], "choices": choices}


def _short(title: str) -> str:
    """A name out of a title: "How old are you?" is how_old_are_you."""
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return (name if name[:1].isalpha() else f"q_{name}")[:40].rstrip("_")


class UntilForm(forms.Form):
    """How long answers are kept."""

    until = forms.DateField(
        label=_("Delete the answers after"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The questions are asked until this day; the next day all answers go."),
    )


Questions = forms.formset_factory(QuestionForm, extra=2, max_num=MOST_QUESTIONS, validate_max=True)


@login_required
@require_safe
def consent_settings(request: HttpRequest, project_id: int) -> HttpResponse:
    """The text, the questions, and what members told."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_POST
def set_consent(request: HttpRequest, project_id: int) -> HttpResponse:
    """Another text: everybody is asked anew."""
    project = get_project(request.user, project_id, MANAGE)
    form = ConsentForm(request.POST)
    if form.is_valid():
        # Browsers send lines that end in CR LF.
        text = form.cleaned_data["text"].replace("\r\n", "\n")
        try:
            consents.set_consent(
                project=project,
                actor=request.user,
                text=text,
                shows_answers=form.cleaned_data["shows_answers"],
                compares_groups=form.cleaned_data["compares_groups"],
                address=request.META["REMOTE_ADDR"],
            )
        except InvalidValue as error:
            form.add_error("text", _said(error))
        else:
            messages.success(request, _("The text is saved. Who has not agreed to it is asked."))
            return redirect("consent_settings", project.pk)
    return _page(request, project, consent_form=form, status=422)


@login_required
@require_POST
def set_questions(request: HttpRequest, project_id: int) -> HttpResponse:
    """Other questions, or another last day."""
    project = get_project(request.user, project_id, MANAGE)
    rows, until = Questions(request.POST, prefix="questions"), UntilForm(request.POST)
    if rows.is_valid() and until.is_valid():
        given = [(form, value) for form in rows.forms if (value := form.value()) is not None]
        try:
            profiles.set_questions(
                project=project,
                actor=request.user,
                questions=[value for _form, value in given],
                until=until.cleaned_data["until"],
                address=request.META["REMOTE_ADDR"],
            )
        except InvalidValue as refused:
            for error in refused.all:
                _refuse(error, [form for form, _value in given], until)
        else:
            messages.success(request, _("The questions are saved."))
            return redirect("consent_settings", project.pk)
    return _page(request, project, rows=rows, until_form=until, status=422)


def _refuse(error: InvalidValue, forms_given: list[QuestionForm], until: UntilForm) -> None:
    """At its field: `2.title` is the title of the third question given."""
    place, _dot, field = error.field.partition(".")
    if place.isdecimal():
        form, name = forms_given[int(place)], field.partition(".")[0]
        form.add_error(name if name in form.fields else None, _said(error))
    else:
        until.add_error("until" if place == "until" else None, _said(error))


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    text = project.consent
    initial = [
        {**one.as_dict(), "choices": "\n".join(one.choices)}
        for one in read_questions(project.profile_questions)
    ]
    context = {
        "project": project,
        "tab": "people",
        "consent_form": ConsentForm(
            initial={
                "text": text.text if text else "",
                "shows_answers": bool(text and text.shows_answers),
                "compares_groups": bool(text and text.compares_groups),
            }
        ),
        "rows": Questions(initial=initial, prefix="questions"),
        "until_form": UntilForm(initial={"until": project.profile_until}),
        "texts": consent_texts(project),
        "summaries": summaries(project),
        "people": single_answers(project),
        "most_held_back": LEAST - 1,
        **more,
    }
    response = render(request, "annotate/projects/consent_settings.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _said(error: InvalidValue) -> str:
    text = in_words(error)
    return text[:1].upper() + text[1:]


urlpatterns = [
    path("projects/<int:project_id>/people/consent/", consent_settings, name="consent_settings"),
    path("projects/<int:project_id>/people/consent/text/", set_consent, name="set_consent"),
    path(
        "projects/<int:project_id>/people/consent/questions/", set_questions, name="set_questions"
    ),
]
