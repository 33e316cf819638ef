"""AVIF: one picture, or several as an animation, in boxes (AOMedia, AV1 Image File Format)."""

from annotate.media.checks.boxes import boxes, find
from annotate.media.checks.source import BadMedia, Measured, Source

FULL = 4  # version and flags, before a full box's content


def measure(source: Source) -> Measured:
    """The largest size that a property states: parts and previews are smaller."""
    top = {name: (body, end) for name, body, end in boxes(source, 0, source.size)}
    if b"meta" not in top or not {b"mdat", b"moov"} & set(top):
        raise BadMedia("holds no picture: an AVIF needs a meta box and its data.")
    begin, end = top[b"meta"][0] + FULL, top[b"meta"][1]
    sizes, turned = [(0, 0)], False
    for body, stop in find(source, (b"iprp", b"ipco"), begin, end):
        for name, at, _ in boxes(source, body, stop):
            if name == b"ispe":
                sizes.append((source.number(">I", at + FULL), source.number(">I", at + FULL + 4)))
            elif name == b"irot":
                turned = bool(source.at(at, 1)[0] & 1)
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    if not width or not height:
        raise BadMedia("is damaged: it states no size.")
    return Measured(height, width) if turned else Measured(width, height)
