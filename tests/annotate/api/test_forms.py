"""Presets and versions over REST."""

import pytest

from annotate import presets

pytestmark = pytest.mark.django_db


def test_a_preset_makes_a_project_as_it_is(caller):
    owner = caller("owner")
    found = owner.get("presets/").json()["results"]
    assert [one["name"] for one in found] == list(presets.NAMES)
    for preset in found:
        wanted = {name: preset[name] for name in ("kind", "kind_settings", "guidelines", "overlap")}
        answer = owner.post("projects/", {"name": preset["title"], **wanted})
        assert answer.status_code == 201
        body = answer.json()
        assert {name: body[name] for name in wanted} == wanted


def test_presets_speak_the_language_that_is_asked_for(caller):
    """Names do not: labels of projects in two languages lie side by side."""
    owner = caller("owner")
    english, german = (
        owner.get(f"presets/?language={code}").json()["results"] for code in ("en", "de")
    )
    assert [one["name"] for one in german] == [one["name"] for one in english]
    assert owner.get("presets/").json()["results"] == english
    for one, other in zip(english, german, strict=True):
        assert one["guidelines"] != other["guidelines"]
    answer = owner.get("presets/?language=tlh")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == "language"
    assert "en, de" in error["message"]


def test_versions_are_listed_to_members_alone(caller):
    owner = caller("owner")
    project = owner.post("projects/", {"name": "Answers"}).json()["id"]
    owner.patch(f"projects/{project}/", {"guidelines": "Be fair."})
    owner.patch(f"projects/{project}/", {"overlap": 2})
    rows = owner.get(f"projects/{project}/form-versions/").json()["results"]
    assert [(row["number"], row["guidelines"], row["created_by"]) for row in rows] == [
        (1, "", "owner"),
        (2, "Be fair.", "owner"),
    ]
    assert caller("eve").get(f"projects/{project}/form-versions/").status_code == 404
