"""`python -m config.leftovers VAR`: end every process that still works in the folder VAR.

Used at the end of a test run, whose private server and whatever a failed test left must go.
"""

import sys
from contextlib import suppress
from pathlib import Path

import psutil

from config.postgres import stop


def processes_of(var: Path) -> list[psutil.Process]:
    """Processes whose TANDEM_VAR is `var` or a folder below it, and servers working there."""
    found = []
    for process in psutil.process_iter():
        try:
            folders = [process.environ().get("TANDEM_VAR", "")]
            if process.name() == "postgres":
                folders.append(process.cwd())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if any(folder and Path(folder).is_relative_to(var) for folder in folders):
            found.append(process)
    own = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in found if process.pid not in own]


def main(var: Path) -> int:
    stop(var)
    left = processes_of(var)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            print(f"ending a process the tests left: {process.pid} {command[:200]}")
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=10)
    for process in stubborn:
        process.kill()
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
