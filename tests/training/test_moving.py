"""Folders moved between two real file systems."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.disks import fill
from training.moving import move_folder
from training.recipes.errors import NoRoomError

FILES = {"a.safetensors": b"a" * 300_000, "deep/b.json": b"{}", "z.txt": b"end"}


@pytest.fixture
def made(tmp_path) -> Path:
    return make(tmp_path / "run" / "model")


def make(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_on_one_file_system_it_is_a_rename(made, tmp_path):
    inode = (made / "z.txt").stat().st_ino
    move_folder(made, tmp_path / "models" / "one")
    assert contents(tmp_path / "models" / "one") == FILES
    assert (tmp_path / "models" / "one" / "z.txt").stat().st_ino == inode
    assert not made.exists()


def test_between_two_it_is_there_whole_and_nothing_else(made, other_disk):
    target = other_disk / "7" / "one"
    move_folder(made, target)
    assert contents(target) == FILES
    assert [path.name for path in target.parent.iterdir()] == ["one"]
    assert not made.exists()
    move_folder(made, target)  # may be repeated
    assert contents(target) == FILES


def test_killed_in_the_middle_it_goes_on_with_what_is_missing(made, other_disk):
    target = other_disk / "one"
    program = """
import os, signal, sys
from pathlib import Path
from training.moving import move_folder
blocks = []
def check():
    blocks.append(1)
    if len(blocks) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
move_folder(Path(sys.argv[1]), Path(sys.argv[2]), check)
"""
    killed = subprocess.run([sys.executable, "-c", program, str(made), str(target)])
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    partial = other_disk / ".one.partial"
    assert contents(partial) == {"a.safetensors": FILES["a.safetensors"], "deep/.b.json.half": b""}
    kept = (partial / "a.safetensors").stat().st_ino
    assert contents(made) == FILES

    move_folder(made, target)
    assert contents(target) == FILES
    assert (target / "a.safetensors").stat().st_ino == kept
    assert [path.name for path in other_disk.iterdir()] == ["one"]


def test_nothing_of_an_earlier_model_is_mixed_in(made, other_disk):
    partial = make(other_disk / ".one.partial")
    (partial / "a.safetensors").write_bytes(b"b" * 300_000)  # as long, of another time
    os.utime(partial / "a.safetensors", (1, 1))
    (partial / "model-00002-of-00002.safetensors").write_bytes(b"old")
    move_folder(made, other_disk / "one")
    assert contents(other_disk / "one") == FILES


def test_a_full_disk_is_told_and_the_model_kept(made, small_disk):
    target = small_disk / "one"
    filler = fill(small_disk, leave=200_000)
    with pytest.raises(
        NoRoomError, match=r"No room for the folder one in .*small: it takes"
    ) as full:
        move_folder(made, target)
    assert "what was made is kept" in str(full.value)
    assert full.value.folder == str(small_disk)
    assert contents(made) == FILES
    assert {path.name for path in small_disk.iterdir()} <= {"filler", ".one.lock"}
    filler.unlink()
    move_folder(made, target)
    assert contents(target) == FILES


def test_a_disk_that_fills_up_meanwhile_is_told_too(made, small_disk):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 1:
            fill(small_disk, leave=100_000)

    with pytest.raises(NoRoomError, match="No room for the folder one"):
        move_folder(made, small_disk / "one", check)
    assert contents(made) == FILES
    assert not (small_disk / ".one.partial").exists()


def test_one_copies_at_a_time_and_the_other_finds_it_there(made, other_disk):
    target = other_disk / "one"
    lock = (other_disk / ".one.lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)

    def check():
        """The other one finishes while this one waits."""
        assert not (other_disk / ".one.partial").exists()
        shutil.copytree(made, target)
        lock.close()

    move_folder(made, target, check)
    assert contents(target) == FILES
    assert contents(made) == FILES  # it is not this one's to remove
