"""Labels out of a tree: a few of them as buttons, more as a list that folds and can be searched.

The question's own field holds the labels of the task, `.<response id>` those of a response: a
value by label, the empty one alone says that none applies. A short list without levels stands in
the bar, any other one of the task in the panel.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds.labels import Label, LabelsSettings
from annotate.pages.kinds import confidence

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Choose what applies")
TEMPLATE = "annotate/kinds/labels.html#bar"
SIDE_TEMPLATE = "annotate/kinds/labels.html#side"
RESPONSE_TEMPLATE = "annotate/kinds/labels.html#response"
SCRIPT = "js/kinds/labels.js"
STYLES = ("css/kinds/parts.css", "css/kinds/labels.css")
MARKS_TEXT = False

# As many as there are digits.
MOST_BUTTONS = 9
# Longer lists begin folded.
MOST_OPEN = 30
NONE = ""


@dataclass(frozen=True)
class Entry:
    """A label in the list. `above` are the titles of those that hold it, outermost first."""

    path: str
    title: str
    above: tuple[str, ...]
    has_children: bool
    can_be_chosen: bool

    @property
    def depth(self) -> int:
        return len(self.above)


def context(settings: LabelsSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    given = value if isinstance(value, Mapping) else {}
    by_response = given.get("responses")
    by_response = by_response if isinstance(by_response, Mapping) else {}
    entries = _entries(settings.tree, leaf_only=settings.leaf_only)
    are_buttons = len(entries) <= MOST_BUTTONS and not any(entry.depth for entry in entries)
    of_task = settings.scope == "task"
    sureness = confidence.context(settings, value)
    return {
        **sureness,
        "entries": entries,
        "are_buttons": are_buttons,
        "folded": len(entries) > MOST_OPEN,
        "type": "checkbox" if settings.multiple else "radio",
        "none_applies": settings.min == 0,
        "least": settings.min,
        "most": settings.greatest,
        "chosen": _chosen(given.get("labels")),
        "at": ".labels",
        "by_response": {
            response.pk: {
                "below": f".{response.pk}",
                "at": f".responses.{response.pk}",
                "chosen": _chosen(by_response.get(str(response.pk))),
            }
            for response in task.responses
        },
        "in_bar": of_task and are_buttons,
        "show_bar": (of_task and are_buttons) or sureness["show_bar"],
        "show_side": of_task and not are_buttons,
        "show_responses": not of_task,
        "keys": _keys(settings, are_buttons) + confidence.keys(settings),
    }


def _keys(settings: LabelsSettings, are_buttons: bool) -> list[tuple[str, Any]]:
    keys: list[tuple[str, Any]] = [("1 … 9", _("Choose the label with this digit"))]
    if settings.min == 0:
        keys.append(("0", _("None applies")))
    if not are_buttons:
        keys.append(("/", _("Search; Enter chooses the first one found")))
        keys.append(("← →", _("Fold, unfold")))
    keys.append(("↑ ↓", _("Along the labels; the space bar chooses")))
    return keys


def _entries(
    tree: Sequence[Label], *, leaf_only: bool, start: str = "", above: tuple[str, ...] = ()
) -> list[Entry]:
    """The labels as they stand in the list, parents before their children."""
    found = []
    for label in tree:
        path, title = start + label.name, label.title or label.name
        chooses = not (leaf_only and label.children)
        found.append(Entry(path, title, above, bool(label.children), chooses))
        found += _entries(
            label.children, leaf_only=leaf_only, start=f"{path}/", above=(*above, title)
        )
    return found


def _chosen(labels: object) -> Collection[str]:
    """What is checked; of an empty list, that none applies."""
    if not isinstance(labels, list):
        return ()
    return {label for label in labels if isinstance(label, str)} or ((NONE,) if not labels else ())


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    value: dict[str, Any] = confidence.read(post, prefix)
    if given := post.getlist(prefix):
        value["labels"] = _labels(given)
    below = f"{prefix}."
    responses = {
        field.removeprefix(below): _labels(post.getlist(field))
        for field in sorted(post)
        if field.startswith(below) and field.removeprefix(below).isdigit() and post.getlist(field)
    }
    if responses:
        value["responses"] = responses
    return value or None


def _labels(given: list[str]) -> list[str]:
    """Beside others, that none applies stays among them and is refused."""
    return [] if given == [NONE] else given
