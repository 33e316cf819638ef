"""When a question is asked: controls for the condition, and what they hold.

Fields of the form, below the question's `when`: `question`, and for each field of that question's
answer, by number, `fields.<n>.path` (OTHER: it is typed), `.was` (the path that was shown),
`.typed`, `.is.<m>` (a value that is checked, as JSON) and `.values` (values as typed).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.kinds import PARTS, InvalidValue
from annotate.kinds.answers import CONFIDENCE
from annotate.pages.builder import reading
from annotate.pages.builder.control import Control

OTHER = "other field"

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
_OF_KIND = {
    "pairwise": ("prefer", "tie", "both_good", "both_bad"),
    "joint": ("prefer", "tie", "both_good", "both_bad"),
    "context": ("prefer", "tie", "both_good", "both_bad"),
    "ranking": ("full", "best_worst", "best", "tie", "all_good", "all_bad"),
    "similarity": ("closer", "cant_tell"),
}


@dataclass(frozen=True)
class AnswerField:
    """A field of a kind's answer that can be asked about, with the values that it can have."""

    path: str
    title: str | Promise
    values: Sequence[tuple[Any, str | Promise]]


def answer_fields(question: Mapping[str, Any]) -> list[AnswerField]:
    """Those of the question's answers; none for kinds whose answers name responses or texts."""
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
        yield AnswerField("strength", _("How clearly one is better"), strengths)
    for criterion in settings.criteria if kind == "pairwise" else ():
        title = _("Answer by “%s”") % criterion.title
        yield AnswerField(f"criteria.{criterion.name}.verdict", title, verdicts)
    if kind == "labels":
        yield AnswerField("labels", _("Labels"), list(_labels(settings.tree)))
    if kind == "spans":
        yield AnswerField("no_error", _("Whether it has no error"), _yes_and_no())
    if settings.confidence:
        yield AnswerField("confidence", _("How sure"), [(name, _SURE[name]) for name in CONFIDENCE])


def _labels(tree: Sequence[Any], above: str = "") -> Iterator[tuple[str, str]]:
    for label in tree:
        path = f"{above}{label.name}"
        yield path, path
        yield from _labels(label.children, f"{path}/")


def _yes_and_no() -> list[tuple[bool, str]]:
    return [(True, _("yes")), (False, _("no"))]


def condition(path: str, when: Any, earlier: Sequence[Mapping[str, Any]]) -> Control | None:
    """The controls of a question's condition; None where there is nothing to depend on."""
    when = when if isinstance(when, Mapping) else {}
    if not earlier and not when:
        return None
    by_name = {question["name"]: question for question in earlier}
    names = list(by_name)
    of = str(when.get("question", ""))
    if of and of not in names:
        names.append(of)
    choices = [("", _("always")), *((name, _("after “%s” when …") % name) for name in names)]
    parts = [Control(f"{path}.question", "select", _("Asked"), "", of, choices, redraws=True)]
    if of:
        known = answer_fields(by_name[of]) if of in by_name else []
        fields = [(name, values) for name, values in when.items() if name != "question"]
        for at, (name, values) in enumerate([*fields, ("", [])]):
            parts.append(_field(f"{path}.fields.{at}", name, values, known))
    return Control(path, "group", "", parts=parts)


def _field(path: str, name: str, values: Any, known: Sequence[AnswerField]) -> Control:
    """One field and its values. Of what is not known beforehand, both are typed."""
    by_path = {field.path: field for field in known}
    parts = [Control(f"{path}.was", "hidden", value=name)]
    if known:
        is_typed = bool(name) and name not in by_path
        choices = [
            ("", "–"),
            *((field.path, field.title) for field in known),
            (OTHER, _("another field …")),
        ]
        chosen = OTHER if is_typed else name
        label = _("Its answer")
        parts.append(Control(f"{path}.path", "select", label, "", chosen, choices, redraws=True))
        if is_typed:
            shown = "" if name == OTHER else name
            parts.append(Control(f"{path}.typed", "text", _("Field of its answer"), "", shown))
    else:
        hint = _("A field of the stored answer.")
        parts.append(Control(f"{path}.path", "text", _("Field of its answer"), hint, name))
    if name in by_path:
        parts.append(_boxes(f"{path}.is", values, by_path[name]))
    elif name or not known:
        text = reading.write_values(values)
        hint = _("Separated by commas.")
        parts.append(Control(f"{path}.values", "text", _("is one of"), hint, text))
    return Control(path, "group", "", parts=parts)


def _boxes(path: str, values: Any, field: AnswerField) -> Control:
    """A box for each value, also for those of the condition that the field cannot have."""
    given = [json.dumps(one) for one in (values if isinstance(values, list | tuple) else [values])]
    offered = [(json.dumps(value), label) for value, label in field.values]
    offered += [(one, one) for one in given if one not in dict(offered)]
    boxes = [
        Control(f"{path}.{at}", "checkbox", label, value=text in given, sends=text)
        for at, (text, label) in enumerate(offered)
    ]
    return Control(path, "group", _("is one of"), parts=boxes)


def read_condition(post: MultiValueDict, path: str) -> dict[str, Any] | None:
    """The condition as the fields have it; None for none."""
    question = post.get(f"{path}.question", "")
    if not question:
        return None
    found: dict[str, Any] = {"question": question}
    for at in reading.entries(post, f"{path}.fields"):
        field = f"{path}.fields.{at}"
        name = post.get(f"{field}.path", "").strip()
        if name == OTHER:
            name = post.get(f"{field}.typed", "").strip() or OTHER
        if not name or name == "question":
            continue
        values = reading.read_values(post.get(f"{field}.values", ""))
        if post.get(f"{field}.was", name) == name:
            boxes = reading.entries(post, f"{field}.is")
            values += [_sent(post.get(f"{field}.is.{box}", "")) for box in boxes]
        found[name] = values
    return found


def _sent(text: str) -> Any:
    """The value of a box; what is no JSON stays as it came, to be refused at its field."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
