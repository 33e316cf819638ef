"""A project whose manager is logged in, and a folder for what is sent."""

import pytest


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def project(make_project, client):
    project = make_project()
    client.force_login(project.created_by)
    return project
