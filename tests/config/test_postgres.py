"""The private PostgreSQL: started once by whoever needs it, gone when nobody does."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from config import postgres
from config.account import account_for
from config.cluster import DATABASE, LONGEST_SOCKET_PATH, Cluster, ClusterError
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder of its own for one cluster, short and open enough for any account."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-pg-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    Cluster(folder).stop()
    shutil.rmtree(folder)


@pytest.fixture
def environment(var) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    return kept | {"TANDEM_VAR": str(var), "TANDEM_POSTGRES_THROW_AWAY": "1"}


def ask(url: str, query: str = "SELECT current_database()"):
    with psycopg.connect(url, connect_timeout=60) as connection:
        return connection.execute(query).fetchone()[0]


def gone(pid: int) -> bool:
    """Whether it ended; a zombie has, its starter just did not ask yet."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def user_process(environment, script: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = (
    "from config import postgres; print(postgres.database_url(), flush=True); "
    "import sys; sys.stdin.read()"
)


def test_start_makes_the_database_and_stop_ends_it(var):
    cluster = Cluster(var, durable=False)
    pid = cluster.start()
    assert cluster.running_pid() == pid
    assert ask(cluster.url()) == DATABASE
    assert cluster.stop() is True
    assert gone(pid)
    assert cluster.running_pid() is None
    assert cluster.stop() is False


def test_the_server_listens_on_a_private_socket_only(var):
    cluster = Cluster(var, durable=False)
    pid = cluster.start()
    assert psutil.Process(pid).net_connections("inet") == []
    assert cluster.socket_folder.stat().st_mode & 0o077 == 0
    assert cluster.data.stat().st_mode & 0o077 == 0


def test_durable_by_default(var):
    assert "fsync=off" not in Cluster(var).command()
    assert "autovacuum=off" not in Cluster(var).command()
    assert {"fsync=off", "autovacuum=off"} <= set(Cluster(var, durable=False).command())
    cluster = Cluster(var)
    cluster.start()
    assert ask(cluster.url(), "SHOW fsync") == "on"
    assert ask(cluster.url(), "SHOW max_connections") == "200"


def test_data_survive_kill_9_of_every_server_process(var):
    cluster = Cluster(var)
    pid = cluster.start()
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.execute("CHECKPOINT")
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):  # some end by themselves when the first is gone
            process.kill()
    psutil.wait_procs(family, timeout=PATIENCE)
    assert (cluster.data / "postmaster.pid").exists()
    assert cluster.running_pid() is None
    cluster.start()
    assert ask(cluster.url(), "SELECT answer FROM kept") == 42


def test_nobody_asks_a_server_that_is_still_starting(var):
    """Each try would be a FATAL line on the terminal, which reads like a failure."""
    cluster = Cluster(var, durable=False)
    for _ in range(3):
        os.kill(cluster.start(), signal.SIGKILL)
        wait_until(lambda: cluster.running_pid() is None)
    cluster.start()
    log = cluster.log.read_text()
    assert log.count("ready to accept connections") == 4
    assert "FATAL" not in log


def test_start_waits_for_backends_that_outlive_a_killed_postmaster(var):
    cluster = Cluster(var)
    pid = cluster.start()
    psutil.Process(pid).kill()
    assert cluster.start() != pid
    assert ask(cluster.url()) == DATABASE


def test_a_pid_file_whose_number_another_process_got_is_not_believed(var):
    cluster = Cluster(var, durable=False)
    cluster.start()
    cluster.stop()
    pid_file = cluster.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{cluster.data}\n1\n5432\n\n\n\nready\n")
    assert cluster.running_pid() is None
    cluster.start()
    assert ask(cluster.url()) == DATABASE


def test_two_processes_at_once_share_one_server_and_the_last_one_stops_it(var, environment):
    first, second = user_process(environment, HOLD), user_process(environment, HOLD)
    urls = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert len(urls) == 1
    assert ask(urls.pop()) == DATABASE
    cluster = Cluster(var)
    pid = cluster.running_pid()
    first.communicate(timeout=PATIENCE)
    assert cluster.running_pid() == pid
    second.communicate(timeout=PATIENCE)
    assert cluster.running_pid() is None


def test_a_server_started_by_hand_stays_until_stopped(var, environment):
    def command(action: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "config.postgres", action],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert command("status").returncode == 3
    started = command("start")
    assert started.returncode == 0, started.stderr
    pid = Cluster(var).running_pid()
    user_process(environment, HOLD).communicate(timeout=PATIENCE)
    assert Cluster(var).running_pid() == pid
    assert command("url").stdout == started.stdout
    assert f"pid {pid}" in command("status").stdout
    assert command("stop").stdout == "stopped\n"
    assert Cluster(var).running_pid() is None


def test_another_process_may_stop_a_server_whose_starter_lives_on(var, environment):
    """The server is then a zombie of its starter, which must not look like a running one."""
    cluster = Cluster(var, durable=False)
    pid = cluster.start()
    done = subprocess.run(
        [sys.executable, "-m", "config.postgres", "stop"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("stopped\n", "")
    # It was seen to end at the first signal: the second one comes after all patience.
    said = cluster.log.read_text()
    assert "received fast shutdown request" in said
    assert "received immediate shutdown request" not in said
    assert cluster.running_pid() is None
    assert cluster.start() != pid
    assert ask(cluster.url()) == DATABASE


def test_a_killed_user_does_not_keep_the_server_for_ever(var, environment):
    killed = user_process(environment, HOLD)
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    assert Cluster(var).running_pid() is not None
    user_process(environment, HOLD).communicate(timeout=PATIENCE)
    assert Cluster(var).running_pid() is None


def test_a_half_made_cluster_is_made_anew(var):
    cluster = Cluster(var, durable=False)
    cluster.start()
    cluster.stop()
    (cluster.data / "PG_VERSION").unlink()
    cluster.start()
    assert ask(cluster.url()) == DATABASE


def test_a_deep_folder_gets_a_short_socket(var):
    deep = var / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    cluster = Cluster(deep, durable=False)
    try:
        cluster.start()
        assert len(os.fsencode(cluster.socket_folder)) < LONGEST_SOCKET_PATH
        assert ask(cluster.url()) == DATABASE
    finally:
        cluster.stop()
        shutil.rmtree(cluster.socket_folder)


def test_another_major_version_is_refused_with_a_remedy(var):
    cluster = Cluster(var, durable=False)
    cluster.start()
    cluster.stop()
    (cluster.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(ClusterError, match=r"PostgreSQL 16.*pg_dump.*DATABASE_URL"):
        cluster.start()


def test_a_server_that_cannot_start_shows_its_log_and_a_remedy(var):
    cluster = Cluster(var, durable=False)
    cluster.start()
    cluster.stop()
    (cluster.data / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(ClusterError, match=r"(?s)DATABASE_URL.*no_such_setting"):
        cluster.start()


def test_database_url_of_the_environment_starts_nothing(var, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/else")
    monkeypatch.setenv("TANDEM_VAR", str(var / "unused"))
    assert postgres.database_url() == "postgres://somewhere/else"
    assert not (var / "unused").exists()


def test_stop_ends_a_server_with_an_open_transaction(var):
    cluster = Cluster(var, durable=False)
    pid = cluster.start()
    with psycopg.connect(cluster.url()) as connection:
        connection.execute("CREATE TABLE t (n int)")
        assert cluster.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        connection.close()
    assert gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="about the account that root switches to")
class TestAsRoot:
    def test_the_server_runs_under_the_account_that_owns_the_data(self, var):
        cluster = Cluster(var, durable=False)
        pid = cluster.start()
        assert psutil.Process(pid).uids().effective == cluster.data.stat().st_uid != 0
        assert account_for(cluster.data).uid == cluster.data.stat().st_uid

    def test_a_folder_that_only_root_can_enter_still_works(self, var):
        closed = var / "closed"
        closed.mkdir(mode=0o700)
        cluster = Cluster(closed, durable=False)
        try:
            cluster.start()
            assert ask(cluster.url()) == DATABASE
            assert closed.stat().st_mode & 0o077 == 0
            assert Cluster(closed).running_pid() == cluster.running_pid()
        finally:
            cluster.stop()
            shutil.rmtree(cluster.home)

    def test_an_ordinary_user_can_run_it_too(self, var, environment):
        account = account_for(var / "absent")
        python = next(
            (
                path
                for path in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
                if account.can_enter(Path(path)) and account.can_enter(ROOT / "config")
            ),
            None,
        )
        if python is None:
            pytest.skip(f"{account.name} can reach neither {sys.executable} nor {ROOT}")
        account.own(var)
        environment |= {
            "HOME": str(var),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(Path(psycopg.__file__).parents[1]),
        }
        done = subprocess.run(
            [python, "-m", "config.postgres", "start"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **account.popen_options(),
        )
        assert done.returncode == 0, done.stderr
        pid = Cluster(var).running_pid()
        assert psutil.Process(pid).uids().effective == account.uid


def test_signal_to_a_user_process_leaves_no_lock(var, environment):
    user = user_process(environment, HOLD)
    user.stdout.readline()
    user.send_signal(signal.SIGTERM)
    user.communicate(timeout=PATIENCE)
    wait_until(lambda: not postgres._is_used(var))
    assert postgres.stop(var) is True
