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


@register.inclusion_tag("annotate/kinds/wrong.html")
def wrong(question: "ShownQuestion", *below: str) -> dict[str, str]:
    """What was refused at these places of the question's answer; for scripts an empty place."""
    return {
        "said": question.wrong_at(*below),
        "places": " ".join(f"{question.prefix}{place}" for place in below),
    }


@register.simple_tag
def invalid(question: "ShownQuestion", *below: str) -> SafeString:
    """The attributes of what was refused at these places: marked, the first with the focus."""
    if not question.wrong_at(*below):
        return SafeString("")
    return SafeString("data-invalid autofocus" if question.leads_at(*below) else "data-invalid")


@register.simple_tag
def place_question(
    question: "ShownQuestion", place: str, response: "ShownResponse | None" = None
) -> SafeString:
    """A question's controls in the "bar", the "side" or under a "response"."""
    return question.render(place, response)
