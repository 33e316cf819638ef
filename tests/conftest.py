"""Fixtures for every test: the data sets, people, projects."""

import gc
import io
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from whitenoise.middleware import WhiteNoiseMiddleware

from annotate.handout import lease_seat
from annotate.models import ChatModel, MediaFile, Membership, Project, Task, TaskResponse, User
from annotate.models.content import Prompt, Response, content_hash, split_bucket
from config.translations import compile_changed
from routing import judges
from tests.chat_server import serve_chat
from tests.routing.length_judge import LengthJudge
from tests.sameness import (  # noqa: F401 (fixtures)
    nothing_is_spared,
    same_chance_each_time,
    same_ids_each_time,
)
from tests.template import migrated_template
from tests.webhook_server import serve_webhooks

# A busy machine takes its time over an example, which says nothing about the code; and the examples
# of a test are the same each time. Others are looked for with --hypothesis-profile=searching.
for name, is_the_same in (("unhurried", True), ("searching", False)):
    hypothesis_settings.register_profile(
        name,
        deadline=None,
        derandomize=is_the_same,
        suppress_health_check=[HealthCheck.too_slow],
    )
hypothesis_settings.load_profile("unhurried")

# How often a flush that met a late request is begun.
FLUSHES = 5


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting imports stays to the end, so nobody need look for garbage in it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, so that no process has to wait for another's last file."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Failures are shown when they happen: a run that is cut off has then said what it found."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext}", flush=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix, django_db_blocker
) -> None:
    """Append-only tables refuse TRUNCATE; the flush after a transactional test needs it.

    Migrations are applied once, to a template of all test databases.
    """
    options = settings.DATABASES["default"]["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c tandem.allow_truncate=on".strip()
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template()


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """After a transactional test, rows are deleted with triggers and foreign keys at rest.

    TRUNCATE, which Django uses, makes the files of all tables and indexes anew: a third of a
    second each time. It is used where the tests' role is no superuser. A page that was just closed
    may still send its draft. The locks make the flush see what such a request has written: its row
    would outlive its seat otherwise, and turn up in the next test. Where the two wait for each
    other, PostgreSQL ends the one that noticed first, and the flush is done again.
    """
    truncate = DatabaseOperations.sql_flush
    execute = DatabaseOperations.execute_sql_flush

    def sql_flush(self, style, tables, **options) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            [is_superuser] = cursor.fetchone()
        if not is_superuser:
            return truncate(self, style, tables, **options)
        names = [self.quote_name(table) for table in tables]
        return [
            "SET LOCAL session_replication_role = replica",
            f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE",
            *(f"DELETE FROM {name}" for name in names),
        ]

    def execute_sql_flush(self, sql_list: list[str]) -> None:
        for left in reversed(range(FLUSHES)):
            try:
                return execute(self, sql_list)
            except OperationalError as error:
                if not left or not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                    raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield


@pytest.fixture(scope="module", autouse=True)
def no_dead_rows() -> None:
    """Rows that tests rolled back or deleted are cleared away between the modules.

    The tests' PostgreSQL runs without autovacuum; every scan would pass over all of them.
    """
    database = connection.settings_dict
    if not database["NAME"].startswith("test_"):
        return
    parameters = DatabaseWrapper(database).get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as vacuum:
        bloated = vacuum.execute(
            "SELECT relid::regclass::text FROM pg_stat_all_tables WHERE n_dead_tup > 500"
            " AND schemaname IN ('public', 'pg_catalog')"
        ).fetchall()
        if bloated:
            vacuum.execute("VACUUM " + ", ".join(table for (table,) in bloated))


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


@pytest.fixture(scope="session", autouse=True)
def no_rate_limits() -> None:
    """What a process remembers of them would let one test's requests cost another's a query."""
    settings.API_LIMITS = {name: {**one, "most": 0} for name, one in settings.API_LIMITS.items()}


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Every test client makes the middleware anew, and that looks at each of the static files.

    The files of the sources are found once; those of a test's own folders each time.
    """
    find = WhiteNoiseMiddleware.add_files_from_finders
    folders = list(settings.STATICFILES_DIRS)
    found: dict[str, object] = {}

    def add_files(self) -> None:
        if list(settings.STATICFILES_DIRS) != folders:
            find(self)
            return
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_translations(tmp_path_factory) -> None:
    """Other languages, compiled from the catalogues as they are now."""
    folder = tmp_path_factory.mktemp("locale")
    settings.LOCALE_PATHS = [folder]
    compile_changed(folder)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """A request leaves its language to whatever comes next in the process."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


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
        from annotate.services.work.tasks import open_seats

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


@pytest.fixture
def chat_server():
    """A scripted server of models, on the loopback."""
    with serve_chat() as server:
        yield server


@pytest.fixture
def receiver():
    """A receiver of webhooks on the loopback."""
    with serve_webhooks() as server:
        yield server


@pytest.fixture
def make_chat(make_project, add_member, make_user, chat_server):
    """make_chat("echo", "cut", **settings) -> a project with these models and one task.

    Ada annotates it; `project.ada`, `project.task` and `project.seat` are at hand.
    """

    def make(
        *models: str, prompt: str = "", overlap: int = 1, tasks: int = 1, **settings
    ) -> Project:
        from annotate.services.work.tasks import open_seats

        asked = {"turn": "preference", "final": "preference"}
        if len(models) == 1:
            asked = {"turn": "rating", "final": "rating"}
        kind_settings = {"models": len(models), **asked, **settings}
        project = make_project(
            name="Talk", kind="chat", kind_settings=kind_settings, overlap=overlap
        )
        project.ada = make_user("ada")
        add_member(project, project.ada)
        for model in models:
            ChatModel.objects.create(
                project=project,
                name=f"The {model}",
                base_url=chat_server.base_url,
                model=model,
                created_by=project.created_by,
            )
        for number in range(tasks):
            text = f"{prompt} {number or ''}".strip()
            conversation = [{"role": "user", "content": text}] if text else []
            digest = content_hash("", conversation, number)
            row = Prompt.objects.create(
                project=project,
                conversation=conversation,
                content_hash=digest,
                split_bucket=split_bucket(digest, project.seed),
            )
            project.task = Task.objects.create(
                project=project, prompt=row, dedup_key=digest, overlap=overlap
            )
            open_seats(tasks=[project.task])
        project.seat = lease_seat(project=project, user=project.ada).seat_id
        return project

    return make


@pytest.fixture
def media_folder(settings, tmp_path) -> Path:
    """Where the bytes of media files lie; uploads on their way are beside it."""
    settings.VAR_DIR = tmp_path
    folder = tmp_path / "media"
    disk = {
        "BACKEND": "annotate.media.storage.DiskStorage",
        "OPTIONS": {"location": folder},
    }
    settings.STORAGES = {**settings.STORAGES, "media": disk}
    return folder


@pytest.fixture
def add_file(media_folder):
    """add_file(project, data, "cat.png") -> the row, as its owner would add it."""

    def add(project: Project, data: bytes, name: str) -> MediaFile:
        from annotate.services.media import add_media

        file, _ = add_media(
            project=project, actor=project.created_by, stream=io.BytesIO(data), name=name
        )
        return file

    return add


@pytest.fixture
def length_judge(monkeypatch) -> dict[str, Any]:
    """Puts the length judge in the reward model's place; change the dict to change its config."""
    config: dict[str, Any] = {"scale": 10.0}
    kind = judges.JudgeKind("reward_model", LengthJudge, lambda project_id: dict(config) or None)
    monkeypatch.setattr(judges, "_kinds", {"reward_model": kind})
    return config
