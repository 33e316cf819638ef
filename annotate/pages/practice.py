"""Training and the qualification quiz, as annotators go through them."""

import time

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate.access import get_project
from annotate.kinds import InvalidValue
from annotate.models import PracticeAnswer, PracticeRun, Project, Task
from annotate.pages import shown
from annotate.pages.kinds.fields import written
from annotate.pages.known_words import answer_words, letters_by_place
from annotate.pages.panel_entry import end_of
from annotate.pages.questions import read_value
from annotate.rendering import render_markdown
from annotate.services.work import practice as services

PAGE = "annotate/practice.html"


@login_required
@require_safe
@never_cache
def practice(request: HttpRequest, project_id: int) -> HttpResponse:
    """The item to be answered next, or what is to be gone through; the work page where nothing
    is.
    """
    project = get_project(request.user, project_id)
    now = services.practice_of(project=project, user=request.user)
    if now.stage is None:
        return redirect("work", project.pk)
    task = services.next_item(now.run) if now.run else None
    if now.run and task:
        return _item_page(request, project, now.run, task)
    if now.tries_left == 0 and (ended := end_of(request, project)) is not None:
        return ended
    context = {"project": project, "now": now, "guidelines": _guidelines(project)}
    if now.last is not None:
        context["last_of"] = now.last.answers.count()
    return render(request, PAGE, context)


@login_required
@require_POST
def begin_practice(request: HttpRequest, project_id: int) -> HttpResponse:
    """Begin the training, or a try at the quiz."""
    project = get_project(request.user, project_id)
    services.begin_run(project=project, user=request.user)
    return redirect("practice", project.pk)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def answer_practice(request: HttpRequest, run_id: int, task_id: int) -> HttpResponse:
    """Answer an item; in training then told at once, else the next one."""
    run = PracticeRun.objects.select_related("project").filter(pk=run_id, annotator=request.user)
    run = run.first()
    if run is None:
        raise Http404(_("There is no such run of yours."))
    project = get_project(request.user, run.project_id)
    if request.method == "GET":
        return redirect("practice", project.pk)
    try:
        answer = services.answer_item(
            run_id=run.pk,
            task_id=task_id,
            user=request.user,
            value=lambda form: read_value(form, request.POST),
            rationale=written(request.POST, "rationale"),
            seconds_active=_seconds(request.POST.get("seconds_active", "")),
        )
    except InvalidValue as error:
        task = services.next_item(run)
        if task is None or task.pk != task_id:
            return redirect("practice", project.pk)
        return _item_page(request, project, run, task, error)
    if run.stage == PracticeRun.Stage.TRAINING:
        return redirect("practice_answer", answer.pk)
    run.refresh_from_db()
    if run.ended_at is not None:
        return redirect("practice_result", run.pk)
    return redirect("practice", project.pk)


def _seconds(text: str) -> float | None:
    """A clock that makes no sense is no reason to refuse an answer."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


@login_required
@require_safe
@never_cache
def practice_answer(request: HttpRequest, answer_id: int) -> HttpResponse:
    """What was right about an answer in training, and why."""
    rows = PracticeAnswer.objects.select_related("run__project", "task__gold_item")
    answer = rows.filter(
        pk=answer_id, run__annotator=request.user, run__stage=PracticeRun.Stage.TRAINING
    ).first()
    if answer is None:
        raise Http404(_("There is no such answer of yours."))
    project = get_project(request.user, answer.run.project_id)
    kind = services.form_of(project).kind
    order = services.shown_order(answer.run, answer.task)
    letters = letters_by_place(order)
    context = {
        "project": project,
        "answer": answer,
        "yours": answer_words(kind, answer.value, letters),
        "known": answer_words(kind, answer.task.gold, letters),
        "explanation": render_markdown(answer.task.gold_item.explanation),
        "task": shown.from_task(
            answer.task, services.form_of(project), shown.Entered(), posts_to="-", order=order
        ),
        "place": _place(answer.run),
    }
    return render(request, PAGE, context)


@login_required
@require_safe
@never_cache
def practice_result(request: HttpRequest, run_id: int) -> HttpResponse:
    """What came of a try at the quiz: how many were right, not which."""
    run = PracticeRun.objects.filter(
        pk=run_id, annotator=request.user, stage=PracticeRun.Stage.QUIZ, ended_at__isnull=False
    ).first()
    if run is None:
        raise Http404(_("There is no such run of yours."))
    project = get_project(request.user, run.project_id)
    now = services.practice_of(project=project, user=request.user)
    context = {"project": project, "result": run, "last_of": run.answers.count(), "now": now}
    return render(request, PAGE, context)


def _item_page(
    request: HttpRequest,
    project: Project,
    run: PracticeRun,
    task: Task,
    error: InvalidValue | None = None,
) -> HttpResponse:
    form = services.form_of(project)
    if error is None:
        # As if it had been saved now: this browser has kept nothing of it.
        entered = shown.Entered(saved_at=1000 * time.time())
    else:
        entered = shown.Entered.from_post(form, request.POST)
    page = shown.from_task(
        task,
        form,
        entered,
        posts_to=reverse("answer_practice", args=[run.pk, task.pk]),
        order=services.shown_order(run, task),
    )
    place = _place(run)
    if run.stage == PracticeRun.Stage.TRAINING:
        heading = _("Training: %(place)s of %(count)s") % place
    else:
        heading = _("Quiz: %(place)s of %(count)s") % place
    context = {
        "project": project,
        "guidelines": _guidelines(project),
        "task": page.refused(error) if error else page,
        "heading": heading,
    }
    return render(request, "annotate/work.html", context, status=422 if error else 200)


def _place(run: PracticeRun) -> dict[str, int]:
    answered = run.answers.count()
    return {
        "place": min(answered + 1, len(run.task_ids)),
        "count": len(run.task_ids),
        "answered": answered,
    }


def _guidelines(project: Project) -> str:
    return render_markdown(project.guidelines) if project.guidelines else ""


urlpatterns = [
    path("projects/<int:project_id>/practice/", practice, name="practice"),
    path("projects/<int:project_id>/practice/begin/", begin_practice, name="begin_practice"),
    path("practice/<int:run_id>/<int:task_id>/", answer_practice, name="answer_practice"),
    path("practice/answers/<int:answer_id>/", practice_answer, name="practice_answer"),
    path("practice/<int:run_id>/result/", practice_result, name="practice_result"),
]
