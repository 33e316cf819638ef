import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

CHILD = """
import signal, sys, time
from config.lifetime import end_group_when_orphaned
for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
end_group_when_orphaned(0.2, poll=0.05)
print("ready", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], start_new_session=__SESSION__)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("leads", [True, False])
def test_only_the_leader_of_a_group_ends_it(leads: bool) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("__SESSION__", str(leads))],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    child = psutil.Process(int(parent.stdout.readline()))
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait(60)
    deadline = time.monotonic() + (60 if leads else 1)
    while runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    survived = runs(child)
    if survived:
        os.kill(child.pid, signal.SIGKILL)
    assert survived is not leads


def runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
