"""Fixtures for training: projects with labels, and a state folder of the test's own."""

from pathlib import Path

import pytest

from annotate.models import Project
from tests.training.judged import label_first


@pytest.fixture
def judged_project(make_project, make_pair_tasks):
    """judged_project(count, **fields) -> a project with that many labelled pairs."""

    def make(count: int, **fields) -> Project:
        project = make_project(**{"test_percent": 25, **fields})
        label_first(project, make_pair_tasks(project, count))
        return project

    return make


@pytest.fixture
def var_dir(tmp_path, settings) -> Path:
    """A state folder of this test's own."""
    settings.VAR_DIR = tmp_path
    return tmp_path
