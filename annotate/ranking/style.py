"""What a response looks like, as numbers that a board can take out of its strengths. Pure.

After T. Li, A. Angelopoulos and W.-L. Chiang 2024 ("Does style matter?", LMSYS): logit P(a > b) =
θ_a - θ_b + Σ γ_f x_f, with x_f the difference (f_a - f_b) / (f_a + f_b + 1) divided by its root
mean square. Here each utility of a ballot has its own term, (f - m) / (2 m + 1) with m the ballot's
mean of f: of two models that is the same, and it holds for any number. Nothing is subtracted
besides, so that it does not matter who is written first.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = ("length", "headers", "lists", "bold", "code")
POSITION = "position"
STYLES = (*FEATURES, POSITION)

_HEADER = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)
_LIST = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_CODE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


def style_of(text: str) -> tuple[int, int, int, int, int]:
    """FEATURES: characters, then headers, list items and bold passages outside code, its blocks."""
    fences = [match.start() for match in _CODE.finditer(text)]
    prose = text
    if fences:
        ends = [*fences[1::2], len(text)]
        inside = list(zip(fences[::2], ends, strict=False))
        prose = _without(text, inside)
    return (
        len(text.strip()),
        len(_HEADER.findall(prose)),
        len(_LIST.findall(prose)),
        len(_BOLD.findall(prose)),
        (len(fences) + 1) // 2,
    )


def _without(text: str, parts: Sequence[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in parts:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])


def relative(features_bKF: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """(f - m) / (2 m + 1) of counts in a ballot; their difference is 1 at most."""
    mean = features_bKF.mean(1, keepdims=True)
    found: NDArray[np.float64] = (features_bKF - mean) / (2 * mean + 1)
    return found


def position(place_bK: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """From 1/2 (shown first) to -1/2 (last); 0 in a ballot of which a place is not known (-1)."""
    import numpy as np

    last = max(place_bK.shape[1] - 1, 1)
    known = (place_bK >= 0).all(1, keepdims=True)
    return np.asarray(np.where(known, 0.5 - place_bK / last, 0.0))


def root_mean_square(blocks: "Sequence[NDArray[np.float64]]") -> "NDArray[np.float64]":
    """[F] of the differences between every two of a ballot; a ballot counts once, however long."""
    import numpy as np

    total = np.zeros(blocks[0].shape[2] if blocks else 0)
    count = 0
    for style_bKF in blocks:
        size = style_bKF.shape[1]
        apart = style_bKF - style_bKF.mean(1, keepdims=True)
        total += 2 * (apart**2).sum((0, 1)) / (size - 1)
        count += len(style_bKF)
    return np.asarray(np.sqrt(total / max(count, 1)))
