"""Projects with people at work in them."""

import pytest

from annotate import handout
from annotate.models import Membership, User


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


@pytest.fixture
def project(make_project):
    return make_project(User.objects.create(username="owner"), overlap=2)


@pytest.fixture
def member(project, add_member):
    def make(name: str, languages=(), skills=()) -> User:
        user = User.objects.create(username=name)
        add_member(project, user)
        own = Membership.objects.filter(project=project, user=user)
        own.update(languages=list(languages), skills=list(skills))
        return user

    return make
