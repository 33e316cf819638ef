"""What would mislead the eye, shown by its number: controls, direction overrides.

Two private-use characters stand around the number until the HTML is finished, so that parsers and
escaping see plain text. They are taken out of every text first.
"""

import re
from collections.abc import Sequence

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([0-9A-F]{{4}}){_CLOSE}")
_MISLEADING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e]")
_CHANGED = re.compile(rf"\r\n?|[\ud800-\udfff{_OPEN}{_CLOSE}]|{_MISLEADING.pattern}")


def make_visible(text: str) -> str:
    """`text` with marks for misleading characters, and with "\\n" for every line end."""
    return _CHANGED.sub(_replacement, text)


def make_visible_located(text: str) -> tuple[str, Sequence[int]]:
    """As `make_visible`, and for each character of the result where in `text` it stands."""
    positions: list[int] = []
    pieces: list[str] = []
    done = 0
    for hit in _CHANGED.finditer(text):
        shown = _replacement(hit)
        positions += range(done, hit.start())
        positions += [hit.end() - 1] * len(shown)
        pieces += text[done : hit.start()], shown
        done = hit.end()
    if not done:
        return text, range(len(text))
    positions += range(done, len(text))
    return "".join([*pieces, text[done:]]), positions


def mark(text: str) -> str:
    """`text`, which has been made visible but decoded since, with marks again."""
    return _MISLEADING.sub(_number, text)


def show_marks(html: str) -> str:
    """Finished HTML with the marks in its text as elements. No mark may stand in an attribute."""
    return _MARK.sub(r'<span class="hidden-character">U+\1</span>', html)


def show_marks_as_text(text: str) -> str:
    """As `show_marks`, for attributes."""
    return _MARK.sub(r"U+\1", text)


def has_marks(text: str) -> bool:
    return _OPEN in text


def _replacement(hit: re.Match[str]) -> str:
    char = hit[0]
    if char in ("\r\n", "\r"):
        return "\n"
    return _number(hit) if _MISLEADING.match(char) else "\ufffd"


def _number(hit: re.Match[str]) -> str:
    return f"{_OPEN}{ord(hit[0]):04X}{_CLOSE}"
