"""The bytes on this machine's disk, by `STORAGES["media"]`; `s3.py` is the other choice."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages

CHUNK = 1 << 18


class MediaStorage(Protocol):
    """What media need of a storage."""

    def keep(self, key: str, file: File) -> None:
        """Store the bytes under the key, whole or not at all. Doing it twice changes nothing."""

    def read(self, key: str, begin: int, end: int) -> Iterator[bytes]:
        """Bytes from `begin` up to `end`, in chunks. Raises FileNotFoundError at once."""

    def delete(self, key: str) -> None:
        """Remove the bytes; those that are not there are no error."""


def media_storage() -> MediaStorage:
    return cast(MediaStorage, storages["media"])


class DiskStorage(FileSystemStorage):
    """Files below `location`, which only this account may read."""

    def keep(self, key: str, file: File) -> None:
        """A file appears under its name once it is on the disk, so a crash leaves no half of it."""
        path = Path(self.path(key))
        if path.exists() and path.stat().st_size == file.size:
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as kept:
            try:
                for chunk in file.chunks(CHUNK):
                    kept.write(chunk)
                kept.flush()
                os.fsync(kept.fileno())
                os.replace(kept.name, path)
            except BaseException:
                os.unlink(kept.name)
                raise

    def read(self, key: str, begin: int, end: int) -> Iterator[bytes]:
        path = self.path(key)
        os.stat(path)
        return _chunks(path, begin, end)


def _chunks(path: str, begin: int, end: int) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(begin)
        while begin < end and (chunk := file.read(min(CHUNK, end - begin))):
            begin += len(chunk)
            yield chunk
