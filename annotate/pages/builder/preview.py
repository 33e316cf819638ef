"""The work page as a form will make it, on a sample task; an answer is checked and thrown away."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST

from annotate import presets
from annotate.access import MANAGE, get_project
from annotate.forms import Form
from annotate.kinds import InvalidValue
from annotate.kinds.form import FormSettings
from annotate.models import Project
from annotate.pages import kinds as page_parts
from annotate.pages import shown
from annotate.pages.builder import samples
from annotate.pages.builder.asked import Asked
from annotate.pages.builder.posted import read_asked
from annotate.pages.kinds.fields import written
from annotate.pages.questions import read_value
from annotate.pages.reasons import in_words
from annotate.pages.security import FRAMED_POLICY
from annotate.presets import spoken
from annotate.progress import Progress
from annotate.rendering import render_markdown

PAGE = "annotate/projects/builder_preview.html"
NO_PAGE = "annotate/projects/builder_no_preview.html"
MAX_GUIDELINES = 200_000


@dataclass(frozen=True)
class PreviewTask(shown.ShownTask):
    """A task that belongs to nobody: its answer goes to `answer_url`, to be checked."""

    answer_url: str = ""

    @property
    def submit_url(self) -> str:
        return self.answer_url


def framed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let our own pages, and no others, show the view's page in a frame."""

    @wraps(view)
    def wrapper(*args: object, **options: object) -> HttpResponse:
        response = xframe_options_sameorigin(view)(*args, **options)
        response.headers["Content-Security-Policy"] = FRAMED_POLICY
        return response

    return wrapper


@framed
@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def preview_form(request: HttpRequest, project_id: int | None = None) -> HttpResponse:
    """A page with the questions that were sent; by GET those of the project or of `preset`."""
    project = _project(request, project_id)
    try:
        if request.method == "POST":
            form = read_asked(request.POST).form()
            guidelines = request.POST.get("guidelines", "")[:MAX_GUIDELINES]
        else:
            form, guidelines = _kept(request, project)
    except InvalidValue as error:
        return render(request, NO_PAGE, {"error": error, "reason": in_words(error)}, status=422)
    without = _without_page(form)
    if without:
        return render(request, NO_PAGE, {"without": without})
    wanted = (request.POST if request.method == "POST" else request.GET).get("sample", "")
    sample = samples.sample_for(form, wanted, project)
    return _page(request, project, form, guidelines, sample)


@framed
@require_POST
@never_cache
@login_required
def answer_preview(request: HttpRequest, project_id: int | None = None) -> HttpResponse:
    """Whether the answer would be taken, and what would be stored. Nothing is.

    JSON where that is asked for: {"value"}, or 400 with {"detail", "field"} of the first refusal
    and `errors`, all of them.
    """
    project = _project(request, project_id)
    value, error = None, None
    try:
        form = _sent_form(request.POST)
        sample = samples.sample_for(form, request.POST.get("preview_sample", ""), project)
        value = form.module.clean_value(
            read_value(form, request.POST),
            shown=sample.shown,
            settings=form.settings,
            rationale=written(request.POST, "rationale"),
        )
    except InvalidValue as refused:
        error = refused
    if "application/json" in request.headers.get("Accept", ""):
        if error is not None:
            errors = [{"field": one.field, "detail": in_words(one)} for one in error.all]
            return JsonResponse({**errors[0], "errors": errors}, status=400)
        return JsonResponse({"value": value})
    context = {
        "error": error,
        "errors": [(one.field, in_words(one)) for one in error.all] if error else (),
        "value": json.dumps(value, ensure_ascii=False, indent=2),
    }
    status = 422 if error else 200
    return render(request, "annotate/projects/builder_answer.html", context, status=status)


def _project(request: HttpRequest, project_id: int | None) -> Project | None:
    return None if project_id is None else get_project(request.user, project_id, MANAGE)


def _kept(request: HttpRequest, project: Project | None) -> tuple[Form, str]:
    if project is not None:
        return Form.of_project(project), project.guidelines
    name = request.GET.get("preset", "")
    if name in presets.NAMES:
        preset = spoken.get_in(spoken.language_of(request.GET.get("words", "")), name)
        return Form.read(preset.kind, dict(preset.settings)), preset.guidelines
    return Asked.begin().form(), ""


def _sent_form(post: MultiValueDict) -> Form:
    """The form that the preview was made of. Raises InvalidValue."""
    return Asked.of_json(post.get("preview_form", "")).form()


def _without_page(form: Form) -> list[str]:
    """The kinds in the form that have no place on the work page yet."""
    names = [form.kind]
    if isinstance(form.settings, FormSettings):
        names = [question.kind for question in form.settings.questions]
    return [name for name in dict.fromkeys(names) if name not in page_parts.PAGE_PARTS]


def _page(
    request: HttpRequest,
    project: Project | None,
    form: Form,
    guidelines: str,
    sample: samples.Sample,
) -> HttpResponse:
    arguments = [project.pk] if project else []
    address = reverse("answer_project_preview" if project else "answer_preview", args=arguments)
    task = PreviewTask(
        project_id=project.pk if project else 0,
        seat_id=0,
        key="preview",
        form=form,
        entered=shown.Entered(),
        context=sample.context,
        answer_url=address,
        **shown.contents(form, sample.prompt, sample.responses),
    )
    asked = json.dumps({"kind": form.kind, "kind_settings": asdict(form.settings)})
    context = {
        "task": task,
        "project": project or Project(pk=0, name=request.POST.get("name", "")),
        "guidelines": render_markdown(guidelines) if guidelines else "",
        "done_count": 0,
        "progress": Progress(done=0, total=0),
        "asked": asked,
        "sample": sample.name,
    }
    return render(request, PAGE, context)


urlpatterns = [
    path("projects/new/preview/", preview_form, name="preview_form"),
    path("projects/new/preview/answer/", answer_preview, name="answer_preview"),
    path("projects/<int:project_id>/settings/preview/", preview_form, name="preview_project_form"),
    path(
        "projects/<int:project_id>/settings/preview/answer/",
        answer_preview,
        name="answer_project_preview",
    ),
]
