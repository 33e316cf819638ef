"""A critique under each response, and its text to be improved, with what has changed.

Fields, below the question's prefix::

    .critique.<response id>   the critique; says that the response is asked about
    .refine.<response id>     "on" when the response is improved
    .refined.<response id>    the improved text, at first the response's own
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds.contract import ShownResponse as KindResponse
from annotate.kinds.critique import (
    MAX_CRITIQUE_CHARS,
    MAX_REFINED_CHARS,
    CritiqueSettings,
    text_of,
)
from annotate.pages.kinds import confidence
from annotate.pages.kinds.fields import written

if TYPE_CHECKING:
    from annotate.pages.shown import ShownResponse, ShownTask

TITLE = _("What is good and bad about each response?")
TEMPLATE = confidence.TEMPLATE
SIDE_TEMPLATE = None
RESPONSE_TEMPLATE = "annotate/kinds/critique.html"
SCRIPT = "js/kinds/critique.js"
STYLES = ("css/kinds/parts.css", "css/kinds/critique.css")
MARKS_TEXT = False


def context(settings: CritiqueSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    given = value.get("responses") if isinstance(value, Mapping) else None
    given = given if isinstance(given, Mapping) else {}
    keys = [("c", _("Critique (Esc leaves)"))]
    if settings.refinement != "none":
        keys.append(("e", _("Improve the response")))
    return {
        **confidence.context(settings, value),
        "by_response": {
            response.pk: _texts(response, given.get(str(response.pk)))
            for response in task.responses
        },
        "least_chars": settings.critique_min_chars,
        "most_chars": MAX_CRITIQUE_CHARS,
        "most_refined_chars": MAX_REFINED_CHARS,
        "refinement": settings.refinement,
        "keys": keys + confidence.keys(settings),
    }


def _texts(response: "ShownResponse", given: object) -> dict[str, Any]:
    given = given if isinstance(given, Mapping) else {}
    original = text_of(KindResponse(response.pk, tuple(response.content)))
    return {
        "original": original,
        "critique": str(given.get("critique", "")),
        "is_refined": "refined" in given,
        "refined": str(given.get("refined", original)),
        "at": f".responses.{response.pk}",
    }


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    responses: dict[str, dict[str, str]] = {}
    start = f"{prefix}.critique."
    for field in sorted(name for name in post if name.startswith(start)):
        pk, entry = field.removeprefix(start), {}
        if (critique := written(post, field)).strip():
            entry["critique"] = critique
        if post.get(f"{prefix}.refine.{pk}"):
            entry["refined"] = written(post, f"{prefix}.refined.{pk}")
        responses[pk] = entry
    value: dict[str, Any] = confidence.read(post, prefix)
    if any(responses.values()):
        value["responses"] = responses
    return value or None
