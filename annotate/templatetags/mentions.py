"""How many mentions wait for the reader, for the navigation of every page."""

from django import template

from annotate.models import User
from annotate.services.review.discussions import count_unread

register = template.Library()


@register.simple_tag
def unread_mentions(user: User) -> int:
    """One query, along an index of what is unread."""
    return count_unread(user)
