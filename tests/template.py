"""A database with all migrations applied, from which each test process copies its own.

Made once for a state of the migrations, and only on the tests' own throw-away PostgreSQL: on a
server of somebody's it would stay behind. `python -m tests.template` makes it before any test asks.
"""

import hashlib
import os
from pathlib import Path

import django
import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

PREFIX = "tandem_template_"
LOCK = 7_216_004


def migrated_template() -> str | None:
    """The template's name, made first where it is missing; None on a server that is not ours.

    Processes that come at the same time wait for the first. Needs `django_db_blocker` unblocked.
    """
    if os.environ.get("TANDEM_POSTGRES_THROW_AWAY") != "1" or os.environ.get("DATABASE_URL"):
        return None
    name = PREFIX + _state_of_migrations()
    database = connection.settings_dict
    parameters = DatabaseWrapper({**database, "NAME": "postgres"}).get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        made = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not made:
            unfinished = f"{name}_unfinished"
            for statement in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {}"):
                server.execute(sql.SQL(statement).format(sql.Identifier(unfinished)))
            _migrate(unfinished)
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            server.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


def _migrate(name: str) -> None:
    connection.close()
    usual, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name
    try:
        call_command("migrate", verbosity=0, run_syncdb=True)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _state_of_migrations() -> str:
    digest = hashlib.sha256()
    for app in apps.get_app_configs():
        for path in sorted(Path(app.path).glob("migrations/*.py")):
            digest.update(path.name.encode() + path.read_bytes())
        for path in sorted(Path(app.path).glob("sql/*.sql")):
            digest.update(path.name.encode() + path.read_bytes())  # migrations read these
        for path in sorted(Path(app.path).glob("models*/**/*.py")):
            digest.update(path.read_bytes())  # permissions and content types follow the models
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    django.setup()
    migrated_template()
