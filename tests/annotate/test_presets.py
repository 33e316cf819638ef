"""Every preset is a project that could be made from it."""

import json

import pytest

from annotate import kinds, presets


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
