"""Presets in the language of a reader, for the pages and REST that offer them."""

from django.conf import settings
from django.utils import translation

from annotate import presets
from annotate.presets import Preset, words

LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)


def get_in(language: str, name: str) -> Preset:
    """The preset of that name with all that people read in `language`. Raises KeyError."""
    with translation.override(language):
        return words.worded(presets.get(name), _translate)


def language_of(wish: str) -> str:
    """`wish` if presets speak it, else the reader's language."""
    return wish if wish in LANGUAGES else translation.get_language() or settings.LANGUAGE_CODE


def _translate(text: str) -> str:
    return translation.pgettext(words.CONTEXT, text)
