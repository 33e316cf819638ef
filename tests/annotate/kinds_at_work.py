"""A project of each kind with one task that two people judged, for tests of what reads them."""

from dataclasses import dataclass
from typing import Any

from annotate.forms import Form
from annotate.kinds.contract import Shown, ShownResponse
from annotate.models import Judgement, Project, Task, User

RANKING = {"modes": ["full"]}
FORM = {
    "questions": [
        {"name": "best", "kind": "pairwise"},
        {"name": "quality", "kind": "rating", "required": False},
    ]
}


@dataclass(frozen=True)
class Case:
    """Answers of two people name the responses by `a` and `b`. `near`: 1 - their distance."""

    settings: dict[str, Any]
    first: Any
    second: Any
    near: float
    pairs: int
    context: dict[str, str] | None = None


def marks(a, start, end):
    mark = {"response": a, "part": 0, "start": start, "end": end, "type": "irrelevant"}
    return {"marks": [mark], "missing": [], "corrected": {}, "no_error": False}


def rated(a, b, x, y):
    return {"ratings": {str(a): {"overall": x}, str(b): {"overall": y}}}


def prefers(pk):
    return {"verdict": "prefer", "preferred": pk, "strength": 2}


CASES = {
    "pairwise": Case({}, lambda a, b: prefers(a), lambda a, b: {"verdict": "tie"}, 0.0, 1),
    "context": Case(
        {}, lambda a, b: prefers(a), lambda a, b: prefers(b), 0.0, 2, {"criterion": "Shorter?"}
    ),
    "ranking": Case(
        RANKING,
        lambda a, b: {"verdict": "full", "tiers": [[a], [b]]},
        lambda a, b: {"verdict": "full", "tiers": [[a], [b]]},
        1.0,
        2,
    ),
    "rating": Case({}, lambda a, b: rated(a, b, 5, 1), lambda a, b: rated(a, b, 5, 3), 0.75, 2),
    "spans": Case(
        {"submit_gate": False}, lambda a, b: marks(a, 0, 6), lambda a, b: marks(a, 0, 12), 2 / 3, 0
    ),
    "critique": Case(
        {},
        lambda a, b: {"responses": {str(a): {"critique": "Good."}, str(b): {"critique": "Bad."}}},
        lambda a, b: {"responses": {str(a): {"critique": "Good."}, str(b): {"critique": "Bad."}}},
        1.0,
        0,
    ),
    "form": Case(
        FORM,
        lambda a, b: {"answers": {"best": prefers(a), "quality": rated(a, b, 5, 1)}},
        lambda a, b: {"answers": {"best": prefers(a)}},
        1.0,
        2,
    ),
}


def judge(project: Project, task: Task, people: list[User], case: Case) -> list[Judgement]:
    """The answers as the kind cleans them."""
    if case.context:
        task.context = case.context
        task.save(update_fields=["context"])
    form = Form.of_project(project)
    responses = [place.response for place in task.places.order_by("position")]
    ids = [response.pk for response in responses]
    shown = Shown(
        tuple(ShownResponse(one.pk, tuple(one.content)) for one in responses), (), task.context
    )
    found = []
    for person, answer in zip(people, (case.first, case.second), strict=True):
        raw = answer(*ids)
        found.append(
            Judgement.objects.create(
                project=project,
                task=task,
                kind=project.kind,
                value=form.module.clean_value(raw, shown=shown, settings=form.settings),
                source="person",
                annotator=person,
                shown_order=ids,
            )
        )
    return found
