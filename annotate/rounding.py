"""Numbers as people read them: few significant digits, never an exponent."""

from math import floor, isfinite, log10

from annotate.wording import translatable

ABOUT_NOTHING = 0.0005  # what is nearer to 0 differs from it in no way that matters to a reader
ABOUT_0 = translatable("about 0")
DIGITS = 2


def rounded(value: float, *, digits: int = DIGITS, signed: bool = False) -> str:
    """Written in English: 0.12, 0.0046, 1234, +0.5; ABOUT_0 for what is next to nothing, but 0 for
    0 itself. Whole parts are never rounded away.
    """
    if not isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if abs(value) < ABOUT_NOTHING:
        return ABOUT_0
    sign = "+" if signed else ""
    if abs(value) >= 10**digits:
        return f"{value:{sign}.0f}"
    near = float(f"{value:.{digits}g}")
    text = f"{near:{sign}.{max(0, digits - 1 - floor(log10(abs(near))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
