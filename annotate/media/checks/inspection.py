"""The one check that every upload passes: type, name, declared type, size, structure, pixels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from annotate.media.checks.source import BadMedia, Measured, Source
from annotate.media.checks.types import M4A, MP4, WEBM, WEBM_SOUND, Format, recognise
from annotate.wording import Grouped, Told, translatable

LONGEST = 7 * 24 * 3600.0  # seconds
UNDECLARED = ("", "application/octet-stream", "binary/octet-stream")
_TOO_LARGE = {
    "image": translatable("has {size} bytes; an image may have at most {most}. Make it smaller."),
    "audio": translatable("has {size} bytes; audio may have at most {most}. Make it smaller."),
    "video": translatable("has {size} bytes; a video may have at most {most}. Make it smaller."),
}


@dataclass(frozen=True)
class Inspected:
    """A file that may be kept: pixels as shown, seconds; None where the file does not tell."""

    format: Format
    size: int
    width: int | None
    height: int | None
    duration: float | None


def inspect(
    stream: BinaryIO,
    *,
    name: str,
    declared_type: str,
    max_bytes: Mapping[str, int],
    max_pixels: int,
) -> Inspected:
    """Look at a seekable file; `max_bytes` is by kind. Raises BadMedia.

    Costs at most one pass over the file (JPEG, MP3, Ogg); nothing is decompressed.
    """
    source = Source(stream)
    format = recognise(source)
    _require_size(source.size, format, max_bytes)
    measured = format.measure(source)
    format = _told_apart(format, measured)
    _require_name(name, format)
    _require_declared(declared_type, format)
    _require_size(source.size, format, max_bytes)
    _require_pixels(measured, format, max_pixels)
    _require_duration(measured)
    return Inspected(format, source.size, measured.width, measured.height, measured.duration)


def _told_apart(format: Format, measured: Measured) -> Format:
    """Containers that hold video or only sound."""
    if format is MP4 and not measured.has_video:
        return M4A
    if format is WEBM and not measured.has_video:
        return WEBM_SOUND
    return format


def _require_size(size: int, format: Format, max_bytes: Mapping[str, int]) -> None:
    limit = max_bytes[format.kind]
    if format in (MP4, WEBM):  # may yet turn out to be sound alone
        limit = max(limit, max_bytes["audio"])
    if size > limit:
        raise BadMedia(
            _TOO_LARGE[format.kind],
            size=Grouped(size),
            most=Grouped(limit),
        )


def _require_name(name: str, format: Format) -> None:
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    if extension in format.extensions:
        return
    known = ", ".join(f".{one}" for one in format.extensions)
    if not extension:
        raise BadMedia(
            "has a name without an ending. It is {format}; its name must end with one of: {known}.",
            format=Told(format.name),
            known=known,
        )
    raise BadMedia(
        "is {format} by its content but .{ending} by its name. If {format} is what it should be, "
        "its name must end with one of: {known}.",
        format=Told(format.name),
        ending=extension,
        known=known,
    )


def _require_declared(declared: str, format: Format) -> None:
    declared = declared.partition(";")[0].strip().lower()
    if declared in UNDECLARED or declared in format.content_types:
        return
    raise BadMedia(
        "is {format} by its content but was sent as {sent}. Send it as {right}.",
        format=Told(format.name),
        sent=declared[:80],
        right=format.content_type,
    )


def _require_pixels(measured: Measured, format: Format, max_pixels: int) -> None:
    if format.kind == "audio":
        return
    width, height = measured.width, measured.height
    if not width or not height:
        raise BadMedia("is damaged: it states no width or height.")
    if width * height > max_pixels:
        raise BadMedia(
            "would unfold to {width} × {height} pixels; at most {most} fit into a browser's "
            "memory. Scale it down.",
            width=Grouped(width),
            height=Grouped(height),
            most=Grouped(max_pixels),
        )


def _require_duration(measured: Measured) -> None:
    seconds = measured.duration
    if seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST):
        return
    raise BadMedia("is damaged: it states a length of {seconds} seconds.", seconds=f"{seconds:g}")
