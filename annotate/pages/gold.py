"""Known answers: the list, setting and changing them, and how people did at hidden items."""

import time

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.forms import Form
from annotate.kinds import InvalidValue
from annotate.kinds.known import can_be_known
from annotate.models import GoldItem, Judgement, Membership, Project, Task
from annotate.pages import shown
from annotate.pages.kinds.fields import written
from annotate.pages.known_words import answer_words, letters_by_place
from annotate.pages.paging import number_in, page_links
from annotate.pages.questions import read_value
from annotate.pages.reasons import in_words
from annotate.pages.rules_form import RulesForm
from annotate.reports.gold import (
    LEAST,
    checked_people,
    counts_by_use,
    items_of,
    page_of_items,
    proposals,
)
from annotate.services.people import standing
from annotate.services.work import gold as services


class CheckRules(RulesForm):
    """How often hidden items come, and what becomes of who misses them."""

    FIELDS = ("gold_percent", "gold_floor", "gold_floor_from")


class UseForm(forms.Form):
    """How a known answer is used."""

    use = forms.ChoiceField(choices=GoldItem.Use.choices, label=gettext_lazy("Used for"))
    tolerance = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label=gettext_lazy("Tolerance"),
        help_text=gettext_lazy(
            "Distance from the known answer, 0 to 1, that still counts as right. "
            "Empty: as the kind of question has it."
        ),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    explanation = forms.CharField(
        required=False,
        strip=False,
        max_length=services.MAX_EXPLANATION,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=gettext_lazy("Explanation"),
        help_text=gettext_lazy("Markdown. Training shows it after the answer."),
    )


@login_required
@require_safe
def gold(request: HttpRequest, project_id: int) -> HttpResponse:
    """The items in use, the rules they are mixed in by, and tasks that might be further ones."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_POST
def set_check_rules(request: HttpRequest, project_id: int) -> HttpResponse:
    """Change how often hidden items come, and the floor."""
    project = get_project(request.user, project_id, MANAGE)
    form = CheckRules(request.POST)
    if form.save(project, request):
        messages.success(request, _("The rules are saved."))
        return redirect("gold", project.pk)
    return _page(request, project, rules_form=form, status=422)


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    use = request.GET.get("use", "")
    use = use if use in GoldItem.Use.values else ""
    rows, after = page_of_items(items_of(project, use), number_in(request, "before"))
    least = min(max(number_in(request, "least") or LEAST, 2), 100)
    ids = [row.item.task_id for row in rows]
    form = Form.of_project(project)
    looks = not request.GET.get("before") and can_be_known(form.kind, form.settings)
    proposed = proposals(project, least) if looks else []
    letters = _letters([*ids, *(one.task.pk for one in proposed)])
    context = {
        "project": project,
        "tab": "people",
        "rows": [{"row": row, "said": _said(project, row.item.task, letters)} for row in rows],
        "proposed": [
            {
                "one": one,
                "said": answer_words(one.judgement.kind, one.judgement.value, letters[one.task.pk]),
            }
            for one in proposed
        ],
        "looks_for_more": looks,
        "least": least,
        "use": use,
        "use_choices": GoldItem.Use.choices,
        "counts": counts_by_use(project),
        "people": checked_people(project),
        "rules_form": CheckRules.of(project),
        **page_links(request, after, {"use": use} if use else {}),
        **more,
    }
    return render(request, "annotate/projects/gold.html", context, status=status)


def _letters(task_ids: list[int]) -> dict[int, dict[int, str]]:
    """Each task's letters, by place as its page has them. One query."""
    through = Task.responses.through.objects.filter(task__in=task_ids)
    found: dict[int, list[int]] = {pk: [] for pk in task_ids}
    for pk, response in through.order_by("position").values_list("task_id", "response_id"):
        found[pk].append(response)
    return {pk: letters_by_place(ids) for pk, ids in found.items()}


def _said(project: Project, task: Task, letters: dict[int, dict[int, str]]) -> list[str]:
    return answer_words(project.kind, task.gold, letters[task.pk])


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def known_answer(request: HttpRequest, task_id: int) -> HttpResponse:
    """Answer the task as it is to be answered, on the page on which people work."""
    task = get_in_project(request.user, Task.objects.select_related("prompt"), task_id, MANAGE)
    if request.method == "GET":
        return _answer_page(request, task)
    fields = {"explanation": written(request.POST, "rationale")}
    try:
        services.set_gold(
            task=task,
            actor=request.user,
            value=lambda form: read_value(form, request.POST),
            address=request.META["REMOTE_ADDR"],
            **fields,
        )
    except InvalidValue as error:
        return _answer_page(request, task, error)
    messages.success(request, _("The known answer is set."))
    return redirect(reverse("task", args=[task.pk]) + "#gold-heading")


def _answer_page(
    request: HttpRequest, task: Task, error: InvalidValue | None = None
) -> HttpResponse:
    try:
        form = services.known_form(task.project)
    except InvalidValue as refusal:
        messages.error(request, in_words(refusal))
        return redirect("task", task.pk)
    if error is not None:
        entered = shown.Entered.from_post(form, request.POST)
    else:
        item = GoldItem.objects.filter(task=task).first()
        # As if it had been saved now: what this browser kept of another time gives way to it.
        entered = shown.Entered(
            task.gold, item.explanation if item else "", saved_at=1000 * time.time()
        )
    page = shown.from_task(
        task,
        form,
        entered,
        posts_to=reverse("known_answer", args=[task.pk]),
        leads_back=reverse("task", args=[task.pk]),
        why=_("Explanation (optional)"),
    )
    context = {
        "project": task.project,
        "task": page.refused(error) if error else page,
        "heading": _("The known answer of task %(number)s") % {"number": task.pk},
    }
    return render(request, "annotate/work.html", context, status=422 if error else 200)


@login_required
@require_POST
def accept_gold(request: HttpRequest, judgement_id: int) -> HttpResponse:
    """Take an answer that somebody gave as the known one: `from` tells whether all gave it."""
    rows = Judgement.objects.select_related("task")
    judgement = get_in_project(request.user, rows, judgement_id, MANAGE)
    task = judgement.task
    task.project = judgement.project
    unanimous = request.POST.get("from") == "unanimous"
    use = request.POST.get("use") or GoldItem.Use.HIDDEN.value
    back = redirect("gold", task.project_id) if unanimous else redirect("task", task.pk)
    try:
        services.set_gold(
            task=task,
            actor=request.user,
            value=judgement,
            origin=GoldItem.Origin.UNANIMOUS if unanimous else GoldItem.Origin.HAND,
            address=request.META["REMOTE_ADDR"],
            use=use,
            explanation=judgement.rationale,
        )
    except InvalidValue as error:
        messages.error(request, in_words(error.with_field))
        return back
    messages.success(
        request, _("The known answer of task %(number)s is set.") % {"number": task.pk}
    )
    return back


@login_required
@require_POST
def change_gold(request: HttpRequest, task_id: int) -> HttpResponse:
    """Change what a known answer is used for, its tolerance and its explanation."""
    item = _item(request, task_id)
    form = UseForm(request.POST, prefix="gold")
    if form.is_valid():
        services.change_gold(
            item=item,
            actor=request.user,
            address=request.META["REMOTE_ADDR"],
            **{**form.cleaned_data, "explanation": written(request.POST, "gold-explanation")},
        )
        messages.success(request, _("The known answer is changed."))
    else:
        for field, errors in form.errors.items():
            messages.error(request, f"{form.fields[field].label}: {' '.join(errors)}")
    return redirect(reverse("task", args=[item.task_id]) + "#gold-heading")


@login_required
@require_POST
def retire_gold(request: HttpRequest, task_id: int) -> HttpResponse:
    """Use a known answer no longer; the task may become ordinary work."""
    item = _item(request, task_id)
    services.retire_gold(
        item=item,
        actor=request.user,
        to_people=request.POST.get("to_people") == "1",
        address=request.META["REMOTE_ADDR"],
    )
    messages.success(request, _("The known answer is not used any more."))
    return redirect("task", item.task_id)


def _item(request: HttpRequest, task_id: int) -> GoldItem:
    return get_in_project(request.user, GoldItem.objects.select_related("task"), task_id, MANAGE)


@login_required
@require_POST
def pause_member(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Hand a member nothing more."""
    member = get_in_project(request.user, _memberships(), membership_id, MANAGE)
    standing.pause_member(
        membership=member, actor=request.user, address=request.META["REMOTE_ADDR"]
    )
    messages.success(request, _("%s gets no further tasks.") % member.user.username)
    return redirect("gold", member.project_id)


@login_required
@require_POST
def resume_member(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Hand out to a member again."""
    member = get_in_project(request.user, _memberships(), membership_id, MANAGE)
    standing.resume_member(
        membership=member, actor=request.user, address=request.META["REMOTE_ADDR"]
    )
    messages.success(request, _("%s gets tasks again.") % member.user.username)
    return redirect("gold", member.project_id)


def _memberships():
    return Membership.objects.select_related("user", "project")


def gold_of(task: Task, letters: dict[int, str]) -> dict:
    """What a task's page tells of its known answer, to those who review."""
    item = GoldItem.objects.filter(task=task).select_related("created_by").first()
    if item is None or task.gold is None:
        return {"item": None}
    fields = {"use": item.use, "tolerance": item.tolerance, "explanation": item.explanation}
    return {
        "item": item,
        "said": answer_words(task.project.kind, task.gold, letters),
        "form": UseForm(initial=fields, prefix="gold"),
        "checks": task.gold_checks.count(),
    }


urlpatterns = [
    path("projects/<int:project_id>/gold/", gold, name="gold"),
    path("projects/<int:project_id>/gold/rules/", set_check_rules, name="set_check_rules"),
    path("tasks/<int:task_id>/gold/", known_answer, name="known_answer"),
    path("tasks/<int:task_id>/gold/change/", change_gold, name="change_gold"),
    path("tasks/<int:task_id>/gold/retire/", retire_gold, name="retire_gold"),
    path("judgements/<int:judgement_id>/gold/", accept_gold, name="accept_gold"),
    path("members/<int:membership_id>/pause/", pause_member, name="pause_member"),
    path("members/<int:membership_id>/resume/", resume_member, name="resume_member"),
]
