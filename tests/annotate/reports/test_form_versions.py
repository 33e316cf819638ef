"""What changed between versions, in words."""

import json

import pytest
from django.urls import reverse

from annotate import presets
from annotate.models import FormVersion
from annotate.reports.form_versions import Change, changes, guideline_lines, version_rows
from annotate.services.projects import create_project, update_project

HELPFUL = {"name": "helpful", "title": "Helpful", "reasons": ["Short", "Clear"]}
TRUE = {"name": "true", "title": "True"}
KIND = {"name": "kind", "title": "Kind"}


@pytest.fixture
def project(make_user):
    olga = make_user("olga")
    return create_project(
        actor=olga, name="Live", guidelines="One\nTwo", kind_settings={"criteria": [HELPFUL, TRUE]}
    )


def test_each_change_is_told_by_its_place(project) -> None:
    changed = [KIND, {**HELPFUL, "title": "Useful", "reasons": ["Clear"]}]
    settings = {"criteria": changed, "allow_tie": False}
    update_project(project=project, actor=project.created_by, kind_settings=settings)
    old, new = project.form_versions.order_by("number")
    assert sorted(changes(old, new), key=lambda change: change.place) == [
        Change(("allow_tie",), "true", "false"),
        Change(("criteria", "helpful", "reasons"), "Short, Clear", "Clear"),
        Change(("criteria", "helpful", "title"), "Helpful", "Useful"),
        Change(("criteria", "kind"), None, "Kind"),
        Change(("criteria", "true"), "True", None),
    ]


def test_another_order_is_one_change(project) -> None:
    settings = {"criteria": [TRUE, HELPFUL]}
    update_project(project=project, actor=project.created_by, kind_settings=settings)
    old, new = project.form_versions.order_by("number")
    assert list(changes(old, new)) == [
        Change(("criteria", "order"), "helpful, true", "true, helpful")
    ]


def test_changes_inside_the_questions_of_a_form(client, make_user) -> None:
    olga = make_user("olga")
    preset = presets.get("pair_then_spans")
    asked = json.loads(json.dumps(preset.settings))
    project = create_project(actor=olga, name="Form", kind="form", kind_settings=asked)
    asked["questions"][1]["title"] = "What else?"
    asked["questions"][1]["settings"]["types"].reverse()
    asked["questions"][1]["when"] = None
    update_project(project=project, actor=olga, kind_settings=asked)
    old, new = project.form_versions.order_by("number")
    name = asked["questions"][1]["name"]
    found = {change.place: change for change in changes(old, new)}
    assert set(found) == {
        ("questions", name, "title"),
        ("questions", name, "when"),
        ("questions", name, "settings", "types", "order"),
    }
    client.force_login(olga)
    assert client.get(reverse("form_versions", args=[project.pk])).status_code == 200


def test_another_kind_is_one_change() -> None:
    old = FormVersion(kind="pairwise", kind_settings={"allow_tie": True})
    new = FormVersion(kind="ranking", kind_settings={"modes": ["full"]})
    assert list(changes(old, new)) == [Change(("kind",), "pairwise", "ranking")]


def test_guidelines_line_by_line() -> None:
    old, new = FormVersion(guidelines="One\nTwo\n"), FormVersion(guidelines="One\nThree\n")
    assert guideline_lines(old, new) == [("-", "Two"), ("+", "Three")]


def test_rows_are_the_latest_first_and_know_their_predecessor(project) -> None:
    for number in range(2, 6):
        update_project(project=project, actor=project.created_by, guidelines=f"Text {number}")
    rows = version_rows(project, before=None, limit=2)
    assert [row.version.number for row in rows] == [5, 4]
    assert rows[1].lines == [("-", "Text 3"), ("+", "Text 4")]
    last = version_rows(project, before=3, limit=2)
    assert [row.version.number for row in last] == [2, 1]
    assert not last[1].changes


def test_the_page_lists_who_when_and_what(client, project, django_assert_max_num_queries) -> None:
    client.force_login(project.created_by)
    for number in range(30):
        update_project(project=project, actor=project.created_by, guidelines=f"<b>{number}</b>")
    url = reverse("form_versions", args=[project.pk])
    with django_assert_max_num_queries(8):
        html = client.get(url).content.decode()
    assert "Version 31" in html
    assert "&lt;b&gt;29&lt;/b&gt;" in html
    assert "olga" in html
    assert 'href="?before=12"' in html
    older = client.get(url, {"before": "12"}).content.decode()
    assert "Version 1<" in older
    assert "The first one." in older
    assert client.get(url, {"before": "-x"}).status_code == 200
