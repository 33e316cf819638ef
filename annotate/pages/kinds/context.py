"""Pairwise preference below the criterion, or the situation, that the task states."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from annotate.kinds.context import STATEMENTS
from annotate.kinds.pairwise import PairwiseSettings
from annotate.pages.kinds import pairwise

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Which response is better under this?")
TEMPLATE = "annotate/kinds/context.html#bar"
SIDE_TEMPLATE = pairwise.SIDE_TEMPLATE
RESPONSE_TEMPLATE = None
SCRIPT = pairwise.SCRIPT
STYLES = ("css/kinds/pairwise.css", "css/kinds/context.css")
MARKS_TEXT = False

_WORDS = {"criterion": _("Judge by"), "situation": _("Situation")}

read = pairwise.read


def context(settings: PairwiseSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    return {
        **pairwise.context(settings, task, value),
        "statements": [(_WORDS[name], text) for name, text in _statements(task.context)],
    }


def _statements(stated: object) -> list[tuple[str, str]]:
    """What can be shown of a task's context, which nobody has checked."""
    given = stated if isinstance(stated, Mapping) else {}
    texts = [(name, given.get(name)) for name in STATEMENTS]
    return [(name, text) for name, text in texts if isinstance(text, str) and text.strip()]
