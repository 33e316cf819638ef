"""Pairwise preference between responses that each stand under a prompt of their own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from annotate.kinds.pairwise import PairwiseSettings
from annotate.pages.kinds import pairwise
from annotate.rendering import render_markdown, render_parts

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Which response answers its own prompt better?")
TEMPLATE = "annotate/kinds/joint.html#bar"
SIDE_TEMPLATE = pairwise.SIDE_TEMPLATE
RESPONSE_TEMPLATE = None
SCRIPT = pairwise.SCRIPT
STYLES = ("css/kinds/pairwise.css", "css/kinds/joint.css")
MARKS_TEXT = False

read = pairwise.read


@dataclass(frozen=True)
class OwnTurn:
    """One turn of a response's own prompt."""

    role: str
    html: SafeString


def context(settings: PairwiseSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    """Responses without a prompt of their own stand under the task's."""
    prompts = (task.context or {}).get("prompts")
    prompts = prompts if isinstance(prompts, Mapping) else {}
    own = {pk: list(_turns(prompts.get(str(pk)))) for pk in (r.pk for r in task.responses)}
    return {
        **pairwise.context(settings, task, value),
        "above": "annotate/kinds/joint.html#prompt",
        "by_response": {pk: {"own_turns": turns} for pk, turns in own.items()},
    }


def _turns(prompt: object) -> Iterator[OwnTurn]:
    """What can be shown of a prompt, which nobody has checked; nothing when there is none."""
    if isinstance(prompt, str):
        yield OwnTurn("user", render_markdown(prompt))
    for message in prompt if isinstance(prompt, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, str):
            yield OwnTurn(str(message.get("role", "")), render_markdown(content))
        elif isinstance(content, list):
            parts = [part for part in content if isinstance(part, Mapping) and "type" in part]
            yield OwnTurn(str(message.get("role", "")), render_parts(parts))
