"""`tandem` on the command line, against the real server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tandem_client
from tandem_client.command.main import main
from tandem_client.command.parser import make_parser
from tandem_client.core.waiting import wait_for

from annotate.models import Judgement, Project, QualityRun, Task, User
from annotate.services import jobs
from annotate.services.incoming.import_runs import run_import
from annotate.services.reports.quality_reports import run_quality
from annotate.services.reports.quality_runs import start_run
from tests.client.conftest import PAIRS
from tests.client.proxy import nothing

CLIENT = Path(tandem_client.__file__).resolve().parents[1]


@pytest.fixture
def tandem(live_server, ada, token_of, monkeypatch, capsys):
    """tandem("projects", "list") -> (exit code, standard output, standard error)."""
    monkeypatch.setenv("TANDEM_URL", live_server.url)
    monkeypatch.setenv("TANDEM_TOKEN", token_of(ada))

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(one) for one in arguments])
        told = capsys.readouterr()
        errors = [line for line in told.err.splitlines() if " WARNING " not in line]
        return code, told.out, "\n".join(errors)

    return call


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    return path


def test_from_project_to_snapshot(tandem, file, tmp_path):
    code, out, err = tandem("--json", "projects", "create", "Rivers", "--overlap", 1)
    assert (code, err) == (0, "")
    project = json.loads(out)["id"]
    assert tandem("import", project, file, "--dry-run")[1].endswith(
        "; 0 tasks for people, 4 labels kept (nobody is asked about them: "
        "--labels tasks asks people)\n"
    )
    code, out, _ = tandem("import", project, file, "--labels", "tasks")
    assert code == 0
    asked = "4 tasks for people, 0 labels kept"
    assert out == f"{file}: 4 created, 0 updated, 0 there already, 0 bad; {asked}\n"
    code, out, _ = tandem("next", project)
    assert "Question" in out
    assert "[response " in out
    for _ in PAIRS:
        lease = json.loads(tandem("--json", "next", project)[1])
        value = {"verdict": "prefer", "preferred": lease["responses"][0]["id"], "strength": 1}
        assert tandem("judge", lease["seat"], json.dumps(value))[0] == 0
    assert tandem("next", project)[:2] == (0, "Nothing to do.\n")
    code, out, _ = tandem("projects", "show", project)
    assert "4 of 4 tasks complete" in out
    code, out, err = tandem("export", project, "--option", "superseded=1")
    assert (code, err, len(out.splitlines())) == (0, "", 4)
    target = tmp_path / "out.jsonl"
    code, told, _ = tandem("export", project, "-o", target, "--option", "superseded=1")
    assert target.read_text() == out
    assert told == f"{target}: {target.stat().st_size} bytes\n"
    assert "alpha not defined" in tandem("agreement", project)[1]
    snapshot = json.loads(tandem("--json", "snapshots", "create", project)[1])
    code, out, _ = tandem("snapshots", "download", snapshot["id"], tmp_path / "data")
    assert out.split() == [str(tmp_path / "data" / name) for name in snapshot["files"]]
    code, out, _ = tandem("snapshots", "compare", snapshot["id"], snapshot["id"])
    assert out == f"{snapshot['rows']} the same, 0 came, 0 went\n"
    assert tandem("snapshots", "list", project)[1].startswith(f"{snapshot['id']}\t1\t")
    assert "Rivers" in tandem("projects", "list")[1]
    for empty in (("runs", "list"), ("models",), ("judges",)):
        assert tandem(*empty, project)[:2] == (0, "")


@pytest.mark.parametrize(
    "arguments", ["--json projects list", "projects --json list", "projects list --json"]
)
def test_json_may_stand_before_the_command_and_behind(arguments):
    assert make_parser().parse_args(arguments.split()).json
    assert not make_parser().parse_args(["projects", "list"]).json


def test_seats_are_declined_and_handed_back(tandem, project):
    lease = json.loads(tandem("--json", "next", project)[1])
    _, out, _ = tandem("skip", lease["seat"], "expertise", "--note", "no rivers")
    assert out == f"Task {lease['task']} skipped: expertise\n"
    other = json.loads(tandem("--json", "next", project)[1])
    assert other["task"] != lease["task"]
    assert tandem("release", other["seat"])[0] == 0


def test_many_are_reviewed_and_seats_given_to_others(tandem, project, file):
    held = json.loads(tandem("--json", "next", project)[1])
    assert tandem("reviews", "release", project, held["seat"])[:2] == (
        0,
        f"{held['seat']}\topen\tTrue\n",
    )
    lease = json.loads(tandem("--json", "next", project)[1])
    tandem("judge", lease["seat"], json.dumps({"verdict": "tie"}))
    mine = Judgement.objects.get().pk
    bob, other = User.objects.create_user("bob"), Task.objects.exclude(pk=lease["task"]).first()
    values = {"project_id": project, "task": other, "kind": "pairwise", "value": {"verdict": "tie"}}
    his = Judgement.objects.create(**values, source="person", annotator=bob, flag="Odd").pk
    told = f"{his}\t{other.pk}\t{bob.pseudonym}\t-\tOdd\n"
    assert tandem("reviews", "queue", project, "--by", "flag")[:2] == (0, told)
    decisions = [{"judgement": pk, "decision": "accept"} for pk in (his, mine)]
    file.write_text("\n".join(map(json.dumps, decisions)))
    code, out, err = tandem("reviews", "decide", project, file)
    assert (code, out) == (3, f"{his}\t201\n{mine}\t403\n")
    assert err.startswith(f"judgement {mine}: ")  # one's own
    file.write_text('{"judgement": 1}\n[]\n')
    code, _, err = tandem("reviews", "decide", project, file)
    assert (code, err) == (2, "tandem: line 2 must be one JSON object")


def test_bad_rows_are_told_and_the_exit_code_says_so(tandem, project, file):
    with file.open("a") as more:
        more.write('{"prompt": "2 + 2?", "chosen": "4"}\nnot JSON\n')
    code, out, err = tandem("import", project, file, "--labels", "tasks")
    assert code == 3
    assert "4 there already, 2 bad" in out
    assert "line 5, rejected: " in err
    assert "line 6: Not JSON" in err
    file.write_text('{"prompt": "2 + 2?", "chosen": "4"}\n')
    code, _, err = tandem("import", project, file, "--format", "trl")
    assert code == 1
    assert "Line 1" in err


def test_a_background_import_tells_its_bad_rows(tandem, project, file, monkeypatch):
    """The worker does it while the command waits."""

    def wait_and_work(path, **options):
        run_import(int(path.strip("/").split("/")[1]))
        return wait_for(path, **options)

    monkeypatch.setattr("tandem_client.operations.imports.wait_for", wait_and_work)
    with file.open("a") as more:
        more.write('{"prompt": "2 + 2?", "chosen": "4"}\n')
    code, out, err = tandem("import", project, file, "--labels", "tasks", "--background")
    assert code == 3
    assert "4 there already, 1 bad" in out
    assert "line 5, rejected: " in err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["projects", "show", "0"], 1, "tandem projects list"),
        (["judge", "1", "[1]"], 2, "one JSON object"),
        (["judge", "1", "{"], 2, "no JSON"),
        (["export", "1", "--option", "split"], 2, "name=value"),
        (["export", "1", "--option", "file_type=parquet"], 2, "--output FILE"),
        (["import", "1", "nowhere.jsonl"], 1, "nowhere.jsonl"),
        (["import", "1", "x", "--background", "--dry-run"], 2, "leave --background out"),
        (["score", "1", "nowhere.jsonl"], 1, "nowhere.jsonl"),
        (["--url", "http://127.0.0.1:9", "projects", "list"], 4, "No connection"),
        (["--url", "ftp://host", "projects", "list"], 2, "begins with http"),
        (["--token-file", "/dev/null", "--url", "http://h", "projects", "list"], 0, ""),
    ],
)
def test_errors_are_words_and_an_exit_code(tandem, arguments, code, says, monkeypatch):
    monkeypatch.setattr("tandem_client.core.retries.random.random", lambda: 0.0)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    if code == 0:
        monkeypatch.delenv("TANDEM_TOKEN")
        code, says = 2, "no token"
    found, _, err = tandem(*arguments)
    assert found == code, err
    assert says in err
    assert "Traceback" not in err


def test_a_token_file_and_an_expired_token(tandem, tmp_path, ada, token_of, monkeypatch):
    monkeypatch.delenv("TANDEM_TOKEN")
    path = tmp_path / "token"
    path.write_text(token_of(ada) + "\n")
    assert tandem("--token-file", path, "projects", "list")[0] == 0
    secret = token_of(ada, expired=True)
    path.write_text(secret)
    code, out, err = tandem("--token-file", path, "projects", "list")
    assert code == 1
    assert "expired" in err
    assert "TANDEM_TOKEN" in err
    assert secret not in out + err


def test_a_cut_export_leaves_no_file(tandem, proxy, project, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    proxy.fates.extend([nothing] * 9)
    code, _, err = tandem("--url", proxy.url, "export", project, "-o", tmp_path / "rows.jsonl")
    assert code == 4
    assert "broke" in err
    assert list(tmp_path.iterdir()) == []


def test_the_package_installs_and_its_command_runs(tmp_path):
    """From the sources alone, as `pip install ./client` does."""
    source = tmp_path / "source"
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("__pycache__", "build"))
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    pip += ["--no-index", "--disable-pip-version-check", "--target", str(target), str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (target / "tandem_client" / "py.typed").exists()
    environment = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(
        [target / "bin" / "tandem", "--help"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout
    missing = {path.stem for path in (CLIENT / "tandem_client").rglob("*.py")} - {
        path.stem for path in (target / "tandem_client").rglob("*.py")
    }
    assert missing == set()


def test_consensus_of_what_people_judged(tandem, file, ada):
    project = json.loads(tandem("--json", "projects", "create", "Rivers", "--overlap", 1)[1])["id"]
    tandem("import", project, file, "--labels", "tasks")
    assert tandem("consensus", project)[:2] == (0, "")
    wanted = {}
    for _ in PAIRS:
        lease = json.loads(tandem("--json", "next", project)[1])
        best = lease["responses"][0]["id"]
        value = {"verdict": "prefer", "preferred": best, "strength": 1}
        assert tandem("judge", lease["seat"], json.dumps(value))[0] == 0
        wanted[lease["task"]] = best
    run = start_run(project=Project.objects.get(pk=project), actor=ada)
    run_quality(run=jobs.claim(QualityRun, run.pk, owner="w"))
    code, out, err = tandem("consensus", project, "--method", "majority")
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert {int(task): int(answer) for task, _, answer, *_ in rows} == wanted
    assert {votes for *_, votes, _ in rows} == {"1 votes"}
    told = tandem("--json", "consensus", project, "--method", "majority", "--voices", "human")[1]
    assert [json.loads(line)["task"] for line in told.splitlines()] == [int(r[0]) for r in rows]
    assert tandem("consensus", project, "--divided")[:2] == (0, "")
    code, _, err = tandem("consensus", project, "--method", "guess")
    assert code
    assert "method" in err
