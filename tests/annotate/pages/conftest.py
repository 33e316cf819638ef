"""Somebody at work: a project with five pairs to judge, and the page that asks for them."""

import pytest
from django.urls import reverse


@pytest.fixture
def ada(make_user):
    return make_user("ada")


@pytest.fixture
def project(make_project, add_member, make_pair_tasks, ada):
    project = make_project(name="Answers", guidelines="Prefer **true** answers.")
    add_member(project, ada)
    make_pair_tasks(project, 5)
    return project


@pytest.fixture
def page(client, ada, project):
    """The signed-in client and the work page's address."""
    client.force_login(ada)
    return client, reverse("work", args=[project.pk])
