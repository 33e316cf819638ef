"""A manager who makes and changes projects."""

import pytest
from django.urls import reverse

from annotate.models import Project
from tests.annotate.pages.builder.fields import fields_of


@pytest.fixture
def owner(make_user, client):
    user = make_user("olga")
    client.force_login(user)
    return user


@pytest.fixture
def begin(client, owner):
    """begin(preset="scratch") -> the fields of the page for a new project."""

    def begin_(preset: str = "scratch") -> dict[str, str]:
        page = client.get(reverse("create_project"), {"preset": preset})
        assert page.status_code == 200
        return {**fields_of(page.content), "name": "Built"}

    return begin_


@pytest.fixture
def deed(client, owner):
    """deed(fields, "add questions", project=None) -> the fields afterwards; nothing is saved."""

    def do(fields: dict[str, str], what: str, project: Project | None = None) -> dict[str, str]:
        before = Project.objects.count()
        answer = client.post(address(project), {**fields, "deed": what})
        assert answer.status_code == 200
        assert Project.objects.count() == before
        return fields_of(answer.content)

    return do


def address(project: Project | None = None) -> str:
    if project is None:
        return reverse("create_project")
    return reverse("settings", args=[project.pk])
