"""`python -m config.supervisor`: everything one machine needs, in one process tree.

The private PostgreSQL (unless DATABASE_URL names a server), then migrations and the first-run
set-up, then web, worker, training worker, serving worker and beat. Ctrl-C or SIGTERM stops all
of it in order.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO

from annotate.extras import missing_for_training
from config.cluster import Cluster, ClusterError
from config.health import answers
from config.postgres import BASE_DIR, exclusive, hold_in_use, private_cluster, var_dir
from config.supervision import Service, Supervisor, end_leftovers, print_line

STOP_ORDER = [["web", "beat"], ["worker", "training", "serving"], ["postgres"]]
# It warns of pickled messages from strangers; only JSON is accepted here.
WITHOUT_ROOT_WARNING = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
CELERY = {**WITHOUT_ROOT_WARNING, "TANDEM_SUPERVISED": "1"}  # see config/celery.py
LONG_START = 30  # seconds; then the console says that something is wrong


class StartRefused(RuntimeError):
    """Nothing was started; the message says why and what to do."""


def say(line: str) -> None:
    print_line("serve", line)


# The process table ------------------------------------------------------------------------


def postgres_service(cluster: Cluster) -> Service:
    return Service(
        name="postgres",
        command=cluster.command(),
        stopping=((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0)),
        orphaned=signal.SIGINT,
        environment=cluster.environment(),
        inherit_environment=False,
        before_start=cluster.clear_leftovers,
        popen_options=cluster.popen_options(),
        folder=Path("/"),
    )


def web_service(host: str, port: int) -> Service:
    workers = os.environ.get("WEB_WORKERS", "2")
    threads = os.environ.get("WEB_THREADS", "8")
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
    command += ["--host", host, "--port", str(port), "--workers", workers]
    command += ["--blocking-threads", threads, "--backlog", "2048"]
    command += ["--workers-kill-timeout", "10", "--respawn-failed-workers"]
    command += ["--log-level", "error"]
    return Service("web", [*command, "config.wsgi:application"], ((signal.SIGTERM, 15.0),))


def worker_service(name: str, queue: str, concurrency: int, *, pool: str = "prefork") -> Service:
    """A Celery worker. SIGTERM lets tasks finish; SIGQUIT ends them (their rows are resumed).

    `pool` "threads": one process for all its tasks.
    """
    command = [sys.executable, "-m", "celery", "-q", "-A", "config.celery", "worker"]
    command += ["-Q", queue, "-n", f"{name}@%h", "--concurrency", str(concurrency)]
    command += ["--pool", pool, "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    command += ["--without-heartbeat"]
    return Service(
        name,
        command,
        stopping=((signal.SIGTERM, 8.0), (signal.SIGQUIT, 7.0)),
        orphaned=signal.SIGQUIT,
        environment=CELERY,
    )


def beat_service() -> Service:
    """Celery beat. What it knows is in rows, so that an orphan may end at once.

    Its handler of SIGTERM queries the database: in the middle of another query it hangs for ever.
    """
    command = [sys.executable, "-m", "celery", "-q", "-A", "config.celery", "beat"]
    return Service(
        "beat",
        [*command, "--loglevel", "WARNING"],
        orphaned=signal.SIGKILL,
        environment=CELERY,
    )


def background_services() -> list[Service]:
    concurrency = int(os.environ.get("WORKER_CONCURRENCY", "2"))
    services = [worker_service("worker", "default", concurrency), beat_service()]
    missing = missing_for_training()
    if missing:
        absent = f"{', '.join(missing)} not installed (the `training` extra)"
        say(f"no training worker, no serving worker: {absent}")
    else:
        services.append(worker_service("training", "training", 1))
        # And a thread each for an evaluation and a matchmaking: see training/places.py.
        threads = int(os.environ.get("SERVING_THREADS", "8")) + 2
        services.append(worker_service("serving", "serving", threads, pool="threads"))
    return services


# Before anything starts -------------------------------------------------------------------


def address() -> tuple[str, int]:
    """HOST and PORT of the environment."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise StartRefused(f"PORT={text!r} is not a port number. Set PORT to 1 … 65535.")
    return os.environ.get("HOST") or "127.0.0.1", int(text)


def require_free_port(host: str, port: int) -> None:
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError as error:
            raise StartRefused(
                f"Cannot listen on {host} port {port}: {error.strerror}. "
                f"Stop what uses it, or choose another: PORT={port % 65535 + 1} bin/serve"
            ) from error


def claim(var: Path) -> IO[str]:
    """The lock that makes this the only supervisor of `var`; held until the file is closed."""
    folder = var / "run"
    folder.mkdir(parents=True, exist_ok=True)
    handle = (folder / "supervisor.lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        pid = handle.read().strip() or "unknown"
        raise StartRefused(
            f"Tandem already runs from {var} (pid {pid}). Stop it with: kill {pid}\n"
            "To run a second one beside it, give it its own folder and port: "
            "TANDEM_VAR=/some/folder PORT=8001 bin/serve"
        ) from None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


# The sequence -----------------------------------------------------------------------------


async def start_postgres(supervisor: Supervisor, cluster: Cluster) -> IO[str]:
    """Start the private server as a child; returns the mark that keeps it in use."""
    with exclusive(cluster.var):
        if cluster.stop():
            say("stopped the private PostgreSQL that ran on its own, to run it from here")
        cluster.prepare()
        cluster.clear_leftovers()
        child = supervisor.start(postgres_service(cluster))
        await asyncio.to_thread(cluster.wait_until_ready, child.process)
        os.environ["DATABASE_URL"] = cluster.url()
        return hold_in_use(cluster.var)


async def wait_until_healthy(supervisor: Supervisor, host: str, port: int) -> bool:
    """Poll /healthz until it answers 200; False when asked to stop meanwhile."""
    began, pause, warned = time.monotonic(), 0.05, False
    while not supervisor.stopping.is_set():
        if await asyncio.to_thread(answers, host, port):
            return True
        if not warned and time.monotonic() - began > LONG_START:
            warned = True
            said = f"/healthz does not answer 200 after {LONG_START} s, and is asked on;"
            say(f"{said} the web's output tells why, unless the machine is busy")
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, 2.0)
    return False


async def serve(var: Path, host: str, port: int) -> int:
    began = time.monotonic()
    supervisor = Supervisor(var / "run" / "children.json")
    supervisor.install_signals()
    try:
        return await _serve(supervisor, var, host, port, began)
    finally:
        await supervisor.stop(STOP_ORDER)
        say("stopped")


async def _serve(supervisor: Supervisor, var: Path, host: str, port: int, began: float) -> int:
    in_use = None
    if os.environ.get("DATABASE_URL"):
        say("3/5 PostgreSQL: the server that DATABASE_URL names")
    else:
        cluster = private_cluster(var)
        in_use = await start_postgres(supervisor, cluster)
        say(f"3/5 PostgreSQL: private, in {cluster.home} ({time.monotonic() - began:.1f} s)")
    say("4/5 database: migrations, first-run set-up")
    status = await supervisor.run_once(
        Service("prepare", [sys.executable, "-m", "config.prepare"], folder=BASE_DIR)
    )
    if status or supervisor.stopping.is_set():
        return max(status, 0)
    supervisor.start(web_service(host, port))
    if await wait_until_healthy(supervisor, host, port):
        shown = f"[{host}]" if ":" in host else host
        say(f"5/5 Tandem serves at http://{shown}:{port}/ ({time.monotonic() - began:.1f} s)")
        for service in background_services():
            supervisor.start(service)
    await supervisor.stopping.wait()
    if in_use:
        in_use.close()
    return 0


def main() -> int:
    os.chdir(BASE_DIR)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    var = var_dir()
    try:
        host, port = address()
        with claim(var):
            require_free_port(host, port)
            end_leftovers(var / "run" / "children.json", print_line)
            return asyncio.run(serve(var, host, port))
    except (StartRefused, ClusterError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except socket.gaierror as error:
        print(f"Error: HOST={os.environ.get('HOST')!r}: {error.strerror}.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
