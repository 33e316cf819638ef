"""The first page: your projects, how far they are, and the way in."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from annotate.access import MANAGE
from annotate.forms import Form
from annotate.models import Membership, Project
from annotate.progress import for_eyes_of, progress_of
from annotate.services.reports.arena import is_arena


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Every live project you are a member of, or all of them for a superuser."""
    projects = list(Project.objects.visible_to(request.user).live().order_by("-pk"))
    memberships = {
        membership.project_id: membership
        for membership in Membership.objects.filter(user=request.user, project__in=projects)
    }
    progress = progress_of([project.pk for project in projects])
    cards = [
        {
            "project": project,
            "membership": (membership := memberships.get(project.pk)),
            "manages": request.user.is_superuser or membership.role in MANAGE,
            # Managers and reviewers have it among the project's tabs.
            "sees_board": project.board_readers == Project.BoardReaders.MEMBERS
            and membership is not None
            and membership.role == Membership.Role.ANNOTATOR,
            "progress": for_eyes_of(membership, progress[project.pk]),
            "is_arena": is_arena(Form.of_project(project)),
        }
        for project in projects
    ]
    return render(request, "annotate/home.html", {"cards": cards})


class Login(LoginView):
    """Django's, with a button for the provider where one is set; after a refusal the cursor stands
    in the password, as the name is there already.
    """

    def get_context_data(self, **context: object) -> dict:
        return super().get_context_data(provider=settings.SIGN_IN, **context)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if "username" not in form.errors:
            form.fields["username"].widget.attrs.pop("autofocus", None)
            form.fields["password"].widget.attrs["autofocus"] = True
        return super().form_invalid(form)


urlpatterns = [
    path("", home, name="home"),
    path("login/", Login.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
