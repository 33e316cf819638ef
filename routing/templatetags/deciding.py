"""What decided about a task, in the reader's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from annotate.models import Task
from annotate.pages.reasons import in_words
from annotate.wording import Told
from routing.models import Decision, DomainTest
from routing.words import column as column_words
from routing.words.reasons import told as why_told
from routing.words.reasons import worth_telling

register = template.Library()


@register.filter
def whys(reasons: Sequence[str | Sequence[Any]]) -> str:
    """The reasons of a decision or of a place, in a line."""
    word, number = column_words.column_word, number_format
    return "; ".join(in_words(why_told(one, word, number)) for one in worth_telling(reasons))


@register.filter
def live_words(found: Mapping[str, Any], name: str) -> str:
    """What upkeep found out in words; of a policy looked after before there were such, English."""
    told = found.get("told", {}).get(name)
    return in_words(Told.from_dict(told)) if told else found[name]


@register.filter
def route_word(route: str) -> str:
    """Where a decision sends a task, as a task's own route is called."""
    alike = Task.Route(route).label if route in Task.Route.values else Decision.Route(route).label
    return str(alike)


@register.filter
def domain(test: DomainTest) -> str:
    """Subjects are told in the reader's words, strata as people named them."""
    is_subject = test.grouping == DomainTest.Grouping.SUBJECT
    return column_words.column_word(test.domain) if is_subject else test.domain


@register.filter
def rater(name: str) -> str:
    """A pseudonym, or the author of imported labels."""
    author = name.removeprefix("imported ")
    return name if author == name else _("imported %(author)s") % {"author": author}


@register.filter
def column_word(name: str) -> str:
    """A tag, a signal or a score that policies decide by, as people call it."""
    return column_words.column_word(name)


@register.filter
def loss(value: float | None) -> str:
    """A held-out loss as "0.123". The noise of people's votes is taken out of it, which may lead
    below 0: that is shown as 0, and told over REST as it came out.
    """
    return "–" if value is None else number_format(f"{max(0.0, value):.3f}")
