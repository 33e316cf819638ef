"""What people read of a preset, so that it can be had in every language of the interface.

Messages of the catalogues with the context CONTEXT, apart from the words of pages: they become a
project's content. Names in the data are the same in every language; reasons to check are stored as
they are read. A chat's criteria are names without titles: pages say them in the reader's language.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from annotate.presets import FOLDER, NAMES, Preset, get, raw

CONTEXT = "preset"
# Settings that hold one text to read, and those that hold a list of them.
_TEXTS = frozenset({"title", "description"})
_LISTS = frozenset({"reasons", "labels"})

Translate = Callable[[str], str]


def worded(preset: Preset, translate: Translate) -> Preset:
    """The preset with all that people read as `translate` has it."""
    return replace(
        preset,
        settings=_settings(preset.settings, translate),
        guidelines="\n\n".join(translate(part) for part in _paragraphs(preset.guidelines)) + "\n",
    )


@cache
def chat_criteria() -> frozenset[str]:
    """The names of what conversations are rated by at their end."""
    return frozenset(name for one in NAMES for name in _criteria(one))


def messages() -> Iterator[tuple[Path, str]]:
    """Every message of the presets' files, with its file; those of defaults are not among them."""
    for name in NAMES:
        found: dict[str, None] = {}

        def note(text: str, found: dict[str, None] = found) -> str:
            found[text] = None
            return text

        _settings(raw(name)["settings"], note)
        yield from ((FOLDER / f"{name}.json", text) for text in (*found, *_criteria(name)))
        yield from ((FOLDER / f"{name}.md", text) for text in _paragraphs(get(name).guidelines))


def _criteria(name: str) -> list[str]:
    return raw(name)["settings"].get("final_criteria", [])


def _settings(value: Any, translate: Translate) -> Any:
    if isinstance(value, Mapping):
        return {key: _setting(key, one, translate) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_settings(one, translate) for one in value)
    return value


def _setting(key: str, value: Any, translate: Translate) -> Any:
    if key in _TEXTS and isinstance(value, str):
        return translate(value) if value else value
    if key in _LISTS and isinstance(value, list | tuple):
        return type(value)(translate(one) for one in value)
    return _settings(value, translate)


def _paragraphs(text: str) -> list[str]:
    return text.strip().split("\n\n")
