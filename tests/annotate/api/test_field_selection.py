"""`?fields=`: what is chosen comes, the rest is neither sent nor asked of the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from rest_framework import serializers as s

from annotate.api.docs import openapi_document
from annotate.api.field_selection import paths_of, select, tree_of
from annotate.api.schema_view import Schema
from annotate.api.views import APIView

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(caller):
    return caller("ada")


def queries(owner, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        assert owner.get(path).status_code == 200
    return [one["sql"] for one in asked.captured_queries]


def test_details_lists_and_pages_have_the_chosen_fields(owner, make_project):
    project = make_project(owner.user)
    one = f"projects/{project.pk}/"
    assert owner.get(f"{one}?fields=name,id").json() == {"id": project.pk, "name": project.name}
    page = owner.get("projects/?fields=id&page_size=1").json()
    assert page == {"next": None, "previous": None, "results": [{"id": project.pk}]}
    owner.post("projects/", {"name": "Second"})
    page = owner.get("projects/?fields=name&page_size=1").json()
    assert "fields=name" in page["next"]
    path = page["next"].partition("/api/v1/")[2]
    assert owner.get(path).json()["results"] == [{"name": "Second"}]
    owner.post(f"{one}judges/", {"name": "n", "kind": "simulated", "config": {"noise": 1.0}})
    [judge] = owner.get(f"{one}judges/?fields=limits.spent,name&fields=kind").json()
    assert judge.keys() == {"name", "kind", "limits"}
    assert judge["limits"].keys() == {"spent"}
    [whole] = owner.get(f"{one}judges/?fields=limits.spent,limits").json()
    assert len(whole["limits"]) > 5


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("projects/?fields=nme", "'nme'; known: name, "),
        ("projects/?fields=id,", "''; known: name"),
        ("projects/?fields=", "''; known: name"),
        ("projects/?fields=name.length", "'name.length'"),
        ("projects/?fields=results", "'results'"),
        ("projects/{id}/judges/?fields=limits.spend", "limits.spending_limit"),
        ("projects/{id}/export/?fields=id", "cannot be chosen here"),
        ("me/data/?fields=user", "cannot be chosen here"),
    ],
)
def test_what_is_no_field_is_refused_with_those_that_are(owner, make_project, refused, path, says):
    refused(owner.get(path.format(id=make_project(owner.user).pk)), 400, "fields", says)


def test_the_tag_is_of_the_whole(owner, make_project, refused):
    path = f"projects/{make_project(owner.user).pk}/"
    tag = owner.get(f"{path}?fields=id")["ETag"]
    assert tag == owner.get(path)["ETag"]
    assert owner.get(f"{path}?fields=id", {"If-None-Match": tag}).status_code == 304
    assert owner.patch(path, {"name": "New"}, {"If-Match": tag}).json()["name"] == "New"
    refused(owner.patch(path, {"name": "Newer"}, {"If-Match": tag}), 412)


def test_a_change_and_an_error_are_told_whole(owner, make_project, refused):
    path = f"projects/{make_project(owner.user).pk}/"
    assert len(owner.patch(f"{path}?fields=id", {"name": "New"}).json()) > 5
    refused(owner.get("projects/0/?fields=id"), 404)
    refused(owner.get("seats/1/skip/?fields=id"), 405)


def test_what_nobody_asks_for_is_not_asked_of_the_database(owner, make_project, make_pair_tasks):
    project = make_project(owner.user)
    [task] = make_pair_tasks(project, 1)
    progress = f"projects/{project.pk}/progress/"
    owner.get(progress)  # the token is known from now on
    assert len(queries(owner, f"{progress}?fields=mine")) == len(queries(owner, progress)) - 5
    assert owner.get(f"{progress}?fields=tasks").json() == {"tasks": 1}
    one = f"tasks/{task.pk}/"
    assert len(queries(owner, f"{one}?fields=id,prompt.language")) == len(queries(owner, one)) - 2
    judges = f"projects/{project.pk}/judges/"
    owner.post(judges, {"name": "n", "kind": "simulated", "config": {"noise": 1.0}})
    assert not any("judgecall" in sql for sql in queries(owner, f"{judges}?fields=name,limits"))
    assert any("judgecall" in sql for sql in queries(owner, f"{judges}?fields=cost"))


def test_every_answer_with_fields_says_so_in_the_document():
    chosen, whole = 0, []
    for path, item in openapi_document()["paths"].items():
        for method, operation in item.items():
            names = [one["name"] for one in operation.get("parameters", ())]
            assert method == "get" or "fields" not in names
            if method == "get" and "fields" not in names:
                whole.append(path)
            chosen += "fields" in names
    assert chosen > 115
    assert all(
        path.endswith(("/bad-rows/", "/data/", "/export/", "/bytes/", "/results/", "/{name}"))
        or "/{name}/" in path
        for path in whole
    ), whole


def test_every_view_of_the_api_takes_it():
    views = [one for one in _views(get_resolver()) if one.__module__.partition(".")[2][:3] == "api"]
    assert len(views) > 150
    document_and_data = (Schema, APIView)
    assert [one for one in views if not issubclass(one, document_and_data)] == []


def _views(resolver):
    for one in resolver.url_patterns:
        if hasattr(one, "url_patterns"):
            yield from _views(one)
        elif hasattr(one.callback, "cls"):
            yield one.callback.cls


class Inner(s.Serializer):
    b = s.CharField()
    c = s.DictField(child=s.IntegerField())


class Outer(s.Serializer):
    a = Inner(many=True)
    d = s.ListField(child=Inner())
    secret = s.CharField(write_only=True)


def test_fields_reach_into_lists_and_end_at_free_names():
    tree = tree_of(Outer(many=True))
    assert list(paths_of(tree)) == ["a", "a.b", "a.c", "d", "d.b", "d.c"]
    rows = [{"a": [{"b": 1, "c": {"x": 1}}, {"b": 2}], "d": None, "e": 1}]
    assert select(rows, {"a": {"b": None}, "d": {"b": None}}) == [
        {"a": [{"b": 1}, {"b": 2}], "d": None}
    ]
