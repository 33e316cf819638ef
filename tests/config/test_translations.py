"""Catalogues: complete, well-formed, and compiled when they change."""

import html
import os
import re
from datetime import date

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from django.core.management import CommandError, call_command
from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format

from config import translations


@pytest.fixture(scope="module")
def messages() -> Catalog:
    return translations.extract()


@pytest.fixture
def write_german(tmp_path, monkeypatch):
    """write_german({id: string}, fuzzy=()) -> a catalogue of these alone, in place of the real."""
    monkeypatch.setattr(translations, "CATALOGUES", tmp_path)

    def write(words: dict, fuzzy: tuple = ()) -> Catalog:
        catalogue = Catalog(locale="de", fuzzy=False)
        for key, text in words.items():
            catalogue.add(key, text, flags=["fuzzy"] if key in fuzzy else [])
        path = translations.catalogue_path("de")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue)
        return _sources(*words)

    return write


def _sources(*keys) -> Catalog:
    catalogue = Catalog()
    for key in keys:
        catalogue.add(key)
    return catalogue


def test_every_language_is_complete(messages):
    """What it lists is to be translated: see docs/translating.md."""
    assert translations.languages() == ["de"]
    assert translations.problems("de", messages) == []


def test_messages_come_from_templates_python_and_pure_modules(messages):
    assert len(messages) > 1000
    assert messages.get("Nothing left for you") is not None  # a template
    assert messages.get("Saved.") is not None  # gettext
    assert messages.get("In order of arrival") is not None  # gettext_lazy
    assert messages.get("Leave ties out") is not None  # translatable
    plural = messages.get(("%(steps)s step", "%(steps)s steps"))
    assert plural is not None
    assert plural.pluralizable
    assert messages.get("May", context="what a token may do") is not None


def test_django_s_own_words_stay(messages):
    """A message of ours would overrule Django's: "May" is a month there."""
    assert {str(name) for name in (*MONTHS.values(), *WEEKDAYS.values())}.isdisjoint(
        message.id for message in messages if not message.context
    )
    with translation.override("de"):
        assert date_format(date(2026, 5, 3), "DATE_FORMAT") == "3. Mai 2026"


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("Save", "", "missing"),
        ("of %(total)s", "von %(totl)s", "placeholders differ (%(total)s, %(totl)s)"),
        ("{number} of {count}", "{number} von", "placeholders differ ({count})"),
        (("%(n)s row", "%(n)s rows"), ("%(n)s Zeile", "Zeilen"), "placeholders differ (%(n)s)"),
        (("%(n)s row", "%(n)s rows"), ("%(n)s Zeile", ""), "missing"),
    ],
)
def test_a_wrong_translation_is_found(write_german, key, text, said):
    (found,) = translations.problems("de", write_german({key: text}))
    assert found.startswith(said)


def test_a_guess_is_no_translation(write_german):
    sources = write_german({"Save": "Speichern"}, fuzzy=("Save",))
    assert translations.problems("de", sources) == ["fuzzy: 'Save'"]


def test_a_singular_may_go_without_its_number(write_german):
    sources = write_german({("%(n)s row", "%(n)s rows"): ("Eine Zeile", "%(n)s Zeilen")})
    assert translations.problems("de", sources) == []


def test_an_update_keeps_what_is_translated(write_german):
    write_german({"Save": "Speichern", "Gone": "Weg"})
    sources = _sources("Save", "New one")
    assert translations.update_catalogue("de", sources)
    catalogue = translations.read_catalogue("de")
    assert catalogue.get("Save").string == "Speichern"
    assert catalogue.get("New one").string == ""
    assert catalogue.get("Gone") is None
    assert not translations.update_catalogue("de", sources)


def test_the_command_fails_when_something_is_missing(write_german, tmp_path, settings, capsys):
    settings.LOCALE_PATHS = [tmp_path / "compiled"]
    write_german({"Saved.": ""})
    with pytest.raises(CommandError, match="to be done"):
        call_command("translations", "--check")
    assert "de: missing: 'Saved.'" in capsys.readouterr().out


def test_compiles_what_has_changed(write_german, tmp_path):
    folder = tmp_path / "compiled"
    write_german({"Save": "Speichern"})
    assert translations.compile_changed(folder) == ["de"]
    assert translations.compile_changed(folder) == []
    path = translations.catalogue_path("de")
    os.utime(path, (1, 1))  # an older copy, put back
    assert translations.compile_changed(folder) == ["de"]
    assert [found.name for found in (folder / "de" / "LC_MESSAGES").iterdir()] == ["django.mo"]


# Names, and words that are the same in every language; the API's documentation stays English.
SAME_EVERYWHERE = {"Tandem", "SHA-256", "id", "AI", "MB", "Enter"}
NO_WORDS = re.compile(
    r"{%\s*comment.*?endcomment\s*%}|{%\s*blocktranslate\b.*?endblocktranslate\s*%}"
    r"|{%\s*block \w+_class\s*%}.*?{%\s*endblock.*?%}|{#.*?#}|{%.*?%}|{{.*?}}"
    r"|<(script|style|pre|code|svg)\b.*?</\1>|<[^>]*>",
    re.DOTALL,
)


def test_no_template_holds_words_outside_of_the_catalogues():
    looked_at = [
        path
        for path in sorted((translations.ROOT / "templates").rglob("*.html"))
        if "api" not in path.relative_to(translations.ROOT / "templates").parts
    ]
    assert len(looked_at) > 80
    found = {}
    for path in looked_at:
        rest = html.unescape(NO_WORDS.sub("\n", path.read_text()))
        words = {line.strip(" ·:()") for line in rest.splitlines()}
        words = {line for line in words if re.search("[A-Za-z]{2}", line)} - SAME_EVERYWHERE
        if words:
            found[path.name] = words
    assert found == {}
