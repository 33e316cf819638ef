"""The pages of prompts' tags: looking for prompts by them, and correcting one's."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Judge, Project, Prompt
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from routing.features.subjects import SUBJECTS
from routing.features.tag_answers import CHOICES, FLAGS, MOST_SUBJECTS
from routing.features.tagger import PROMPT_TAGS
from routing.judges import openai
from routing.models import PERSON
from routing.reports.tag import (
    SET_BY,
    filter_prompts,
    page_of_prompts,
    tagged,
    tagger_names,
    tagger_standing,
)
from routing.services.tagging import correct_tags, tagger_in_use, withdraw_correction
from routing.services.tagging_runs import choose_tagger
from routing.words.tag import tag_word

CORRECTIONS_SHOWN = 50
TASKS_SHOWN = 20
LABELS = {
    "expertise": gettext_lazy("Expertise that it takes"),
    "open_endedness": gettext_lazy("How open it is"),
    "safety": gettext_lazy("Safety concern"),
    "complexity": gettext_lazy("Complexity of what is asked"),
    "english": gettext_lazy("It is in English"),
    "material": gettext_lazy("It brings a text to work on"),
    "format": gettext_lazy("It asks for a form of the answer"),
    "subjects": gettext_lazy("Subjects"),
}


class TagsForm(forms.Form):
    """An answer to every question; the values are the tags' own names."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        subjects = [("", _("none")), *((one, tag_word(one)) for one in SUBJECTS)]
        for number in range(1, MOST_SUBJECTS + 1):
            self.fields[f"subject_{number}"] = forms.ChoiceField(
                required=False,
                choices=subjects,
                label=_("Subject %(number)s") % {"number": number},
            )
        for name, values in CHOICES.items():
            self.fields[name] = forms.ChoiceField(
                choices=[(one, tag_word(one)) for one in values],
                label=LABELS[name],
                widget=forms.RadioSelect,
            )
        for name in FLAGS:
            self.fields[name] = forms.BooleanField(required=False, label=LABELS[name])

    def answer(self) -> dict[str, Any]:
        said = self.cleaned_data
        subjects = [said[f"subject_{number}"] for number in range(1, MOST_SUBJECTS + 1)]
        return {
            "subjects": [one for one in subjects if one],
            **{name: said[name] for name in (*CHOICES, *FLAGS)},
        }


def form_of(answer: dict[str, Any] | None) -> dict[str, Any]:
    """The fields' first values for an answer."""
    if answer is None:
        return {}
    subjects = {f"subject_{n}": one for n, one in enumerate(answer["subjects"], 1)}
    return {**subjects, **{name: answer[name] for name in (*CHOICES, *FLAGS)}}


def _filters(request: HttpRequest) -> dict[str, str]:
    tag, set_by = request.GET.get("tag", ""), request.GET.get("set_by", "")
    return {
        "tag": tag if tag in PROMPT_TAGS else "",
        "set_by": set_by if set_by in SET_BY else "",
    }


@login_required
@require_safe
@vary_on_headers("HX-Request")
def tags(request: HttpRequest, project_id: int) -> HttpResponse:
    """The list; `tag` and `set_by` filter it, `before` is where the page begins. Asked by htmx: how
    far the tagger is.
    """
    project = get_project(request.user, project_id, MANAGE)
    standing = tagger_standing(project)
    if request.htmx:
        context = {"project": project, "standing": standing}
        return render(request, "routing/tags.html#live", context)
    filters, tagger = _filters(request), tagger_in_use(project)
    rows = filter_prompts(project, **filters, tagger=tagger)
    page, after = page_of_prompts(rows, tagger, number_in(request, "before"))
    names = tagger_names(project)
    kept = {name: value for name, value in filters.items() if value}
    context = {
        "project": project,
        "tab": "routing",
        "rows": [
            {
                "row": one,
                "by": names.get(one.set_by, one.set_by),
                "tags": ", ".join(map(tag_word, one.tags)),
            }
            for one in page
        ],
        **page_links(request, after, kept),
        "filters": filters,
        "query": urlencode(kept),
        "tag_choices": [(name, tag_word(name)) for name in PROMPT_TAGS],
        "set_by_choices": SET_BY.items(),
        "tagger": names.get(tagger, tagger),
        "standing": standing,
        "judges": Judge.objects.filter(project=project, kind=openai.NAME).order_by("-pk"),
    }
    return render(request, "routing/tags.html", context)


@login_required
@require_POST
def save_tagger(request: HttpRequest, project_id: int) -> HttpResponse:
    """Let a judge tag prompts from now on, or the rules again."""
    project = get_project(request.user, project_id, MANAGE)
    text = request.POST.get("judge", "")
    try:
        judge_id = None if text == "" else int(text) if text.isdecimal() else 0
        choose_tagger(project=project, actor=request.user, judge_id=judge_id)
    except InvalidValue as error:
        messages.error(request, in_words(error))
    else:
        messages.success(request, _("The tagger is chosen. New fits of policies will use it."))
    return redirect("tags", project.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def prompt_tags(request: HttpRequest, prompt_id: int) -> HttpResponse:
    """One prompt with what was said of it; POST corrects it, and `next` goes on to the next one."""
    rows = Prompt.objects.select_related("project")
    prompt: Prompt = get_in_project(request.user, rows, prompt_id, MANAGE)
    project: Project = prompt.project
    filters, tagger = _filters(request), tagger_in_use(project)
    answers = {one.tagger: one for one in prompt.taggings.select_related("corrected_by")}
    [row] = tagged([prompt], tagger)
    counts = answers.get(row.set_by)
    following = (
        filter_prompts(project, **filters, tagger=tagger)
        .filter(pk__lt=prompt.pk)
        .order_by("-pk")
        .first()
    )
    form = TagsForm(request.POST or None, initial=form_of(counts and counts.answer))
    query = urlencode({name: value for name, value in filters.items() if value})
    if request.method == "POST" and form.is_valid():
        correct_tags(prompt=prompt, actor=request.user, answer=form.answer())
        messages.success(request, _("The tags of prompt %(id)s are saved.") % {"id": prompt.pk})
        goes_on = "next" in request.POST and following is not None
        return redirect(f"{_address(following if goes_on else prompt)}?{query}")
    names = tagger_names(project)
    context = {
        "project": project,
        "tab": "routing",
        "prompt": prompt,
        "form": form,
        "row": row,
        "by": names.get(row.set_by, row.set_by),
        "answers": _said(answers, names),
        "questions": [LABELS[name] for name in ("subjects", *CHOICES, *FLAGS)],
        "history": _history(prompt),
        "tasks": prompt.tasks.order_by("pk")[:TASKS_SHOWN],
        "following": following,
        "query": query,
    }
    return render(request, "routing/prompt_tags.html", context, status=422 if form.errors else 200)


def _address(prompt: Prompt) -> str:
    return reverse("prompt_tags", args=[prompt.pk])


def _said(answers: dict[str, Any], names: dict[str, Any]) -> list[dict[str, Any]]:
    """Everybody's answers, the person's first: the cells of a table."""
    order = sorted(answers.values(), key=lambda one: (one.tagger != PERSON, one.pk))
    return [
        {
            "by": names.get(one.tagger, one.tagger),
            "person": one.corrected_by,
            "changed_at": one.changed_at,
            "cells": _cells(one.answer),
        }
        for one in order
    ]


def _cells(answer: dict[str, Any]) -> list[str]:
    subjects = ", ".join(map(tag_word, answer["subjects"])) or "–"
    cells = [subjects, *(tag_word(answer[name]) for name in CHOICES)]
    return [*cells, *(_("yes") if answer[name] else _("no") for name in FLAGS)]


def _history(prompt: Prompt) -> list[dict[str, Any]]:
    rows = prompt.tag_corrections.select_related("person").order_by("-pk")[:CORRECTIONS_SHOWN]
    return [
        {"row": one, "cells": _cells(one.answer) if one.answer is not None else None}
        for one in rows
    ]


@login_required
@require_POST
def withdraw_tags(request: HttpRequest, prompt_id: int) -> HttpResponse:
    """Let the tagger's answer stand again."""
    rows = Prompt.objects.select_related("project")
    prompt: Prompt = get_in_project(request.user, rows, prompt_id, MANAGE)
    if withdraw_correction(prompt=prompt, actor=request.user):
        messages.success(request, _("The correction is withdrawn: the tagger’s answer counts."))
    return redirect("prompt_tags", prompt.pk)


urlpatterns = [
    path("projects/<int:project_id>/routing/tags/", tags, name="tags"),
    path("projects/<int:project_id>/routing/tagger/", save_tagger, name="save_tagger"),
    path("prompts/<int:prompt_id>/tags/", prompt_tags, name="prompt_tags"),
    path("prompts/<int:prompt_id>/tags/withdraw/", withdraw_tags, name="withdraw_tags"),
]
