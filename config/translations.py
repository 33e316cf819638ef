"""The interface's words in other languages: `locale/<language>/LC_MESSAGES/django.po`.

Babel reads and writes the catalogues, so that nothing needs GNU gettext. What Django loads are
compiled copies under `var/locale`, made again when a catalogue has changed.
"""

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS
from babel.messages.extract import extract as extract_messages
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from annotate.presets import words as preset_words

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "locale"
PYTHON = ("annotate", "config", "routing", "training")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "translatable": None,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}
# The reasons of refused values, rows and media files are words of the pages too, but for those
# that only programs tell. So is what jobs say.
# So is what a field of a training configuration must be.
REASONS = {
    **KEYWORDS,
    "InvalidValue": (2,),
    "TooManyTries": (2,),
    "Counted": (1, 2),
    "RowProblem": (3,),
    "require": (3,),
    **dict.fromkeys(("Refusal", "Told", "BadMedia", "FatalProblem", "CutShort", "UnknownFormat")),
    **dict.fromkeys(
        (
            "BadBatch",
            "JudgeError",
            "NoModel",
            "NotEstimable",
            "NothingToGoOn",
            "NotTold",
            "TooFewRows",
        )
    ),
    **dict.fromkeys(
        (
            "EncoderError",
            "EncoderChanged",
            "NoHeads",
            "InvalidAnswer",
            "TooSlow",
            "BatchTooLargeError",
            "NonFiniteLossError",
            "NonFiniteStatesError",
            "OutOfMemoryError",
        )
    ),
}
ENGLISH = ("annotate/api/",)
# What a translation must keep: %(name)s of templates, {name} of scripts and str.format.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+(?:!r)?\}")


def languages() -> list[str]:
    """Codes of the languages that have a catalogue: all but English."""
    return [code for code, _ in settings.LANGUAGES if code != "en"]


def catalogue_path(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / "django.po"


def extract() -> Catalog:
    """Every message of the sources, with the files that use it."""
    found = Catalog(project="Tandem", charset="utf-8", fuzzy=False)
    for path, code in _sources():
        name = path.relative_to(ROOT).as_posix()
        keywords = KEYWORDS if name.startswith(ENGLISH) else REASONS
        rows = extract_messages("python", BytesIO(code.encode()), keywords=keywords)
        for line, words, notes, context in rows:
            found.add(words, locations=[(name, line)], auto_comments=notes, context=context)
    for path, text in preset_words.messages():
        name = path.relative_to(ROOT).as_posix()
        found.add(text, locations=[(name, 1)], context=preset_words.CONTEXT)
    return found


def _sources() -> Iterator[tuple[Path, str]]:
    """Python as it is, and templates as the Python that Django's own extraction makes of them."""
    for folder in PYTHON:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, path.read_text()
    for path in sorted((ROOT / "templates").rglob("*.html")):
        code = templatize(path.read_text(), origin=str(path))
        yield path, "\n".join(line.strip() for line in code.splitlines())


def read_catalogue(language: str) -> Catalog:
    """The language's catalogue; an empty one where there is none yet."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, project="Tandem", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update_catalogue(language: str, messages: Catalog) -> bool:
    """Bring the catalogue up to the sources; whether that changed it.

    Told that resemble older ones get the older translation, marked fuzzy.
    """
    catalogue = read_catalogue(language)
    catalogue.update(messages, update_creation_date=False)
    catalogue.obsolete.clear()
    text = BytesIO()
    write_po(text, catalogue, width=100, sort_by_file=True, include_lineno=False)
    path = catalogue_path(language)
    if path.exists() and path.read_bytes() == text.getvalue():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue())
    return True


def problems(language: str, messages: Catalog) -> list[str]:
    """What keeps the language from being complete, one line each."""
    catalogue = read_catalogue(language)
    found = []
    for message in messages:
        if not message.id:
            continue
        known = catalogue.get(message.id, message.context)
        if known is None or not all(_texts(known.string)):
            found.append(f"missing: {_first(message)!r}")
        elif known.fuzzy:
            found.append(f"fuzzy: {_first(message)!r}")
        elif wrong := _misplaced(known):
            found.append(f"placeholders differ ({', '.join(sorted(wrong))}): {_first(message)!r}")
    return found


def _texts(words: str | tuple[str, ...] | list[str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words)


def _first(message: Message) -> str:
    return _texts(message.id)[0]


def _misplaced(message: Message) -> set[str]:
    """Placeholders that a translation lacks or invents. A singular form may go without."""
    wanted = set(PLACEHOLDER.findall(_texts(message.id)[-1]))
    allowed = wanted.union(*(PLACEHOLDER.findall(text) for text in _texts(message.id)))
    *singular, last = (set(PLACEHOLDER.findall(text)) for text in _texts(message.string))
    return (wanted ^ last) | set().union(*singular) - allowed


def compile_changed(folder: Path) -> list[str]:
    """Compile the catalogues that `folder` does not hold as they are; their languages.

    A compiled copy bears the time of its source. It appears whole or not at all, since several
    processes may be at it.
    """
    done = []
    for language in languages():
        source = catalogue_path(language)
        target = folder / language / "LC_MESSAGES" / "django.mo"
        stamp = source.stat().st_mtime_ns
        if target.exists() and target.stat().st_mtime_ns == stamp:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        with draft.open("wb") as file:
            write_mo(file, read_catalogue(language))
        os.utime(draft, ns=(stamp, stamp))
        draft.replace(target)
        done.append(language)
    return done
