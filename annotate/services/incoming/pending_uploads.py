"""Files that were sent but not yet imported: kept while their sender looks at the preview."""

import time
import uuid
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from annotate.interchange.registry import UnknownFormat, refuse_unreadable_file
from annotate.models import Project, User
from annotate.services.incoming.imports import BadFile, too_large
from annotate.wording import Told

KEPT_SECONDS = 24 * 3600
SALT = "annotate.pending_upload"


class NoSuchUpload(Exception):
    """It was imported, dropped, or is older than a day; the message says what to do."""


def keep_upload(*, project: Project, user: User, upload: UploadedFile) -> str:
    """Keep the file and return the signed key that only this user and project can use.

    Also removes what others left behind more than a day ago. Raises BadFile, also for one
    whose first bytes are no text at all.
    """
    if upload.size > settings.MAX_UPLOAD_BYTES:
        raise too_large()
    if not upload.size:
        raise BadFile(Told("The file is empty. Choose another one."))
    try:
        refuse_unreadable_file(upload.file)
    except UnknownFormat as problem:
        raise BadFile(problem.why) from problem
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    _remove_old(folder)
    kept = uuid.uuid4().hex
    with open(folder / kept, "xb") as file:
        for chunk in upload.chunks():
            file.write(chunk)
    name = Path(upload.name or "upload").name[:255]
    return signing.dumps([kept, name, project.pk, user.pk], salt=SALT, compress=True)


def open_upload(*, project: Project, user: User, key: str) -> tuple[BinaryIO, str]:
    """The open file and its name as it was sent. Raises NoSuchUpload."""
    kept, name = _read(project, user, key)
    try:
        return open(_folder() / kept, "rb"), name
    except FileNotFoundError:
        raise NoSuchUpload(_("The file is no longer kept here. Send it again.")) from None


def drop_upload(*, project: Project, user: User, key: str) -> None:
    """Remove the file; doing it twice changes nothing. Raises NoSuchUpload."""
    kept, _name = _read(project, user, key)
    (_folder() / kept).unlink(missing_ok=True)


def _read(project: Project, user: User, key: str) -> tuple[str, str]:
    try:
        kept, name, project_id, user_id = signing.loads(key, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        raise NoSuchUpload(_("The file is no longer kept here. Send it again.")) from None
    if (project_id, user_id) != (project.pk, user.pk):
        raise NoSuchUpload(_("Somebody else sent this file. Send it yourself."))
    return kept, name


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < time.time() - KEPT_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue


def _folder() -> Path:
    return settings.VAR_DIR / "uploads" / "pending"
