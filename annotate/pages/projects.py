"""Pages that make, change, pause and archive a project."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, OWN, Role, get_project
from annotate.kinds import InvalidValue
from annotate.models import Project
from annotate.pages.project_form import ProjectForm
from annotate.services import projects


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def create_project(request: HttpRequest) -> HttpResponse:
    """A new project; whoever makes it owns it."""
    form = ProjectForm(request.POST or None)
    if "preview" in request.POST:
        return _preview(request, form, None)
    if request.method == "POST" and form.is_valid():
        try:
            project = projects.create_project(
                actor=request.user, address=request.META["REMOTE_ADDR"], **form.as_fields()
            )
        except InvalidValue as error:
            form.add_invalid(error)
        else:
            messages.success(request, "The project is there. Import what is to be judged.")
            return redirect("imports", project.pk)
    return _form_page(request, form, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def settings(request: HttpRequest, project_id: int) -> HttpResponse:
    """Change a project."""
    project = get_project(request.user, project_id, MANAGE)
    form = ProjectForm(request.POST or None, initial=ProjectForm.initial_of(project))
    if "preview" in request.POST:
        return _preview(request, form, project)
    if request.method == "POST" and form.is_valid():
        try:
            projects.update_project(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.as_fields(),
            )
        except InvalidValue as error:
            form.add_invalid(error)
        else:
            messages.success(request, "Saved.")
            return redirect("settings", project.pk)
    return _form_page(request, form, project)


@login_required
@require_POST
def change_state(request: HttpRequest, project_id: int) -> HttpResponse:
    """Pause the project or go on with it."""
    project = get_project(request.user, project_id, MANAGE)
    if project.state == Project.State.ACTIVE:
        projects.pause_project(project=project, actor=request.user)
        messages.success(request, "Paused: nothing is handed out until you resume.")
    else:
        projects.resume_project(project=project, actor=request.user)
        messages.success(request, "Resumed: tasks are handed out again.")
    return redirect("settings", project.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def archive_project(request: HttpRequest, project_id: int) -> HttpResponse:
    """Ask for the name, then archive. Nothing is deleted."""
    project = get_project(request.user, project_id, OWN)
    wrong = False
    if request.method == "POST":
        wrong = request.POST.get("name", "").strip() != project.name.strip()
        if not wrong:
            projects.archive_project(
                project=project, actor=request.user, address=request.META["REMOTE_ADDR"]
            )
            messages.success(request, f"{project.name} is archived. Its rows are kept.")
            return redirect("home")
    context = {"project": project, "tab": "settings", "wrong": wrong}
    return render(
        request, "annotate/projects/archive_project.html", context, status=422 if wrong else 200
    )


def _preview(request: HttpRequest, form: ProjectForm, project: Project | None) -> HttpResponse:
    """The guidelines as annotators will read them; nothing is saved and nothing is lost."""
    text = request.POST.get("guidelines", "")[:200_000]
    if request.htmx:
        return render(
            request, "annotate/projects/project_form.html#preview", {"preview_text": text}
        )
    unchecked = ProjectForm(initial=_as_typed(form))
    return _form_page(request, unchecked, project, preview_text=text)


def _as_typed(form: ProjectForm) -> dict:
    return {name: form[name].value() for name in form.fields}


def _form_page(
    request: HttpRequest, form: ProjectForm, project: Project | None, **more: object
) -> HttpResponse:
    context = {
        "form": form,
        "project": project,
        "tab": "settings",
        "may_archive": project is not None and _is_owner(request, project),
        **more,
    }
    status = 422 if form.errors else 200
    return render(request, "annotate/projects/project_form.html", context, status=status)


def _is_owner(request: HttpRequest, project: Project) -> bool:
    member = project.membership
    return request.user.is_superuser or (member is not None and member.role == Role.OWNER)


urlpatterns = [
    path("projects/new/", create_project, name="create_project"),
    path("projects/<int:project_id>/settings/", settings, name="settings"),
    path("projects/<int:project_id>/state/", change_state, name="change_state"),
    path("projects/<int:project_id>/archive/", archive_project, name="archive_project"),
]
