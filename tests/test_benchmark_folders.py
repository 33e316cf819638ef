"""Benchmarks that are told to end put away what they made."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Says where its folder is, and waits to be told.
HOLDS = """
import signal
from benchmarks.folders import scratch_folder
with scratch_folder("told") as folder:
    (folder / "inner").mkdir()
    print(folder, flush=True)
    signal.pause()
"""


def test_sigterm_leaves_no_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    running = subprocess.Popen(
        [sys.executable, "-c", HOLDS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    folder = Path(running.stdout.readline().strip())
    assert (folder / "inner").is_dir()
    running.terminate()
    running.communicate(timeout=60)
    assert running.returncode == 143
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
