"""The database address, and the private PostgreSQL behind it when DATABASE_URL is not set.

`python -m config.postgres start | stop | status | url` handles the private server by hand.
Otherwise it lives as long as somebody uses it: every process that asked for its address holds a
shared lock on `<var>/run/postgres.users`, and the last one to exit stops the server.
"""

import argparse
import atexit
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.cluster import Cluster, ClusterError

BASE_DIR = Path(__file__).resolve().parent.parent


def var_dir() -> Path:
    """The folder of everything this installation writes (TANDEM_VAR)."""
    return Path(os.environ.get("TANDEM_VAR") or BASE_DIR / "var").resolve()


def private_cluster(var: Path | None = None) -> Cluster:
    """The cluster under `var`; TANDEM_POSTGRES_THROW_AWAY=1 is for tests."""
    throw_away = os.environ.get("TANDEM_POSTGRES_THROW_AWAY") == "1"
    return Cluster(var or var_dir(), durable=not throw_away)


def database_url() -> str:
    """DATABASE_URL, or else the private server's address, starting it when it does not run.

    Cheap and without effect when DATABASE_URL is set.
    """
    return os.environ.get("DATABASE_URL") or ensure_database_url(var_dir())


def ensure_database_url(var: Path) -> str:
    """The address of the private server under `var`, which runs until this process exits.

    Safe when several processes call it at once. Raises ClusterError with a remedy.
    """
    cluster = private_cluster(var)
    with exclusive(var):
        if cluster.running_pid() is None:
            cluster.start()
        _UserOf.register(cluster)
    return cluster.url()


@contextmanager
def exclusive(var: Path) -> Iterator[None]:
    """Hold the lock under which the server is started and stopped."""
    with _lock_file(var, "postgres.lock") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def hold_in_use(var: Path) -> IO[str]:
    """Mark the server as used until the returned file is closed or this process ends."""
    handle = _lock_file(var, "postgres.users")
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def _lock_file(var: Path, name: str) -> IO[str]:
    folder = var / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / name).open("a")


def _is_used(var: Path) -> bool:
    with _lock_file(var, "postgres.users") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return (var / "run" / "postgres.keep").exists()


class _UserOf:
    """This process's use of one cluster; stops the server at exit if it was the last."""

    registered: dict[Path, "_UserOf"] = {}

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.pid = os.getpid()
        self.held = hold_in_use(cluster.var)

    @classmethod
    def register(cls, cluster: Cluster) -> None:
        present = cls.registered.get(cluster.var)
        if present is None or present.pid != os.getpid():
            user = cls.registered[cluster.var] = cls(cluster)
            atexit.register(user.leave)

    def leave(self) -> None:
        if os.getpid() != self.pid:  # a fork inherits the exit hook, not the duty
            return
        self.held.close()
        if not self.cluster.var.exists():  # removed meanwhile: nothing left to look after
            return
        with exclusive(self.cluster.var):
            if not _is_used(self.cluster.var):
                self.cluster.stop()


def start_and_keep(var: Path) -> Cluster:
    """Start the server and leave it running after the last user has gone."""
    cluster = private_cluster(var)
    with exclusive(var):
        if cluster.running_pid() is None:
            cluster.start()
        (var / "run" / "postgres.keep").touch()
    return cluster


def stop(var: Path) -> bool:
    """Stop the server whoever uses it; whether it was running."""
    with exclusive(var):
        (var / "run" / "postgres.keep").unlink(missing_ok=True)
        return private_cluster(var).stop()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.postgres", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status", "url"])
    action = parser.parse_args(arguments).action
    if os.environ.get("DATABASE_URL"):
        print("DATABASE_URL is set: no private server is used.", file=sys.stderr)
        return 2
    try:
        return _act(action, var_dir())
    except (ClusterError, RuntimeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _act(action: str, var: Path) -> int:
    if action == "start":
        print(start_and_keep(var).url())
    elif action == "stop":
        print("stopped" if stop(var) else "was not running")
    else:
        cluster = private_cluster(var)
        pid = cluster.running_pid()
        if action == "status":
            print(f"running, pid {pid}, {cluster.data}" if pid else "not running")
        elif pid:
            print(cluster.url())
        return 0 if pid else 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
