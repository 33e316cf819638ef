"""The formats that are taken: how their bytes begin, what they are called, who measures them."""

from collections.abc import Callable
from dataclasses import dataclass

from annotate.media.checks import avif, flac, gif, jpeg, mp3, mp4, ogg, png, wav, webm, webp
from annotate.media.checks.boxes import brands
from annotate.media.checks.source import BadMedia, Measured, Source
from annotate.wording import translatable

KINDS = ("image", "audio", "video")


@dataclass(frozen=True)
class Format:
    """One format. `aliases` are other names that browsers and programs give its content type."""

    name: str
    kind: str
    content_type: str
    extensions: tuple[str, ...]
    measure: Callable[[Source], Measured]
    aliases: tuple[str, ...] = ()

    @property
    def extension(self) -> str:
        return self.extensions[0]

    @property
    def content_types(self) -> tuple[str, ...]:
        return (self.content_type, *self.aliases)


PNG = Format("PNG", "image", "image/png", ("png", "apng"), png.measure, ("image/apng",))
JPEG = Format("JPEG", "image", "image/jpeg", ("jpg", "jpeg", "jfif"), jpeg.measure, ("image/jpg",))
GIF = Format("GIF", "image", "image/gif", ("gif",), gif.measure)
WEBP = Format("WebP", "image", "image/webp", ("webp",), webp.measure)
AVIF = Format("AVIF", "image", "image/avif", ("avif", "avifs"), avif.measure)
WAV = Format(
    "WAV",
    "audio",
    "audio/wav",
    ("wav",),
    wav.measure,
    ("audio/x-wav", "audio/wave", "audio/vnd.wave"),
)
MP3 = Format("MP3", "audio", "audio/mpeg", ("mp3",), mp3.measure, ("audio/mp3",))
OGG = Format(
    "Ogg", "audio", "audio/ogg", ("ogg", "oga", "opus"), ogg.measure, ("audio/opus", "video/ogg")
)
FLAC = Format("FLAC", "audio", "audio/flac", ("flac",), flac.measure, ("audio/x-flac",))
M4A = Format("M4A", "audio", "audio/mp4", ("m4a", "mp4"), mp4.measure, ("audio/x-m4a", "video/mp4"))
MP4 = Format("MP4", "video", "video/mp4", ("mp4", "m4v"), mp4.measure, ("video/x-m4v",))
WEBM = Format("WebM", "video", "video/webm", ("webm",), webm.measure)
WEBM_SOUND = Format(
    translatable("WebM sound"),
    "audio",
    "audio/webm",
    ("webm", "weba"),
    webm.measure,
    ("video/webm",),
)
FORMATS = (PNG, JPEG, GIF, WEBP, AVIF, WAV, MP3, OGG, FLAC, M4A, MP4, WEBM, WEBM_SOUND)
TAKEN = "PNG, JPEG, GIF, WebP, AVIF; MP3, WAV, Ogg, FLAC, M4A; MP4, WebM"

_HEADS = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"OggS", OGG),
    (b"fLaC", FLAC),
    (b"ID3", MP3),
    (b"\x1a\x45\xdf\xa3", WEBM),
)
_FOREIGN = (
    (b"BM", translatable("is BMP: save it as PNG. Taken are: {taken}.")),
    (b"II*\0", translatable("is TIFF: save it as PNG or JPEG. Taken are: {taken}.")),
    (b"MM\0*", translatable("is TIFF: save it as PNG or JPEG. Taken are: {taken}.")),
    (b"%PDF", translatable("is PDF: save its pages as images. Taken are: {taken}.")),
    (
        b"PK\x03\x04",
        translatable(
            "is a ZIP archive: unpack it and send the files themselves. Taken are: {taken}."
        ),
    ),
    (
        b"\x1f\x8b",
        translatable(
            "is compressed by gzip: unpack it and send the files themselves. Taken are: {taken}."
        ),
    ),
    (b"FORM", translatable("is AIFF: save it as WAV or FLAC. Taken are: {taken}.")),
)


def format_of(content_type: str) -> Format:
    """The format whose own content type this is."""
    return next(format for format in FORMATS if format.content_type == content_type)


def recognise(source: Source) -> Format:
    """The format that the first bytes show. Raises BadMedia with what they are instead."""
    head = source.some(0, 64)
    if not head:
        raise BadMedia("is empty. Choose another file.")
    for begin, format in _HEADS:
        if head.startswith(begin):
            return format
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return WEBP if head[8:12] == b"WEBP" else WAV
    if head[4:8] == b"ftyp":
        return _of_boxes(brands(source))
    if mp3.begins_frame(head[:4]):
        return MP3
    raise _foreign(head)


def _of_boxes(found: set[bytes]) -> Format:
    if found & {b"avif", b"avis"}:
        return AVIF
    if found & {b"heic", b"heix", b"mif1", b"hevc"}:
        raise BadMedia("is HEIC, which most browsers do not show. Save it as JPEG or AVIF.")
    if b"qt  " in found:
        raise BadMedia("is QuickTime, which not every browser plays. Convert it to MP4.")
    return MP4


def _foreign(head: bytes) -> BadMedia:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml")):
        return BadMedia("is SVG or XML, which can carry scripts. Export it as PNG or WebP.")
    if text.startswith(b"<"):
        return BadMedia(
            "is HTML or other markup, which can carry scripts. Taken are: {taken}.", taken=TAKEN
        )
    for begin, reason in _FOREIGN:
        if head.startswith(begin):
            return BadMedia(reason, taken=TAKEN)
    return BadMedia("is of no kind known here. Taken are: {taken}.", taken=TAKEN)
