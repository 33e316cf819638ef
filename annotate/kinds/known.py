"""Whether an answer is the known one: by its kind's distance, within a tolerance.

Words have no right answer, nor has a conversation that everybody holds by themselves; of a form
the questions of other kinds are compared, each under its own kind's tolerance.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from annotate.kinds import chat, critique, form, rating, spans, steps
from annotate.kinds.parts import PARTS

UNKNOWABLE = frozenset({chat.NAME, critique.NAME})
# The greatest distance from the known answer that is right, where an item says nothing else: one
# step of five on a scale in the mean, half of the marked characters (F1), one label of ten.
TOLERANCES = {rating.NAME: 0.25, spans.NAME: 0.5, steps.NAME: 0.1}
CLOSE = 1e-9  # rounding


class Graded(NamedTuple):
    """`distance`: 0 (the known answer) to 1, of a form that of its worst question."""

    right: bool
    distance: float


def can_be_known(kind: str, settings: Any) -> bool:
    """Whether answers under these settings can be compared with a known one."""
    if isinstance(settings, form.FormSettings):
        return any(question.kind not in UNKNOWABLE for question in settings.questions)
    return kind not in UNKNOWABLE


def grade(
    kind: str,
    value: Mapping[str, Any],
    known: Mapping[str, Any],
    response_ids: Sequence[int],
    tolerance: float | None = None,
) -> Graded:
    """`value` and `known` are stored answers of one kind; `tolerance` instead of the kind's own.

    Of a form every question must be right that the known answer answers and that can be compared.
    """
    if kind == form.NAME:
        return _grade_form(value, known, response_ids, tolerance)
    distance = PARTS[kind].distance(value, known, response_ids)
    most = TOLERANCES.get(kind, 0.0) if tolerance is None else tolerance
    return Graded(distance <= most + CLOSE, distance)


def _grade_form(
    value: Mapping[str, Any],
    known: Mapping[str, Any],
    response_ids: Sequence[int],
    tolerance: float | None,
) -> Graded:
    asked = {one["name"]: one for one in value["asked"]}
    grades = []
    for one in known["asked"]:
        name, kind = one["name"], one["kind"]
        if kind in UNKNOWABLE:
            continue
        said = asked.get(name)
        if said is None or (said["kind"], set(said["responses"])) != (kind, set(one["responses"])):
            grades.append(Graded(False, 1.0))
            continue
        about = [pk for pk in response_ids if pk in one["responses"]]
        answers = value["answers"][name], known["answers"][name]
        grades.append(grade(kind, *answers, about, tolerance))
    if not grades:
        return Graded(False, 1.0)
    return Graded(all(one.right for one in grades), max(one.distance for one in grades))
