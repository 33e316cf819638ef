"""How texts and figures are written on the managers' pages."""

import json
from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from annotate.failures import Failure, failure_of
from annotate.interchange.records import RowError
from annotate.models import ImportRowError, Job
from annotate.pages.consensus_words import question_words
from annotate.pages.reasons import in_words, told_in_words
from annotate.rendering import render_markdown, render_parts
from annotate.rounding import ABOUT_0, DIGITS, rounded
from annotate.services.workers import why_waiting
from annotate.wording import Told

register = template.Library()

ROLES = {
    "user": _("User"),
    "assistant": _("Assistant"),
    "system": _("System"),
    "tool": _("Tool"),
}


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as safe HTML."""
    return render_markdown(text)


@register.filter
def parts(content: list[dict]) -> SafeString:
    """A response's parts as safe HTML."""
    return render_parts(content)


@register.filter
def content(turn: str | list[dict]) -> SafeString:
    """A turn's content, Markdown or parts, as safe HTML."""
    return render_markdown(turn) if isinstance(turn, str) else render_parts(turn)


@register.filter
def told(said: Told | Job | ImportRowError | RowError) -> str:
    """Told, or the message of a job or a refused row, in the reader's language."""
    return in_words(said) if isinstance(said, Told) else told_in_words(said)


@register.filter
def kept_failure(found: dict | None) -> Failure | None:
    """What a row keeps of a failure of what is done by itself."""
    return failure_of(found)


@register.filter
def waits(job: Job | None) -> str:
    """Why a job goes no further, in the reader's language; "" where it goes on or is over."""
    why = why_waiting(job)
    return in_words(why) if why is not None else ""


@register.filter
def question(name: str) -> str:
    """A criterion's name, in the reader's language where a kind brought it."""
    return question_words(name)


@register.filter
def answer_text(answer: str | float | list[str]) -> str:
    """What somebody answered on themselves."""
    if isinstance(answer, list):
        return ", ".join(answer) or "–"
    return answer if isinstance(answer, str) else str(number_format(answer))


@register.filter
def percent(share: float | None) -> str:
    """0.123 as "12 %"; "–" for None."""
    return "–" if share is None else f"{number_format(f'{100 * share:.0f}')} %"


@register.filter
def percent_fine(share: float | None) -> str:
    """0.1234 as "12.3 %"; "–" for None."""
    return "–" if share is None else f"{number_format(f'{100 * share:.1f}')} %"


@register.filter
def money(amount: Decimal) -> str:
    """Two digits behind the point, and more only where they say something: "0.25", "0.0125"."""
    digits = -min(-2, int(amount.normalize().as_tuple().exponent))
    return number_format(amount, decimal_pos=digits)


@register.filter
def seconds(value: float | None) -> str:
    """Seconds as "0.8 s", "42 s", "3 min 20 s", "2 h 5 min"; "–" for None."""
    if value is None:
        return "–"
    if value < 10:
        return f"{number_format(f'{value:.1f}')} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


@register.filter
def figure(value: float | None, digits: int = DIGITS) -> str:
    """A number with so many significant digits, "about 0" for next to nothing; "–" for None."""
    if value is None:
        return "–"
    text = rounded(value, digits=digits)
    return str(_(text) if text == ABOUT_0 else number_format(text))


@register.filter
def as_json(value: object) -> str:
    """Texts and numbers as they are, all else as JSON that can be sent back."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


@register.filter
def role_name(role: str) -> str:
    """Who speaks in a turn, as a heading."""
    return str(ROLES.get(role, role.title()))
