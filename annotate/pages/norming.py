"""Norming sessions: starting one, how far it is, and everybody's answers compared afterwards."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate.access import MANAGE, REVIEW, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.models import Membership, NormingSession, Project
from annotate.pages.consensus_words import question_words
from annotate.pages.reasons import in_words
from annotate.pages.review_words import person_words, rows_of
from annotate.reports.consensus import letters_of
from annotate.reports.norming import normed
from annotate.services.review import norming


class SessionForm(forms.Form):
    """A new session. Without numbers, tasks are drawn that none of the people has seen."""

    name = forms.CharField(max_length=200, label=gettext_lazy("Name"))
    tasks = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=gettext_lazy("Numbers of tasks"),
        help_text=gettext_lazy("Apart by spaces or commas. Leave it empty to have some drawn."),
    )
    count = forms.IntegerField(
        min_value=1, max_value=norming.MOST_TASKS, initial=10, label=gettext_lazy("Tasks drawn")
    )
    people = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, label=gettext_lazy("People")
    )

    def __init__(self, data=None, *, project: Project) -> None:
        super().__init__(data)
        members = Membership.objects.filter(project=project).select_related("user")
        self.fields["people"].choices = [
            (member.user_id, person_words(project, member.user))
            for member in members.order_by("user__username")[:500]
        ]

    def clean_tasks(self) -> list[int]:
        words = self.cleaned_data["tasks"].replace(",", " ").split()
        if not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in words):
            raise forms.ValidationError(_("Give numbers of tasks, such as: 12 17 20."))
        return [int(word) for word in words]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def norming_sessions(request: HttpRequest, project_id: int) -> HttpResponse:
    """The project's sessions; managers start new ones."""
    roles = MANAGE if request.method == "POST" else REVIEW
    project = get_project(request.user, project_id, roles)
    role = project.membership.role if project.membership else None
    form = SessionForm(request.POST or None, project=project)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                return redirect("norming_session", _start(request, project, form).pk)
            except InvalidValue as error:
                field = error.field.partition(".")[0]
                form.add_error(field if field in form.fields else None, in_words(error))
        status = 422
    sessions = NormingSession.objects.filter(project=project).order_by("-pk")
    context = {
        "project": project,
        "tab": "review",
        "manages": request.user.is_superuser or role in MANAGE,
        "form": form,
        "sessions": sessions.annotate(
            wanted=Count("seats"),
            done=Count("seats", filter=Q(seats__seat__state="done")),
        )[:100],
    }
    return render(request, "annotate/review/norming_sessions.html", context, status=status)


def _start(request: HttpRequest, project: Project, form: SessionForm) -> NormingSession:
    people = [int(pk) for pk in form.cleaned_data["people"]]
    tasks = form.cleaned_data["tasks"] or norming.draw_tasks(
        project=project, people=people, count=form.cleaned_data["count"]
    )
    return norming.start_session(
        project=project,
        actor=request.user,
        name=form.cleaned_data["name"],
        tasks=tasks,
        people=people,
    )


@login_required
@require_safe
def norming_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Everybody's answers beside each other; its people see it once all is judged or it ended."""
    rows = NormingSession.objects.select_related("project")
    session = get_in_project(request.user, rows, session_id)
    project = session.project
    role = project.membership.role if project.membership else None
    reviews = request.user.is_superuser or role in REVIEW
    found = normed(session)
    if not reviews:
        if request.user not in found.people:
            raise PermissionDenied(_("Only the people of this session may see it."))
        if not (found.is_complete or session.ended_at):
            raise PermissionDenied(
                _("You can compare the answers once everybody has judged the tasks.")
            )
    letters = letters_of([one.task.pk for one in found.tasks])
    context = {
        "project": project,
        "tab": "review",
        "session": session,
        "reviews": reviews,
        "manages": request.user.is_superuser or role in MANAGE,
        "found": found,
        "people": [person_words(project, one, request.user) for one in found.people],
        "agreement": [
            (question_words(question) or _("Answer"), share, alpha)
            for question, share, alpha in found.agreement
        ],
        "tasks": [
            {"row": one, "lines": rows_of(one.answers, letters.get(one.task.pk, {}))}
            for one in sorted(found.tasks, key=lambda one: not one.is_divided)
        ],
    }
    return render(request, "annotate/review/norming_session.html", context)


@login_required
@require_POST
def end_norming(request: HttpRequest, session_id: int) -> HttpResponse:
    """Nobody is asked any more; its people may compare."""
    rows = NormingSession.objects.select_related("project")
    session = get_in_project(request.user, rows, session_id, MANAGE)
    norming.end_session(session=session, actor=request.user)
    messages.success(request, _("The session is over; its people can compare their answers."))
    return redirect("norming_session", session.pk)


urlpatterns = [
    path("projects/<int:project_id>/norming/", norming_sessions, name="norming_sessions"),
    path("norming/<int:session_id>/", norming_session, name="norming_session"),
    path("norming/<int:session_id>/end/", end_norming, name="end_norming"),
]
