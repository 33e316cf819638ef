"""Telling a full disk from other faults of writing, and what to do about it.

torch and safetensors hide the operating system's number: the one says "unexpected pos", the other
puts it into a sentence. So what is known of an error is checked against the disk itself.
"""

import errno
import shutil
from pathlib import Path

from training.recipes.errors import NoRoomError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SAYINGS = ("No space left on device", "(os error 28)", "(os error 122)")
VEILED = ("unexpected pos", "PytorchStreamWriter failed", "iostream error")
MEGABYTE = 2**20
REMEDY = (
    "Free some, or give the state folder (TANDEM_VAR) a larger disk; the run then goes on by "
    "itself from its newest checkpoint."
)


def is_no_room(error: BaseException, folder: Path, needed: int) -> bool:
    """Whether writing failed since `folder`'s disk, quota or limit of file size was used up.

    `needed`: bytes that were about to be written.
    """
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    words = str(error)
    if any(saying in words for saying in SAYINGS):
        return True
    veiled = isinstance(error, RuntimeError) and any(saying in words for saying in VEILED)
    return veiled and free_bytes(folder) < needed


def no_room(what: str, folder: Path, needed: int, *, remedy: str = REMEDY) -> NoRoomError:
    """The error for people. Remove what was half written before making it: it counts as free."""
    needed = max(needed, MEGABYTE)
    return NoRoomError(
        f"No room for {what} in {folder}: it takes about {_megabytes(needed)} and "
        f"{_megabytes(free_bytes(folder))} are free. {remedy}",
        folder=str(folder),
        needed=needed,
    )


def free_bytes(folder: Path) -> int:
    """What the disk of the folder, or of its nearest parent that is there, still takes."""
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
