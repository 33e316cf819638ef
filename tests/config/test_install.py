"""Making the environment: what is asked of pip, and the words when something is missing."""

import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config import install

ROOT = Path(__file__).resolve().parents[2]
FIND_PYTHON = ROOT / "bin" / "find-python"


def find_python(folder: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["/bin/bash", str(FIND_PYTHON)],
        env={"PATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake_python(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def test_every_requirement_is_pinned_and_the_pin_satisfies_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert len(asked) > 25
    assert len(pins) > 80
    for text in asked:
        requirement = Requirement(text)
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{text} is pinned to {pin}"


def test_constraints_name_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*", line), line


def test_requirements_of_extras_add_to_the_base():
    base = install.requirements([])
    training = install.requirements(["training"])
    assert "torch==2.13.0" in training
    assert not any(r.startswith(("torch", "pytest")) for r in base)
    assert set(base) < set(training)


def test_an_unknown_extra_is_refused_with_the_known_ones():
    known = "benchmarks, dev, oidc, s3, training"
    with pytest.raises(install.InstallError, match=rf"gpu.*{known}.*TANDEM_EXTRAS"):
        install.requirements(["gpu"])


def test_the_fingerprint_follows_requirements_and_pins(tmp_path, monkeypatch):
    before = install.fingerprint(["a"])
    assert install.fingerprint(["a"]) == before
    assert install.fingerprint(["a", "b"]) != before
    pins = tmp_path / "constraints.txt"
    pins.write_text("a==2\n")
    monkeypatch.setattr(install, "CONSTRAINTS", pins)
    assert install.fingerprint(["a"]) != before


def test_a_broken_environment_is_made_anew_and_pip_s_failure_ends_with_a_remedy(tmp_path):
    """Real: the environment's Python is gone, and pip has no index to install from."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "removed")
    environment = {
        **os.environ,
        "TANDEM_VENV": str(tmp_path / "venv"),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    for name in ("PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "config.install"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert python.exists()
    assert done.returncode == 1
    assert "PIP_FIND_LINKS" in done.stderr
    assert list((tmp_path / "venv").glob(".installed-*")) == []


def test_a_shim_that_does_not_run_is_passed_over(tmp_path):
    fake_python(tmp_path, "python3.12", "echo not installed >&2; exit 127")
    (tmp_path / "python3").symlink_to(sys.executable)
    done = find_python(tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).exists()


def test_without_a_python_the_remedy_is_named(tmp_path):
    fake_python(tmp_path, "python3", "exit 1")
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert "PYTHON=" in done.stderr


def test_a_python_without_venv_is_named(tmp_path):
    fake_python(tmp_path, "python3", '[[ "$2" != *ensurepip* ]]')
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr


def test_python_names_the_one_to_take(tmp_path):
    done = find_python(tmp_path, PYTHON=sys.executable)
    assert Path(done.stdout.strip()).samefile(sys.executable)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["serve", "--help"], 0, "HOST=127.0.0.1 PORT=8000"),
        (["serve", "-h"], 0, "Ctrl-C stops everything"),
        (["test", "--help"], 0, "TANDEM_DATA_DIR"),
        (["serve", "PORT=9"], 2, "HOST=127.0.0.1 PORT=8000"),
    ],
)
def test_help_is_told_before_anything_is_installed(command, code, said, tmp_path):
    name, *arguments = command
    ended = subprocess.run(
        [ROOT / "bin" / name, *arguments],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": "/nowhere/python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, said in ended.stdout) == (code, True)
    assert ("PORT=9" in ended.stderr) == (code == 2)
