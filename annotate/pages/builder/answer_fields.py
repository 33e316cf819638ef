"""What a condition can ask about: the fields of the answers to a question, by its kind."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.kinds import PARTS, InvalidValue
from annotate.kinds.answers import CONFIDENCE
from annotate.kinds.chat import VERDICTS, ChatSettings
from annotate.kinds.rating import RatingSettings
from annotate.kinds.scales import YES_NO, Scale
from annotate.kinds.span_settings import SpansSettings
from annotate.kinds.steps import StepsSettings
from annotate.pages.kinds.default_words import said

# Of more points than this none is a box: they are asked about by bounds.
MOST_BOXES = 10

_VERDICTS: dict[str, str | Promise] = {
    "prefer": gettext_lazy("one is better"),
    "tie": gettext_lazy("all are equal"),
    "both_good": gettext_lazy("both are good"),
    "both_bad": gettext_lazy("both are bad"),
    "full": gettext_lazy("the whole order"),
    "best_worst": gettext_lazy("best and worst"),
    "best": gettext_lazy("the best"),
    "all_good": gettext_lazy("all are good"),
    "all_bad": gettext_lazy("all are bad"),
    "closer": gettext_lazy("one is closer"),
    "cant_tell": gettext_lazy("cannot tell"),
}
_SURE: dict[str, str | Promise] = {
    "absolutely": gettext_lazy("absolutely sure"),
    "fairly": gettext_lazy("fairly sure"),
    "not": gettext_lazy("not sure"),
}
_YES_NO: dict[str, str | Promise] = {
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "unsure": gettext_lazy("unsure"),
}
_OF_KIND = {
    "pairwise": ("prefer", "tie", "both_good", "both_bad"),
    "joint": ("prefer", "tie", "both_good", "both_bad"),
    "context": ("prefer", "tie", "both_good", "both_bad"),
    "ranking": ("full", "best_worst", "best", "tie", "all_good", "all_bad"),
    "similarity": ("closer", "cant_tell"),
}


@dataclass(frozen=True)
class AnswerField:
    """A field of a kind's answer that can be asked about, with the values that it can have.

    A number may be asked to lie within bounds; one without values only that.
    """

    path: str
    title: str | Promise
    values: Sequence[tuple[Any, str | Promise]] = ()
    is_number: bool = False


def answer_fields(question: Mapping[str, Any]) -> list[AnswerField]:
    """Those of the question's answers that do not name responses or hold texts."""
    kind = question["kind"]
    if kind not in PARTS:
        return []
    try:
        settings = PARTS[kind].clean_settings(question["settings"])
    except InvalidValue:
        return []  # What is wrong with that question is said there.
    return list(_fields(kind, settings))


def _fields(kind: str, settings: Any) -> Iterator[AnswerField]:
    verdicts = [(name, _VERDICTS[name]) for name in _OF_KIND.get(kind, ())]
    if verdicts:
        yield AnswerField("verdict", _("Verdict"), verdicts)
    levels = getattr(settings, "strength_levels", 1)
    if levels > 1:
        names = (_("slightly"), _("clearly"), _("much"))
        strengths = [(level + 1, name) for level, name in enumerate(names[:levels])]
        yield AnswerField("strength", _("How clearly one is better"), strengths, is_number=True)
    for criterion in settings.criteria if kind == "pairwise" else ():
        title = _("Answer by “%s”") % criterion.title
        yield AnswerField(f"criteria.{criterion.name}.verdict", title, verdicts)
    if kind == "labels":
        path = "labels" if settings.scope == "task" else "responses.*"
        yield AnswerField(path, _("Labels"), list(_labels(settings.tree)))
    yield from _OF_RESPONSES.get(kind, lambda settings: ())(settings)
    if settings.confidence:
        yield AnswerField("confidence", _("How sure"), [(name, _SURE[name]) for name in CONFIDENCE])


def _rated(settings: RatingSettings) -> Iterator[AnswerField]:
    """A rating of any response."""
    for criterion in settings.criteria:
        title = _("A rating by “%s”") % said(criterion.title or criterion.name)
        path, scale = f"ratings.*.{criterion.name}", criterion.scale
        if scale.type == "yes_no":
            yield AnswerField(path, title, [(name, _YES_NO[name]) for name in YES_NO])
        elif scale.type == "likert" and scale.points <= MOST_BOXES:
            yield AnswerField(path, title, list(_points(scale)), is_number=True)
        else:
            yield AnswerField(path, title, is_number=True)


def _points(scale: Scale) -> Iterator[tuple[int, str]]:
    for point in range(1, scale.points + 1):
        label = scale.labels[point - 1] if scale.labels else ""
        yield point, f"{point} {label}".strip()


def _marked(settings: SpansSettings) -> Iterator[AnswerField]:
    yield AnswerField("no_error", _("Whether it has no error"), _yes_and_no())
    types = [(kind.name, said(kind.title or kind.name)) for kind in settings.types]
    yield AnswerField("marks.*.type", _("A marked error"), types)
    if settings.severities:
        severities = [(name, name) for name in settings.severities]
        yield AnswerField("marks.*.severity", _("How severe a marked error is"), severities)


def _of_steps(settings: StepsSettings) -> Iterator[AnswerField]:
    labels = [(1, _("right")), (0, _("neutral")), (-1, _("wrong"))]
    if settings.mode != "each":
        del labels[1]
    yield AnswerField("labels.*", _("A step"), labels)


def _talked(settings: ChatSettings) -> Iterator[AnswerField]:
    """What was said of the whole conversation."""
    if settings.final in ("preference", "both") and settings.models > 1:
        verdicts = [(name, _VERDICTS[name]) for name in VERDICTS]
        yield AnswerField("final.preference.verdict", _("Verdict at the end"), verdicts)
    if settings.final in ("rating", "both"):
        points = range(1, settings.points + 1) if settings.points <= MOST_BOXES else ()
        values = [(point, str(point)) for point in points]
        for name in settings.final_criteria:
            title = _("A rating at the end by “%s”") % said(name)
            yield AnswerField(f"final.ratings.{name}.*", title, values, is_number=True)


def _labels(tree: Sequence[Any], above: str = "") -> Iterator[tuple[str, str]]:
    for label in tree:
        path = f"{above}{label.name}"
        yield path, path
        yield from _labels(label.children, f"{path}/")


def _yes_and_no() -> list[tuple[bool, str]]:
    return [(True, _("yes")), (False, _("no"))]


_OF_RESPONSES: dict[str, Callable[[Any], Iterable[AnswerField]]] = {
    "rating": _rated,
    "spans": _marked,
    "steps": _of_steps,
    "chat": _talked,
}
