"""Why a value, a row or a media file was refused and what jobs say, in the reader's language.

Kinds and services know nothing of languages: what they say brings a message of the catalogues and
the values in it.
"""

from django.utils.formats import localize, number_format
from django.utils.translation import gettext, ngettext

from annotate.interchange.records import RowError
from annotate.models import ImportRowError, Job
from annotate.wording import Grouped, Told


class Catalogue:
    """The reader's; `plural` has the form that a count takes."""

    def __call__(self, text: str) -> str:
        return gettext(text)

    def plural(self, one: str, many: str, count: int) -> str:
        return ngettext(one, many, count)


def in_words(said: Told) -> str:
    """Of a refusal the reason without the field. English where the catalogue does not know it."""
    return said.told(Catalogue(), localized)


def localized(number: float) -> str:
    """A fraction or a Grouped count as the reader writes it."""
    if isinstance(number, Grouped):
        return number_format(int(number), force_grouping=True)
    return localize(number)


def told_in_words(row: Job | ImportRowError | RowError) -> str:
    """Its message; in English where it was kept before there were words for it."""
    if isinstance(row, RowError):
        return in_words(row.why)
    return in_words(Told.from_dict(row.told)) if row.told else row.message
