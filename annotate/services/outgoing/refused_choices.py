"""Choices of what goes out that were refused, told in the language of whoever reads of it."""

from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.functional import lazystr
from django.utils.translation import gettext

from annotate.inputs import InvalidValue


class RefusedChoice(ValidationError):
    """`why` holds field and reason, so that jobs can keep it for readers of other languages."""

    def __init__(self, why: InvalidValue) -> None:
        self.why = why
        super().__init__({why.field: lazystr(_Spoken(why))})


class DoesNotFit(RefusedChoice):
    """What the project asks has no place in what was asked for; says which formats fit."""


def unknown(field: str, value: object, known: str) -> RefusedChoice:
    """Of a value that is none of those `known`."""
    return RefusedChoice(
        InvalidValue(
            field, "{value} is unknown. Choose one of: {known}.", value=repr(value), known=known
        )
    )


class _Spoken:
    """A text in the language of the moment."""

    def __init__(self, why: InvalidValue) -> None:
        self.why = why.apart()

    def __str__(self) -> str:
        return self.why.told(gettext, localize)
