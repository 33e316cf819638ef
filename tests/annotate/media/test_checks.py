"""What a file really is: every format by foreign encoders, and what must be refused."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.media.checks import FORMATS, BadMedia, Inspected, inspect
from annotate.media.checks.source import MAX_READS, Source
from tests.annotate.media import making

LIMITS = {"image": 2_000_000, "audio": 300_000, "video": 4_000_000}
MADE = {
    "a.png": (making.picture("PNG", 70, 50), "PNG", (70, 50), None),
    "moving.apng": (making.animation("PNG"), "PNG", (64, 48), None),
    "a.jpg": (making.picture("JPEG", 71, 51), "JPEG", (71, 51), None),
    "steps.jpeg": (making.picture("JPEG", progressive=True), "JPEG", (64, 48), None),
    "turned.jpg": (making.turned_jpeg(64, 48), "JPEG", (48, 64), None),
    "a.gif": (making.picture("GIF", 5, 4), "GIF", (5, 4), None),
    "moving.gif": (making.animation("GIF"), "GIF", (64, 48), None),
    "a.webp": (making.picture("WEBP"), "WebP", (64, 48), None),
    "lossless.webp": (making.picture("WEBP", lossless=True), "WebP", (64, 48), None),
    "moving.webp": (making.animation("WEBP"), "WebP", (64, 48), None),
    "a.avif": (making.picture("AVIF"), "AVIF", (64, 48), None),
    "moving.avif": (making.animation("AVIF"), "AVIF", (64, 48), None),
    "a.wav": (making.tone(0.5), "WAV", None, 0.5),
    "a.mp3": (making.sound("mp3", "libmp3lame"), "MP3", None, 1.0),
    "a.m4a": (making.sound("ipod", "aac"), "M4A", None, 1.0),
    "sound.mp4": (making.sound("mp4", "aac"), "M4A", None, 1.0),
    "a.opus": (making.sound("ogg", "libopus"), "Ogg", None, 1.0),
    "a.ogg": (making.sound("ogg", "flac"), "Ogg", None, 1.0),
    "a.flac": (making.sound("flac", "flac"), "FLAC", None, 1.0),
    "a.weba": (making.sound("webm", "libopus"), "WebM sound", None, 1.0),
    "a.webm": (making.film("webm", "libvpx"), "WebM", (64, 48), 1.0),
    "nine.webm": (making.film("webm", "libvpx-vp9", 32, 16), "WebM", (32, 16), 1.0),
    "a.mp4": (making.film("mp4", "libx264", 80, 40, 2.0), "MP4", (80, 40), 2.0),
}


def look(data: bytes, name: str, declared: str = "", pixels: int = 10**8) -> Inspected:
    return inspect(
        io.BytesIO(data), name=name, declared_type=declared, max_bytes=LIMITS, max_pixels=pixels
    )


def why_refused(data: bytes, name: str, declared: str = "", pixels: int = 10**8) -> str:
    with pytest.raises(BadMedia) as refused:
        look(data, name, declared, pixels)
    return str(refused.value)


def test_every_format_is_made_here() -> None:
    assert {made[1] for made in MADE.values()} == {format.name for format in FORMATS}


@pytest.mark.parametrize("name", MADE)
def test_a_whole_file_is_taken_and_measured(name: str) -> None:
    data, format, size, seconds = MADE[name]
    found = look(data, name)
    assert (found.format.name, found.size) == (format, len(data))
    assert (found.width, found.height) == (size or (None, None))
    if format in ("GIF", "PNG", "JPEG", "WebP", "AVIF"):
        assert found.duration is None
    else:
        # Encoders pad with at most a frame: 1152 samples of MP3 at 48 kHz, twice.
        assert found.duration == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("name", MADE)
def test_a_file_cut_off_anywhere_is_refused(name: str) -> None:
    data = MADE[name][0]
    step = max(1, len(data) // 150)
    for end in [*range(0, len(data), step), len(data) - 1]:
        assert why_refused(data[:end], name)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("hidden", [b"<script>alert(1)</script>", b"PK\x03\x04" + b"zip" * 9])
def test_a_file_with_another_behind_it_is_refused(name: str, hidden: bytes) -> None:
    assert why_refused(MADE[name][0] + hidden, name)


@settings(max_examples=300)
@given(st.data())
def test_damage_is_refused_or_harmless_but_never_an_accident(data) -> None:
    name = data.draw(st.sampled_from(sorted(MADE)))
    raw = bytearray(MADE[name][0])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, min(len(raw), 2000) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadMedia):
        found = look(bytes(raw), name)
        assert found.format.kind == "audio" or (found.width and found.height)


@settings(max_examples=200)
@given(
    st.sampled_from(
        [
            *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"OggS", b"fLaC", b"ID3"),
            *(b"\x1a\x45\xdf\xa3", b"RIFF\x40\0\0\0WAVE", b"RIFF\x40\0\0\0WEBP"),
            *(b"\xff\xfb\x90", b"\0\0\0\x10ftypisom\0\0\0\0", b"\0\0\0\x10ftypavif\0\0\0\0"),
        ]
    ),
    st.binary(max_size=300),
)
def test_noise_behind_a_right_beginning_is_refused(begin: bytes, noise: bytes) -> None:
    for name in ("a.png", "a.mp3", "a.mp4"):
        assert why_refused(begin + noise, name)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "SVG"),
        (b'\xef\xbb\xbf <?xml version="1.0"?><svg/>', "SVG"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "HTML"),
        (b"\n\n <ScRiPt>", "HTML"),
        (b"BM" + bytes(60), "BMP"),
        (b"II*\0" + bytes(60), "TIFF"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"MZ" + bytes(60), "no kind known here"),
        (b"just text", "no kind known here"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "QuickTime"),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.mp4"])
def test_what_is_no_media_is_refused_whatever_its_name(data, says, name) -> None:
    assert says in why_refused(data, name)


@pytest.mark.parametrize(
    ("name", "as_name", "says"),
    [
        ("a.png", "a.jpg", "PNG by its content but .jpg by its name"),
        ("a.png", "a.html", "PNG by its content but .html"),
        ("a.png", "a.png.svg", "but .svg"),
        ("a.png", "a", "without an ending"),
        ("a.png", "png", "without an ending"),
        ("a.mp3", "a.wav", "MP3 by its content but .wav"),
        ("a.webm", "a.mp4", "WebM by its content but .mp4"),
        ("a.weba", "a.png", "but .png"),
    ],
)
def test_a_name_that_promises_something_else_is_refused(name, as_name, says) -> None:
    assert says in why_refused(MADE[name][0], as_name)


def test_the_declared_type_must_fit_too() -> None:
    png = MADE["a.png"][0]
    assert look(png, "A.PNG", "image/png; charset=binary").format.name == "PNG"
    assert look(png, "a.png", "application/octet-stream").format.name == "PNG"
    for wrong in ("image/svg+xml", "text/html", "image/jpeg"):
        assert f"was sent as {wrong}" in why_refused(png, "a.png", wrong)
    assert look(MADE["a.wav"][0], "a.wav", "audio/x-wav").format.content_type == "audio/wav"


def test_each_kind_has_its_own_limit() -> None:
    sound = making.tone(19)
    assert len(sound) > LIMITS["audio"]
    assert "audio may have at most 300,000" in why_refused(sound, "a.wav")
    long = making.sound("mp4", "aac", 1.0)
    padded = long + struct.pack(">I4s", 350_000, b"free") + bytes(350_000 - 8)
    assert "audio may have at most 300,000" in why_refused(padded, "a.m4a")
    film = MADE["a.mp4"][0] + struct.pack(">I4s", 350_000, b"free") + bytes(350_000 - 8)
    assert look(film, "a.mp4").size > LIMITS["audio"]


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that states any size; its pixels are all alike."""
    rows = zlib.compress(bytes(min(height * (width // 8 + 2), 100_000)))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_small_file_that_unfolds_to_a_huge_picture_is_refused() -> None:
    bomb = png_of(50_000, 50_000)
    assert len(bomb) < 1000
    assert "would unfold to 50,000 × 50,000 pixels" in why_refused(bomb, "a.png")
    assert look(png_of(1000, 1000), "a.png", pixels=10**6).width == 1000
    assert "at most 999,999" in why_refused(png_of(1000, 1000), "a.png", pixels=999_999)
    gif = bytearray(making.picture("GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    assert "65,535 × 65,535" in why_refused(bytes(gif), "a.gif")
    assert "no width or height" in why_refused(png_of(0, 9), "a.png")


def test_a_wrong_checksum_is_damage() -> None:
    png = bytearray(making.picture("PNG"))
    png[45] ^= 1
    assert "wrong checksum" in why_refused(bytes(png), "a.png")


def test_a_file_of_empty_parts_does_not_hold_the_server_up() -> None:
    boxes = struct.pack(">I4s", 8, b"free") * (MAX_READS // 2 + 10)
    source = Source(io.BytesIO(making.film("mp4", "mpeg4") + boxes))
    from annotate.media.checks import mp4

    with pytest.raises(BadMedia, match="too many tiny parts"):
        mp4.measure(source)


def test_a_wav_from_a_pipe_says_how_to_mend_it() -> None:
    wav = bytearray(making.tone(0.1))
    wav[4:8] = b"\xff\xff\xff\xff"
    assert "Save it to a file once more" in why_refused(bytes(wav), "a.wav")


def test_matroska_is_not_webm() -> None:
    assert "Matroska" in why_refused(making.sound("matroska", "libopus"), "a.webm")


def test_a_recording_from_a_browser_has_no_length() -> None:
    """MediaRecorder writes a segment of unknown size and no duration."""
    webm = bytearray(MADE["a.webm"][0])
    at = webm.index(b"\x18\x53\x80\x67") + 4
    webm[at : at + 8] = b"\x01" + b"\xff" * 7
    at = webm.index(b"\x44\x89\x88")
    webm[at + 1] = 0x88  # a name that no reader knows
    found = look(bytes(webm), "a.webm")
    assert (found.width, found.height, found.duration) == (64, 48, None)
    assert why_refused(bytes(webm[:-3]), "a.webm")
