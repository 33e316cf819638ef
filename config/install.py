"""`python -m config.install EXTRA…`: make `.venv` and install what pyproject.toml asks for.

Runs under the machine's own Python, before anything is installed: standard library only.
A stamp remembers what was installed, so that a second call takes a fraction of a second.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("TANDEM_VENV") or ROOT / ".venv")
CONSTRAINTS = ROOT / "constraints.txt"


class InstallError(RuntimeError):
    """The environment could not be made; the message says why and what to do."""


def requirements(extras: list[str]) -> list[str]:
    """The base requirements and those of `extras`, as pyproject.toml states them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    if unknown := sorted(set(extras) - set(optional)):
        raise InstallError(
            f"No extra named {', '.join(unknown)} in pyproject.toml; there are: "
            f"{', '.join(sorted(optional))}. Correct TANDEM_EXTRAS."
        )
    return sorted({*project["dependencies"], *(r for e in extras for r in optional[e])})


def fingerprint(wanted: list[str]) -> str:
    text = "\n".join([*wanted, CONSTRAINTS.read_text(), sys.version, str(VENV)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_venv() -> None:
    """Create the virtual environment, or make it anew when its Python no longer runs."""
    if _runs(VENV / "bin" / "python"):
        return
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise InstallError(
            f"{sys.executable} cannot make virtual environments (no venv or ensurepip). "
            f"Install it: apt install python3-venv (or python{sys.version_info[0]}."
            f"{sys.version_info[1]}-venv), or put another Python 3.11+ first on PATH."
        )
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise InstallError(f"Cannot make {VENV}:\n{done.stdout}{done.stderr}")


def _runs(python: Path) -> bool:
    if not python.exists():
        return False
    script = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def install(wanted: list[str]) -> None:
    """Let pip install `wanted` at the versions of constraints.txt."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(wanted))
        listed.flush()
        command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "-qq", "--no-input"]
        command += ["--disable-pip-version-check", "--progress-bar", "off"]
        command += ["--constraint", str(CONSTRAINTS), "--requirement", listed.name]
        with _Heartbeat():
            status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise InstallError(
            "pip could not install the packages (its message is above). Without a network, set "
            "PIP_FIND_LINKS to a folder of wheels; behind a mirror, PIP_INDEX_URL; for a smaller "
            "torch, PIP_EXTRA_INDEX_URL to the index of CPU builds; to go without training, "
            "TANDEM_EXTRAS= (empty)."
        )


class _Heartbeat:
    """A line every 20 s while pip is silent."""

    def __enter__(self) -> None:
        self.done = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.done.set()

    def _beat(self) -> None:
        began = time.monotonic()
        while not self.done.wait(20):
            print(f"    … still installing ({time.monotonic() - began:.0f} s)", flush=True)


def main(extras: list[str]) -> int:
    began = time.monotonic()
    try:
        wanted = requirements(extras)
        stamp = VENV / f".installed-{fingerprint(wanted)}"
        # Two commands started at once must not both write the environment.
        VENV.parent.mkdir(parents=True, exist_ok=True)
        with VENV.with_name(f"{VENV.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if stamp.exists() and _runs(VENV / "bin" / "python"):
                print(f"packages: up to date in {VENV}", flush=True)
                return 0
            print(
                f"packages: installing {len(wanted)} and what they need into {VENV} "
                f"({', '.join(['base', *extras])}); minutes the first time",
                flush=True,
            )
            make_venv()
            install(wanted)
            stamp.touch()
    except InstallError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"packages: installed in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
