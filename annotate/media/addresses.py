"""Where a browser finds a media file, and under which names."""

from pathlib import PurePosixPath

from django.urls import reverse

from annotate.media.checks import format_of
from annotate.models import MediaFile


def neutral_name(file: MediaFile) -> str:
    """ "image.png": the true name may tell annotators which model made the file."""
    return f"{file.kind}.{format_of(file.content_type).extension}"


def true_name(file: MediaFile) -> str:
    """As it was sent, without folders."""
    return PurePosixPath(file.name).name


def media_address(file: MediaFile, name: str) -> str:
    return reverse("media_file", args=[file.project_id, file.sha256, name])
