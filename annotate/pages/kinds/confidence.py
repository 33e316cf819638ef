"""How sure the author of an answer is. With the template, for kinds whose bar asks nothing else."""

from collections.abc import Mapping
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds.answers import AnswerSettings

TEMPLATE = "annotate/kinds/confidence.html"

# Value, key, full name, and the word on the button.
CHOICES = (
    ("absolutely", "q", _("Absolutely sure"), _("Absolutely")),
    ("fairly", "w", _("Fairly sure"), _("Fairly")),
    ("not", "e", _("Not sure"), _("Not sure")),
)


def context(settings: AnswerSettings, value: object) -> dict[str, Any]:
    """The template's variables; without the question, the bar is left out."""
    given = value.get("confidence") if isinstance(value, Mapping) else None
    return {
        "show_bar": settings.confidence,
        "confidence": CHOICES if settings.confidence else (),
        "confidence_given": given,
    }


def keys(settings: AnswerSettings) -> list[tuple[str, Any]]:
    """For the sheet of keys."""
    return [(key, name) for _value, key, name, _word in CHOICES] if settings.confidence else []


def read(post: MultiValueDict, prefix: str) -> dict[str, str]:
    """{"confidence": …}, or {} when it is not said."""
    given = post.get(f"{prefix}.confidence")
    return {"confidence": given} if given else {}
