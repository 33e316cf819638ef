"""Fixtures for every test: the data sets, people, projects."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from annotate.models import Membership, Project, Task, TaskResponse, User
from annotate.models.content import Prompt, Response, content_hash, split_bucket


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Append-only tables refuse TRUNCATE; the flush after a transactional test needs it."""
    options = settings.DATABASES["default"]["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c tandem.allow_truncate=on".strip()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real data sets; tests skip without them, unless TANDEM_REQUIRE_DATA=1."""
    folder = Path(settings.DATA_DIR)
    if not folder.is_dir():
        message = f"no data sets at {folder}; set TANDEM_DATA_DIR to the folder that holds them"
        if os.environ.get("TANDEM_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session", autouse=True)
def plain_static_files(tmp_path_factory) -> None:
    """Tests see the sources, whatever was collected under TANDEM_VAR."""
    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    """Hashing passwords slowly is right in production and costs the tests minutes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def make_user(db):
    """make_user("ada") -> a user whose password is "correct horse battery"."""

    def make(name: str, **fields) -> User:
        return User.objects.create_user(name, password="correct horse battery", **fields)

    return make


@pytest.fixture
def make_project(make_user):
    """make_project(owner=None, **fields) -> a project with its owner as a member."""

    def make(owner: User | None = None, **fields) -> Project:
        owner = owner or make_user(f"owner{User.objects.count()}")
        fields.setdefault("name", "Answers")
        project = Project.objects.create(created_by=owner, **fields)
        Membership.objects.create(project=project, user=owner, role=Membership.Role.OWNER)
        return project

    return make


@pytest.fixture
def add_member():
    """add_member(project, user, role="annotator") -> the membership."""

    def add(project: Project, user: User, role: str = "annotator") -> Membership:
        return Membership.objects.create(project=project, user=user, role=role)

    return add


@pytest.fixture
def make_pair_tasks():
    """make_pair_tasks(project, count) -> tasks with two responses each, and their seats."""

    def make(project: Project, count: int, **fields) -> list[Task]:
        from annotate.services.tasks import open_seats

        tasks = []
        for _ in range(count):
            number = Prompt.objects.filter(project=project).count()
            conversation = [{"role": "user", "content": f"Question {number}?"}]
            digest = content_hash("", conversation)
            prompt = Prompt.objects.create(
                project=project,
                conversation=conversation,
                content_hash=digest,
                split_bucket=split_bucket(digest, project.seed),
            )
            responses = [
                Response.objects.create(
                    prompt=prompt,
                    generator=f"g{side}",
                    content=[{"type": "text", "text": f"Answer {side} to {number}."}],
                    content_hash=content_hash(f"Answer {side} to {number}."),
                )
                for side in "ab"
            ]
            task = Task.objects.create(
                project=project,
                prompt=prompt,
                dedup_key=content_hash(prompt.pk, sorted(r.pk for r in responses)),
                overlap=project.overlap,
                **fields,
            )
            for position, response in enumerate(responses):
                TaskResponse.objects.create(task=task, response=response, position=position)
            tasks.append(task)
        open_seats(tasks=tasks)
        return tasks

    return make
