"""Moving a finished folder to its place, also onto another file system.

Between file systems nothing can be renamed. The files are copied into a hidden neighbour of the
target, each flushed to the disk, and the neighbour is renamed, so that a reader sees the folder
whole or not at all:

.NAME.partial/    the copy as it grows; files in it that have their own name are whole
.NAME.lock        held by who copies, gone once the target is there
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from training.recipes.room import folder_bytes, free_bytes, is_no_room, no_room

BLOCK = 1 << 22
REMEDY = (
    "Free some, or give that folder a larger disk; what was made is kept, and is moved by itself "
    "once there is room."
)
Check = Callable[[], None]


def move_folder(made: Path, target: Path, check: Check = lambda: None) -> None:
    """Move `made` to `target`, or nothing where the target is there already. May be repeated.

    A copy that was interrupted goes on with the files that it lacks. `check` is called between
    blocks and may raise. Raises NoRoomError, with no half copy left, when the target's disk is
    too full; `made` stays until the target is there.
    """
    try:
        _move(made, target, check)
    except OSError as error:
        needed = folder_bytes(made)
        if not is_no_room(error, target.parent, needed):
            raise
        what = f"the folder {target.name}"
        raise no_room(what, target.parent, needed, remedy=REMEDY) from error


def _move(made: Path, target: Path, check: Check) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        return
    try:
        made.rename(target)
    except OSError as error:
        if target.is_dir():
            return  # somebody else was faster
        if error.errno != errno.EXDEV:
            raise
        with _alone(target.with_name(f".{target.name}.lock"), check):
            if not target.is_dir():
                _copy_over(made, target, check)


def _copy_over(made: Path, target: Path, check: Check) -> None:
    partial = target.with_name(f".{target.name}.partial")
    partial.mkdir(exist_ok=True)
    try:
        _require_room(made, partial)
        _copy_files(made, partial, check)
    except OSError:
        shutil.rmtree(partial)
        raise
    partial.rename(target)
    _sync(target.parent)
    shutil.rmtree(made, ignore_errors=True)  # what stays goes with the run's other leftovers


@contextmanager
def _alone(path: Path, check: Check) -> Iterator[None]:
    """One at a time: a worker that lost its lease may still copy what the next one wants."""
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                check()
                time.sleep(0.2)
        yield
        path.unlink(missing_ok=True)  # who waited for it finds the target there


def _require_room(made: Path, partial: Path) -> None:
    """Asked before an hour of copying; what is there already need not be copied again."""
    missing = folder_bytes(made) - folder_bytes(partial)
    if free_bytes(partial) < missing:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(partial))


def _copy_files(made: Path, partial: Path, check: Check) -> None:
    names = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    for copy in [path for path in partial.rglob("*") if path.is_file()]:
        if copy.relative_to(partial) not in names:
            copy.unlink()  # of an attempt whose run was trained again since
    folders = {partial}
    for name in sorted(names):
        copy = partial / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        folders.add(copy.parent)
        if not _is_whole(made / name, copy):
            _copy_file(made / name, copy, check)
    for folder in folders:
        _sync(folder)


def _is_whole(source: Path, copy: Path) -> bool:
    """Whether an earlier attempt copied just this: its size and time, as rsync judges."""
    if not copy.is_file():
        return False
    one, other = source.stat(), copy.stat()
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _copy_file(source: Path, copy: Path, check: Check) -> None:
    half = copy.with_name(f".{copy.name}.half")
    with source.open("rb") as reader, half.open("wb") as writer:
        while block := reader.read(BLOCK):
            check()
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    of_source = source.stat()
    os.utime(half, ns=(of_source.st_atime_ns, of_source.st_mtime_ns))
    half.rename(copy)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
