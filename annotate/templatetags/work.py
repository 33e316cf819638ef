"""Small things the work page draws."""

from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from annotate.pages.questions import ShownQuestion
    from annotate.pages.shown import ShownResponse

register = template.Library()


@register.filter
def pips(strength: int) -> str:
    """Dots for a strength: 1 to 3."""
    return "•" * strength


@register.simple_tag
def place_question(
    question: "ShownQuestion", place: str, response: "ShownResponse | None" = None
) -> SafeString:
    """A question's controls in the "bar", the "side" or under a "response"."""
    return question.render(place, response)
