"""Tasks to preview a form on: one of the project's own, or one of ours in several languages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from annotate import kinds
from annotate.forms import Form
from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.form_settings import FormSettings
from annotate.models import Project, Task

OWN = "task"
NO_LANGUAGE = {"code": _("Code and formulas")}
# How many responses a sample shows where the form takes so many: as many as tasks of the kind
# usually have, which is one where each response is worked through.
USUAL = {"spans": 1, "steps": 1, "critique": 1, "labels": 1}
USUAL_OF_OTHERS = 4
# How many of the project's tasks are looked through for one that fits.
LOOKED_AT = 50


@dataclass(frozen=True)
class Sample:
    """What a form is asked about. `responses` are {"id", "content"}, `prompt` as a lease has it."""

    name: str
    prompt: Mapping[str, Any]
    responses: Sequence[Mapping[str, Any]]
    context: Mapping[str, Any]

    @property
    def shown(self) -> Shown:
        return Shown(
            responses=tuple(
                ShownResponse(one["id"], tuple(one["content"])) for one in self.responses
            ),
            passages=tuple(self.prompt["passages"]),
            context=self.context,
        )


def titles() -> list[tuple[str, str]]:
    """Name and title of each of ours: the language as its speakers call it, where it has one."""
    return [(raw["name"], str(raw.get("title") or NO_LANGUAGE[raw["name"]])) for raw in _written()]


def sample_for(form: Form, name: str, project: Project | None) -> Sample:
    """The wanted one; without a name, a task of the project that fits, else the first of ours.

    Up to three queries.
    """
    low, high = kinds.response_range(form.module, form.settings)
    if project is not None and name in ("", OWN):
        own = _own(project, low, high)
        if own is not None:
            return own
    written = {raw["name"]: raw for raw in _written()}
    raw = written.get(name) or next(iter(written.values()))
    return _ours(raw, min(high, max(low, _usual(form))))


def _usual(form: Form) -> int:
    asked = [form.kind]
    if isinstance(form.settings, FormSettings):
        asked = [question.kind for question in form.settings.questions]
    return max(USUAL.get(kind, USUAL_OF_OTHERS) for kind in asked)


def _own(project: Project, low: int, high: int) -> Sample | None:
    tasks = (
        Task.objects.filter(project=project)
        .select_related("prompt")
        .prefetch_related("responses")
        .order_by("pk")[:LOOKED_AT]
    )
    for task in tasks:
        responses = [{"id": one.pk, "content": one.content} for one in task.responses.all()]
        if low <= len(responses) <= high:
            prompt = {
                "system": task.prompt.system,
                "conversation": task.prompt.conversation,
                "passages": task.prompt.passages,
            }
            return Sample(OWN, prompt, sorted(responses, key=lambda one: one["id"]), task.context)
    return None


def _ours(raw: Mapping[str, Any], count: int) -> Sample:
    """One of ours with so many responses; beyond those written, they come again."""
    texts = raw["responses"]
    responses = [
        {"id": at + 1, "content": [{"type": "text", "text": texts[at % len(texts)]}]}
        for at in range(count)
    ]
    prompt = {name: raw[name] for name in ("system", "conversation", "passages")}
    context = {"criterion": raw["criterion"], "words": raw["words"]}
    if count == 2:
        context["prompts"] = {"2": raw["other_prompt"]}
    return Sample(raw["name"], prompt, responses, context)


@cache
def _written() -> list[Any]:
    return list(json.loads(Path(__file__).with_name("samples.json").read_text("utf-8")))
