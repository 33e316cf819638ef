"""Every preset is a project that could be made from it."""

import json

import pytest

from annotate import kinds, presets
from annotate.presets import spoken, words

READ = ("title", "description", "reasons", "labels")
CODES = {"C1", "C2", "C3"}


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_fits_its_kind_and_is_stable(name):
    preset = presets.get(name)
    stored = json.loads(json.dumps(preset.settings))
    again = kinds.get(preset.kind).clean_settings(stored)
    assert kinds.get(preset.kind).clean_settings(preset.settings) == again
    assert preset.title
    assert preset.description
    assert 200 < len(preset.guidelines) < 5000


def test_all_files_are_offered():
    files = {path.stem for path in presets.FOLDER.iterdir() if path.suffix in (".json", ".md")}
    assert files == set(presets.NAMES)
    assert len(presets.presets()) == len(presets.NAMES) == 11


def test_multipref_is_complete():
    """The aspects and their reasons, as the form of MultiPref has them."""
    settings = presets.get("multipref").settings
    reasons = {one["name"]: len(one["reasons"]) for one in settings["criteria"]}
    assert reasons == {"helpful": 8, "truthful": 6, "harmless": 4}
    assert settings["confidence"]
    assert settings["strength_levels"] == 3


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(KeyError, match="multipref"):
        presets.get("nothing")


@pytest.mark.parametrize("name", presets.NAMES)
def test_another_language_changes_what_people_read_and_nothing_else(name):
    """Every text turned round, and turned round again, is the preset; names are never touched."""
    preset = presets.get(name)
    turned = words.worded(preset, lambda text: f"<{text}>")
    assert turned.guidelines.startswith("<")
    assert words.worded(turned, lambda text: text.strip("<>")) == preset
    kinds.get(preset.kind).clean_settings(json.loads(json.dumps(turned.settings)))
    assert _named(turned.settings) == _named(preset.settings)


def test_what_is_read_speaks_german():
    german = spoken.get_in("de", "multipref")
    criteria = german.settings["criteria"]
    assert [one["name"] for one in criteria] == ["helpful", "truthful", "harmless"]
    assert criteria[0]["title"] == "Hilfreicher"
    assert "Richtig" in criteria[0]["reasons"]
    assert german.guidelines.startswith("Beurteilen Sie")
    assert german.guidelines.count("\n\n") == presets.get("multipref").guidelines.count("\n\n")
    assert spoken.get_in("en", "multipref") == presets.get("multipref")
    with pytest.raises(KeyError):
        spoken.get_in("de", "nothing")


def test_no_text_of_a_file_is_left_out_of_the_catalogues():
    """Strings that people read have a space or begin with a capital; names do neither."""
    collected = {text for _path, text in words.messages()}
    assert len(collected) > 100
    for name in presets.NAMES:
        for text in _strings(words.raw(name)["settings"]):
            if " " in text or text[:1].isupper():
                assert text in collected or text in CODES


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def _named(value):
    if isinstance(value, dict):
        return {key: _named(one) for key, one in value.items() if key not in READ}
    return [_named(one) for one in value] if isinstance(value, list | tuple) else value
