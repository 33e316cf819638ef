"""LaTeX as MathML that shows all of it, or not at all."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from xml.etree.ElementTree import Element

from django.utils.html import escape

from annotate.rendering.visible import has_marks, mark

logger = logging.getLogger(__name__)

# Elements, and how many children one must have where that matters.
ELEMENTS = {
    **dict.fromkeys(("math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mstyle"), None),
    **dict.fromkeys(("msqrt", "menclose", "mtable", "mtr", "mtd"), None),
    **dict.fromkeys(("mfrac", "msub", "msup", "munder", "mover", "mroot"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_SWITCH = re.compile("true|false")
_VARIANT = re.compile("normal|bold|italic|bold-italic|monospace")
# Attributes, and what their values may be. Nothing that hides, moves or links.
ATTRIBUTES = {
    "math": {"display": re.compile("block|inline"), "alttext": re.compile("(?s:.*)")},
    "mo": {
        **dict.fromkeys(
            ("stretchy", "fence", "largeop", "movablelimits"), re.compile("true|false")
        ),
        **dict.fromkeys(("minsize", "maxsize"), re.compile(r"[1-4](\.\d+)?em")),
        "form": re.compile("prefix|infix|postfix"),
    },
    "mi": {"mathvariant": _VARIANT},
    "mtext": {"mathvariant": _VARIANT},
    "mover": {"accent": re.compile("true")},
    "mspace": {"width": re.compile(r"[0-4](\.\d+)?em")},
    "mstyle": {"displaystyle": _SWITCH, "scriptlevel": re.compile("[0-2]")},
    "mfrac": {"linethickness": re.compile("0")},
    "menclose": {"notation": re.compile("box")},
    "mtable": {
        "displaystyle": _SWITCH,
        "columnlines": re.compile("(solid|none| )+"),
        "rowspacing": re.compile(r"[0-9](\.\d+)?(pt|em)"),
        "columnspacing": re.compile(r"([0-2](\.\d+)?em ?)+"),
    },
    "mtd": {"columnalign": re.compile("left|right|center")},
}
_MAX_DEPTH = 60
# The converter writes characters so; what people wrote is left as it is.
_NUMBERED = re.compile("&#x([0-9A-F]{1,6});")
# What defines, which can grow without bound, and comments, which hide.
_REFUSED = re.compile(r"(?<!\\)%|\\(?:re|provide)?newcommand|\\[egx]?def\b|\\let\b")
_COMMAND = re.compile(r"\\begin\{[a-z]+\*?\}(\{[lcr| ]*\})?|\\end\{[a-z]+\*?\}|\\[A-Za-z]+")
# The same thing under the name that the converter knows.
_SYNONYMS = {"{aligned}": "{align*}", "{gathered}": "{gather*}", "\\!": ""}


class _Unfit(Exception):
    """The MathML has something that it must not have, or lacks something."""


def to_mathml(latex: str, display: str) -> str | None:
    """`latex` without delimiters as a math element, yet to be sanitised; None if it does not work.

    It does not where the LaTeX is wrong, where it has what browsers do not show or what would
    hide or move something, and where a letter or digit of it is missing in the result.
    """
    if _REFUSED.search(latex) or has_marks(latex):
        return None
    known = latex
    for name, synonym in _SYNONYMS.items():
        known = known.replace(name, synonym)
    converter = _converter()
    try:
        math = converter(known, display=display)
    except Exception:
        # A parser of hostile text that raises whatever it meets, from IndexError to RecursionError.
        logger.debug("LaTeX that cannot be converted", exc_info=True)
        return None
    try:
        _check_letters(known, math)
        return _serialise(math, {"alttext": latex.strip()})
    except _Unfit:
        return None


@cache
def _converter() -> Callable[..., Element]:
    """Reading its tables takes a third of a second, which only texts with formulas pay."""
    from latex2mathml.converter import convert_to_element

    return convert_to_element


def _serialise(element: Element, extra: dict[str, str], depth: int = 0) -> str:
    tag = element.tag
    children = list(element)
    if tag not in ELEMENTS or depth > _MAX_DEPTH:
        raise _Unfit(tag)
    if ELEMENTS[tag] not in (None, len(children)):
        raise _Unfit(f"{tag} with {len(children)} children")
    text = _decode(element.text or "")
    if "\\" in text or (tag == "mi" and text in ("&", "{", "}")) or element.tail:
        raise _Unfit(text)
    given = {name: value for name, value in element.attrib.items() if name != "xmlns"} | extra
    attributes = "".join(_attribute(tag, name, value) for name, value in given.items())
    inner = "".join(_serialise(child, {}, depth + 1) for child in children)
    return f"<{tag}{attributes}>{escape(mark(text))}{inner}</{tag}>"


def _attribute(tag: str, name: str, value: str) -> str:
    allowed = ATTRIBUTES.get(tag, {}).get(name)
    if allowed is None or not allowed.fullmatch(value):
        raise _Unfit(f"{tag} {name}={value}")
    return f' {name}="{escape(value)}"'


def _decode(text: str) -> str:
    return _NUMBERED.sub(lambda hit: chr(int(hit[1], 16)), text)


def _check_letters(latex: str, math: Element) -> None:
    shown = _letters(_decode("".join(math.itertext())))
    if missing := _letters(_COMMAND.sub(" ", latex)) - shown:
        raise _Unfit(f"lost: {missing}")


def _letters(text: str) -> Counter[str]:
    """𝐱 and ℝ count as x and R."""
    return Counter(char for char in unicodedata.normalize("NFKC", text) if char.isalnum())
