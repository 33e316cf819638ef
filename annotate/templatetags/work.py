"""Small things the work page draws."""

from django import template

register = template.Library()


@register.filter
def pips(strength: int) -> str:
    """Dots for a strength: 1 to 3."""
    return "•" * strength
