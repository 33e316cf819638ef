"""The audit trail in the reader's words."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import translation

from annotate.models import AuditEvent
from annotate.pages.audit_words import DEEDS, FIELDS, OBJECTS, deed_words, detail_lines
from annotate.services.projects import update_project

ROOT = Path(__file__).parents[3]
# As the sources name them: action="…", and the calls that put an action together.
WHOLE = re.compile(
    r'action\s*=\s*"(\w+\.\w+)"|"((?:routing\.policy|training\.schedule|member|media|webhook(?=\.))(?:_|\.)\w+)"'
)
OF_LOOP = re.compile(r'\b_?record\((?:loop, )?"(\w+)"')


def in_sources() -> set[str]:
    found = set()
    for folder in ("annotate", "routing", "training"):
        for path in (ROOT / folder).rglob("services/**/*.py"):
            code = path.read_text()
            if "audit" in code or "record(" in code:
                found |= {one or other for one, other in WHOLE.findall(code)}
            if path.parent.parent.name == "training":
                found |= {f"training.loop_{deed}" for deed in OF_LOOP.findall(code)}
        for path in (ROOT / folder).rglob("*.py"):
            if "services" not in path.parts:
                found |= {one for one, _ in WHOLE.findall(path.read_text()) if one}
    return found | {"judge.criterion_accepted", "judge.criterion_retired"}


def test_every_deed_has_words() -> None:
    found = in_sources()
    assert len(found) > 70
    assert found - DEEDS.keys() == set()
    assert DEEDS.keys() - found == set()


def test_objects_are_models() -> None:
    assert OBJECTS.keys() <= {model.__name__ for model in apps.get_models()}
    assert len(OBJECTS) > 25


def test_what_has_no_words_is_shown_as_it_is_kept() -> None:
    assert deed_words("new.deed") == "new.deed"
    assert [line.field for line in detail_lines({"top_p": 1})] == ["top_p"]
    assert "before" in FIELDS


def test_a_change_is_told_field_by_field() -> None:
    detail = {"before": {"overlap": 1, "name": "A"}, "after": {"overlap": 3, "name": "A"}, "x": 1}
    lines = detail_lines(detail)
    assert [(line.field, line.before, line.value) for line in lines] == [
        ("People per task", 1, 3),
        ("x", None, 1),
    ]
    assert [line.field for line in detail_lines({"before": "sober", "after": None})] == [
        "before",
        "after",
    ]


def test_values_have_words_where_pages_have_them() -> None:
    detail = {"format": "responses", "role": "owner", "name": "responses", "rows": 3}
    with translation.override("de"):
        found = {line.field: line.value for line in detail_lines(detail)}
    assert found == {
        "Format": "Prompt mit seinen Antworten",
        "Rolle": "Eigentümer",
        "Name": "responses",
        "Zeilen": 3,
    }


@pytest.mark.django_db
def test_the_page_in_german(client, make_user, make_project) -> None:
    ada = make_user("ada")
    project = make_project(ada)
    update_project(project=project, actor=ada, overlap=3)
    assert AuditEvent.objects.filter(action="project.updated").exists()
    client.force_login(ada)
    page = client.get(f"/projects/{project.pk}/audit/", headers={"Accept-Language": "de"}).text
    translation.activate("en")
    assert "Projekt geändert" in page
    assert re.search(r"Personen je Aufgabe</span>\s+1 → 3", page)
    assert ">project.updated<" not in page
