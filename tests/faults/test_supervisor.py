"""The process tree: a child that dies comes back, and nothing outlives its supervisor."""

import json
import os
import shutil
import signal
import socket
import sys
import urllib.request

import psutil
import psycopg
import pytest
from django.db import connection, transaction

from config.cluster import Cluster
from tests.faults.processes import Tree, free_port, new_var, wait_until, wait_until_none_survive
from tests.faults.training_worker import database_url
from tests.waiting import PATIENCE

# A supervisor of small fake services: `steady` with a child of its own, `deaf` to SIGTERM.
FAKE = """
import asyncio, os, signal, sys
from pathlib import Path
from config.supervision import Service, Supervisor, end_leftovers, print_line
SLEEP = "import os, time; print('{name} pid', os.getpid(), flush=True); time.sleep(600)"
CHILD = (
    "import os, subprocess, sys, time; "
    "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('steady pid', os.getpid(), 'child', c.pid, flush=True); time.sleep(600)"
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
def python(code): return [sys.executable, "-c", code]
services = {
    "steady": Service("steady", python(CHILD), ((signal.SIGTERM, 5.0),)),
    "deaf": Service("deaf", python(DEAF.format(name="deaf")), ((signal.SIGTERM, 0.5),)),
    "failing": Service("failing", python("print('failing ran', flush=True); raise SystemExit(3)")),
    "plain": Service("plain", python(SLEEP.format(name="plain"))),
}
async def main():
    state = Path(sys.argv[1]) / "children.json"
    end_leftovers(state, print_line, patience=2)
    supervisor = Supervisor(state)
    supervisor.install_signals()
    for name in sys.argv[2:]:
        supervisor.start(services[name])
    await supervisor.stopping.wait()
    await supervisor.stop()
    print("all stopped", flush=True)
asyncio.run(main())
"""


@pytest.fixture
def fake(tmp_path):
    trees = []

    def start(*names: str) -> Tree:
        tree = Tree(["-c", FAKE, str(tmp_path), *names], {})
        trees.append(tree)
        for name in names:
            tree.wait_for("failing ran" if name == "failing" else f"{name} pid")
        tree.family()
        return tree

    yield start
    for tree in trees:
        tree.clean_up()


def test_a_killed_child_is_started_again_and_said_so(fake):
    tree = fake("steady", "plain")
    first = tree.pid_of("steady")
    os.kill(first, signal.SIGKILL)
    tree.wait_for("steady pid", times=2)
    assert tree.pid_of("steady") != first
    assert f"steady (pid {first}) was killed by SIGKILL; starting it again" in tree.output
    assert tree.output.count("plain pid") == 1
    assert tree.stop() == 0


def test_what_a_killed_child_had_started_does_not_stay(fake):
    tree = fake("steady")
    grandchild = psutil.Process(int(tree.output.split("child ")[1].split()[0]))
    os.kill(tree.pid_of("steady"), signal.SIGKILL)
    tree.wait_for("steady pid", times=2)
    wait_until(
        lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE,
        10,
        "the grandchild's end",
    )
    tree.family()
    assert tree.stop() == 0
    assert tree.survivors() == []


def test_a_child_that_keeps_failing_is_started_ever_more_rarely(fake):
    tree = fake("failing")
    for delay in ("0.5", "1", "2"):
        tree.wait_for(f"ended with status 3; starting it again in {delay} s")
    assert tree.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_reverse_order(fake, number):
    tree = fake("steady", "plain")
    family = tree.family()
    assert len(family) == 3
    assert tree.stop(number) == 0
    assert "all stopped" in tree.output
    assert tree.survivors() == []


def test_a_deaf_child_is_killed_after_its_grace_time(fake):
    tree = fake("deaf", "steady")
    assert tree.stop(seconds=20) == 0
    assert "deaf ignored SIGTERM for 0.5 s" in tree.output
    assert tree.survivors() == []


def test_a_second_ctrl_c_kills_at_once(fake):
    tree = fake("deaf", "steady")
    tree.process.send_signal(signal.SIGINT)
    tree.wait_for("stopping")
    assert tree.stop(seconds=10) == 0
    assert tree.survivors() == []


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_kill_9_of_the_supervisor_leaves_no_child(fake):
    tree = fake("plain", "failing")
    tree.family()
    tree.process.kill()
    tree.process.wait(PATIENCE)
    wait_until(lambda: tree.survivors() == [], 10, "the end of the children")


def test_leftovers_of_a_killed_supervisor_are_ended_at_the_next_start(fake, tmp_path):
    """As on a system without the parent-death signal: the deaf child survives SIGTERM."""
    tree = fake("deaf")
    deaf = psutil.Process(tree.pid_of("deaf"))
    recorded = json.loads((tmp_path / "children.json").read_text())
    assert recorded["deaf"][0] == deaf.pid
    tree.process.kill()
    tree.process.wait(PATIENCE)
    assert deaf.is_running()
    successor = Tree(["-c", FAKE, str(tmp_path), "plain"], {})
    try:
        successor.wait_for("ending deaf", seconds=10)
        successor.wait_for("plain pid", seconds=40)
        assert not deaf.is_running() or deaf.status() == psutil.STATUS_ZOMBIE
        assert successor.stop() == 0
    finally:
        successor.clean_up()


def test_a_recorded_number_that_now_belongs_to_another_is_left_alone(fake, tmp_path):
    (tmp_path / "children.json").write_text(json.dumps({"web": [os.getpid(), 12345.0]}))
    tree = fake("plain")  # would have ended this very test
    assert tree.stop() == 0


BEAT = """
import asyncio, sys
from pathlib import Path
from config.supervision import Supervisor
from config.supervisor import beat_service
async def main():
    Supervisor(Path(sys.argv[1]) / "children.json").start(beat_service())
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
@pytest.mark.django_db(transaction=True)
def test_kill_9_of_the_supervisor_ends_a_beat_that_waits_for_the_database(tmp_path):
    tree = Tree(["-c", BEAT, str(tmp_path)], {"DATABASE_URL": database_url()})
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE django_celery_beat_periodictask")
            wait_until(lambda: waiting(cursor), 60, "beat asks for its schedule")
            assert len(tree.family()) == 1
            tree.process.kill()
            tree.process.wait(PATIENCE)
            wait_until_none_survive(tree, 10)
    finally:
        tree.clean_up()


def waiting(cursor) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
        " AND relation = 'django_celery_beat_periodictask'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return cursor.fetchone()[0]


# The real tree ----------------------------------------------------------------------------


@pytest.fixture
def var():
    folder = new_var()
    yield folder
    Cluster(folder).stop()
    shutil.rmtree(folder)


@pytest.fixture
def real(var):
    trees = []

    def start(port: int, **more: str) -> Tree:
        environment = {"TANDEM_VAR": str(var), "PORT": str(port), "HOST": "127.0.0.1", **more}
        environment.setdefault("DATABASE_URL", "")
        tree = Tree(["-m", "config.supervisor"], environment)
        trees.append(tree)
        return tree

    yield start
    for tree in trees:
        tree.clean_up()


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False


def workers_ready(tree: Tree) -> None:
    tree.wait_for("worker@", seconds=60)
    tree.wait_for("training@", seconds=60)
    tree.wait_for("serving@", seconds=60)


def test_the_whole_tree_serves_heals_and_stops(real, var):
    port = free_port()
    tree = real(port)
    tree.wait_for("Tandem serves at", seconds=120)
    wait_until(lambda: healthy(port), 30, "its first answer")
    workers_ready(tree)
    tree.family()

    second = real(free_port())
    assert second.process.wait(PATIENCE) == 1
    second.wait_for(f"already runs from {var} (pid {tree.process.pid})")

    children = json.loads((var / "run" / "children.json").read_text())
    assert set(children) == {"postgres", "web", "worker", "training", "serving", "beat"}
    os.kill(children["web"][0], signal.SIGKILL)
    tree.wait_for("web (pid", seconds=20)
    wait_until(lambda: healthy(port), 30, "the web's return")
    os.kill(children["postgres"][0], signal.SIGKILL)
    tree.wait_for("postgres (pid", seconds=20)
    tree.wait_for("database system is ready to accept connections", seconds=30, times=2)
    with psycopg.connect(Cluster(var).url()) as database:
        assert database.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 0

    tree.family()
    assert tree.stop(signal.SIGINT, seconds=90) == 0
    assert tree.survivors() == []
    assert Cluster(var).running_pid() is None
    assert not healthy(port)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_kill_9_of_the_real_supervisor_leaves_nothing(real, var):
    port = free_port()
    tree = real(port)
    tree.wait_for("Tandem serves at", seconds=120)
    workers_ready(tree)
    assert len(tree.family()) >= 6
    tree.process.kill()
    tree.process.wait(PATIENCE)
    wait_until_none_survive(tree)
    again = real(port)
    again.wait_for("Tandem serves at", seconds=60)
    again.family()
    assert again.stop(seconds=90) == 0
    assert again.survivors() == []


def test_a_taken_port_is_named_with_a_remedy(real):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tree = real(port)
        assert tree.process.wait(PATIENCE) == 1
        tree.wait_for(f"Cannot listen on 127.0.0.1 port {port}")
        tree.wait_for("bin/serve")


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"PORT": "eighty"}, "PORT='eighty' is not a port"), ({"PORT": "70000"}, "1 … 65535")],
)
def test_a_bad_port_is_refused(var, setting, message):
    tree = Tree(["-m", "config.supervisor"], {"TANDEM_VAR": str(var), **setting})
    assert tree.process.wait(PATIENCE) == 1
    tree.wait_for(message)


def test_a_database_that_does_not_answer_is_named(real):
    tree = real(free_port(), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert tree.process.wait(PATIENCE) == 1
    tree.wait_for("the database does not answer")
    tree.wait_for("Check DATABASE_URL")
