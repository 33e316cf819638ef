"""Static files by versioned names, compressed: `var/static`, made again when a source changes.

A page names `css/base.3f2a….css`, which browsers keep for ever. Where nothing was collected (tests,
manage.py runserver) or a source has changed since, the plain names are used, which WhiteNoise
serves from the sources.
"""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

STAMP = "sources.sha256"


def sources_stamp() -> str:
    """A hash over path, size and time of every source; some hundred calls of stat()."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            path = storage.path(name)
            found = os.stat(path)
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def is_current(folder: Path) -> bool:
    """Whether what was collected there was made from the sources as they are."""
    try:
        return (folder / STAMP).read_text() == sources_stamp()
    except FileNotFoundError:
        return False


def collect_if_changed() -> bool:
    """Fill STATIC_ROOT unless it is current; whether that was needed.

    The stamp goes first and comes last, so a run that is killed half-way counts for nothing.
    """
    folder = settings.STATIC_ROOT
    if is_current(folder):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).unlink(missing_ok=True)
    stamp = sources_stamp()
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    (folder / STAMP).write_text(stamp)
    return True


class VersionedFiles(CompressedManifestStaticFilesStorage):
    """Versioned names while the manifest is current, plain names otherwise."""

    support_js_module_import_aggregation = True

    def read_manifest(self) -> str | None:
        """None without a current manifest: then no name is versioned."""
        return super().read_manifest() if is_current(Path(self.location)) else None

    def stored_name(self, name: str) -> str:
        return super().stored_name(name) if self.hashed_files else name

    def url_converter(
        self, name: str, hashed_files: dict[str, str], template: str | None = None
    ) -> Callable[[re.Match[str]], str]:
        """Rewrites imports in our own modules; some packages import what they do not carry."""
        if name.endswith(".js") and not name.startswith("js/"):
            return lambda found: found[0]
        return super().url_converter(name, hashed_files, template)
