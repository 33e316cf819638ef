"""MP4 and M4A: what the movie box says of tracks and time (ISO/IEC 14496-12 and -14)."""

from annotate.media.checks.boxes import boxes, find
from annotate.media.checks.source import BadMedia, Measured, Source

QUARTER_TURNS = ((0, 65536, -65536, 0), (0, -65536, 65536, 0))


def measure(source: Source) -> Measured:
    top = {name: (body, end) for name, body, end in boxes(source, 0, source.size)}
    if b"moov" not in top:
        raise BadMedia("is no whole MP4: its movie box is missing. Export or download it again.")
    if not {b"mdat", b"moof"} & set(top):
        raise BadMedia("holds no data: a movie box alone cannot be played.")
    size, kinds = None, set()
    for body, end in find(source, (b"trak",), *top[b"moov"]):
        handlers = [at for at, _ in find(source, (b"mdia", b"hdlr"), body, end)]
        kind = source.at(handlers[0] + 8, 4) if handlers else b""
        kinds.add(kind)
        if kind == b"vide" and size is None:
            headers = [at for at, _ in find(source, (b"tkhd",), body, end)]
            size = _size(source, headers[0]) if headers else None
    if not {b"vide", b"soun"} & kinds:
        raise BadMedia("has neither a track of pictures nor one of sound.")
    width, height = size or (None, None)
    return Measured(width, height, _duration(source, *top[b"moov"]), b"vide" in kinds)


def _size(source: Source, header: int) -> tuple[int, int]:
    """Width and height as shown, from a track header."""
    long = source.at(header, 1) == b"\x01"
    matrix = header + (52 if long else 40)
    turn = tuple(
        int.from_bytes(source.at(matrix + at, 4), "big", signed=True) for at in (0, 4, 12, 16)
    )
    width, height = (source.number(">I", matrix + 36 + at) >> 16 for at in (0, 4))
    return (height, width) if turn in QUARTER_TURNS else (width, height)


def _duration(source: Source, begin: int, end: int) -> float | None:
    """Seconds; None where the file leaves them to its fragments."""
    for body, _ in find(source, (b"mvhd",), begin, end):
        long = source.at(body, 1) == b"\x01"
        scale = source.number(">I", body + (20 if long else 12))
        ticks = source.number(">Q", body + 24) if long else source.number(">I", body + 16)
        unknown = 2**64 - 1 if long else 2**32 - 1
        return ticks / scale if scale and ticks and ticks != unknown else None
    return None
