"""What a judge is asked in a project, and what it says in the project's own form.

Mostly the project's question. Of pairs under a context it is asked for the pair, the context at the
end of the prompt; of a form for the marks of its spans question, which it suggests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotate import kinds
from annotate.forms import Form
from annotate.kinds import context, pairwise, spans
from annotate.kinds.contract import Shown
from annotate.kinds.form import FormSettings, suggesting
from annotate.models import Project
from routing.judges import Question

OF_PAIRS = (pairwise.NAME, context.NAME)  # kinds whose answers are {verdict, preferred, strength}


@dataclass(frozen=True)
class Asked:
    """A kind that judges know or do not know, with its settings. `name`: the form's question."""

    kind: str
    settings: Any
    name: str = ""


def asked_of(project: Project) -> Asked:
    """Of a form the question that shows people suggestions, else the first of spans."""
    form = Form.of_project(project)
    if form.kind == context.NAME:
        return Asked(pairwise.NAME, form.settings)
    if isinstance(form.settings, FormSettings):
        marked = [one for one in form.settings.questions if one.kind == spans.NAME]
        question = suggesting(form.settings) or next(iter(marked), None)
        if question is not None:
            return Asked(question.kind, question.settings, question.name)
    return Asked(form.kind, form.settings)


def stored(project: Project, question: Question, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a judgement or suggestion that says this: `kind`, `schema_version`, `value`."""
    if project.kind != context.NAME:
        module = kinds.get(question.kind)
        return {
            "kind": question.kind,
            "schema_version": module.SCHEMA_VERSION,
            "value": dict(value),
        }
    under = context.under_of(question.shown or Shown(()))
    return {
        "kind": context.NAME,
        "schema_version": context.SCHEMA_VERSION,
        "value": {**value, "under": under},
    }


def answers_to(
    asked: Asked, kind: str, value: Mapping[str, Any], response_ids: tuple[int, ...]
) -> tuple[Mapping[str, Any], tuple[int, ...]] | None:
    """Of a stored answer what compares with a judge's to `asked`, and the responses that it is
    about; None where it answers something else.
    """
    if kind == asked.kind or (kind in OF_PAIRS and asked.kind in OF_PAIRS):
        return value, response_ids
    for part in value.get("asked", ()) if asked.name else ():
        if (part["name"], part["kind"]) == (asked.name, asked.kind):
            return value["answers"][asked.name], tuple(part["responses"])
    return None
