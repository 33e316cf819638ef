"""Projects with people at work in them."""

import pytest

from annotate import handout
from annotate.models import User


@pytest.fixture(autouse=True)
def _no_rest():
    handout._searched_until.clear()


@pytest.fixture
def crew(make_project, add_member, make_pair_tasks):
    """crew(tasks, people, **fields) -> the project and its annotators."""

    def make(tasks: int, people: int, **fields):
        owner = User.objects.create(username="owner")
        project = make_project(owner, **fields)
        users = [User.objects.create(username=f"ann{number}") for number in range(people)]
        for user in users:
            add_member(project, user)
        make_pair_tasks(project, tasks)
        return project, users

    return make
