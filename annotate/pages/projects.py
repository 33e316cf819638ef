"""Pages that make, change, pause and archive a project."""

from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from annotate import presets
from annotate.access import MANAGE, OWN, Role, get_project
from annotate.kinds import InvalidValue
from annotate.models import Project
from annotate.pages.builder import samples
from annotate.pages.builder.asked import Asked, digest
from annotate.pages.builder.drawn import Builder
from annotate.pages.project_form import ProjectForm
from annotate.presets import spoken
from annotate.services import projects
from annotate.services.conversations.chat import too_few_models

SCRATCH = "scratch"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def create_project(request: HttpRequest) -> HttpResponse:
    """A new project, begun from a preset or from scratch; whoever makes it owns it."""
    if request.method != "POST":
        if "preset" not in request.GET:
            context = {"presets": presets.presets(), "words": _words(request)}
            return render(request, "annotate/projects/presets.html", context)
        initial, asked = _begin(request.GET["preset"], _words(request))
        return _form_page(request, ProjectForm(initial=initial), Builder.kept(asked), None)
    form, builder = ProjectForm(request.POST), Builder.from_post(request.POST)
    if _is_redrawn(request):
        return _redraw(request, form, builder, None)
    if form.is_valid() and not builder.errors:
        try:
            project = projects.create_project(
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.as_fields(),
                **builder.stored,
            )
        except InvalidValue as error:
            _refuse(form, builder, error)
        else:
            messages.success(request, _("The project is there. Import what is to be judged."))
            return redirect("imports", project.pk)
    return _form_page(request, form, builder, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def settings(request: HttpRequest, project_id: int) -> HttpResponse:
    """Change a project. Another form or other guidelines begin a new version."""
    project = get_project(request.user, project_id, MANAGE)
    if request.method != "POST":
        asked = Asked.of_stored(project.kind, project.kind_settings)
        form = ProjectForm(initial=ProjectForm.initial_of(project))
        return _form_page(request, form, Builder.kept(asked, project), project)
    form, builder = ProjectForm(request.POST), Builder.from_post(request.POST, project)
    if _is_redrawn(request):
        return _redraw(request, form, builder, project)
    if form.is_valid() and not builder.errors:
        try:
            projects.update_project(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.as_fields(),
                **builder.stored,
            )
        except InvalidValue as error:
            _refuse(form, builder, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("settings", project.pk)
    return _form_page(request, form, builder, project)


@login_required
@require_POST
def change_state(request: HttpRequest, project_id: int) -> HttpResponse:
    """Pause the project or go on with it."""
    project = get_project(request.user, project_id, MANAGE)
    if project.state == Project.State.ACTIVE:
        projects.pause_project(project=project, actor=request.user)
        messages.success(request, _("Paused: nothing is handed out until you resume."))
    else:
        projects.resume_project(project=project, actor=request.user)
        messages.success(request, _("Resumed: tasks are handed out again."))
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
            messages.success(request, _("%s is archived. Its rows are kept.") % project.name)
            return redirect("home")
    context = {"project": project, "tab": "settings", "wrong": wrong}
    return render(
        request, "annotate/projects/archive_project.html", context, status=422 if wrong else 200
    )


def _words(request: HttpRequest) -> str:
    """The language in which a preset is to speak; a choice of its own, else the reader's."""
    return spoken.language_of(request.GET.get("words", ""))


def _begin(name: str, language: str) -> tuple[dict, Asked]:
    """The first values of the page: those of the preset, or "scratch". Raises Http404."""
    if name == SCRATCH:
        return {}, Asked.begin()
    if name not in presets.NAMES:
        raise Http404("There is no such preset.")
    preset = spoken.get_in(language, name)
    initial = {"guidelines": preset.guidelines, "overlap": preset.overlap}
    return initial, Asked.of_stored(preset.kind, preset.settings)


def _refuse(form: ProjectForm, builder: Builder, error: InvalidValue) -> None:
    """Put a service's refusal where it belongs."""
    if error.field.split(".")[0] in ("kind", "kind_settings"):
        builder.refuse(error)
    else:
        form.add_invalid(error)


def _is_redrawn(request: HttpRequest) -> bool:
    """Whether nothing is to be saved: guidelines to be read, questions to be moved about."""
    return "preview" in request.POST or "deed" in request.POST


def _redraw(
    request: HttpRequest, form: ProjectForm, builder: Builder, project: Project | None
) -> HttpResponse:
    """The page as typed, or for scripts the part that changes; nothing is saved or lost."""
    if request.htmx and "preview" in request.POST:
        text = request.POST.get("guidelines", "")[:200_000]
        return render(
            request, "annotate/projects/project_form.html#preview", {"preview_text": text}
        )
    if request.htmx:
        sent = digest(request.POST.get("json", ""))
        context = {"builder": builder.controls, "project": project, "sent_stamp": sent}
        return render(request, "annotate/projects/builder.html", context)
    unchecked = ProjectForm(initial={name: form[name].value() for name in form.fields})
    return _form_page(request, unchecked, builder, project)


def _form_page(
    request: HttpRequest,
    form: ProjectForm,
    builder: Builder,
    project: Project | None,
) -> HttpResponse:
    arguments = [project.pk] if project else []
    preset = request.GET.get("preset", SCRATCH)
    is_refused = request.method == "POST" and not _is_redrawn(request)
    context = {
        "form": form,
        "builder": builder.controls,
        "refused": (len(form.errors) + len(builder.errors)) if is_refused else 0,
        "project": project,
        "tab": "settings",
        "preview_url": reverse(
            "preview_project_form" if project else "preview_form", args=arguments
        ),
        "preview_query": "" if project else f"?preset={quote(preset)}&words={_words(request)}",
        "too_few_models": too_few_models(project) if project else None,
        "samples": samples.titles(),
        "sample": request.POST.get("sample", ""),
        "preview_text": form["guidelines"].value() or "",
        "may_archive": project is not None and _is_owner(request, project),
    }
    status = 422 if is_refused else 200
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
