"""Markdown as nobody writes it, for property tests."""

from hypothesis import strategies as st

MARKUP = [
    *("*", "**", "***", "_", "__", "~~", "~~~", "`", "``", "```", "```python\n", "````\n"),
    *("\n", "\n\n", "  \n", "\\\n", " \n", "\r\n", "\r", "\t", " ", "    ", "   "),
    *("> ", ">", ">\t", "- ", "-\t", "+ ", "1. ", "12) ", "# ", "## ", " ##\n", "---\n", "===\n"),
    *("|", "\\|", "\n|---|\n", "\n|---|:-:|\n", "| ", " |\n", "`|"),
    *(
        "[",
        "]",
        "](https://e.org)",
        '](https://e.org "t")',
        "![",
        "](<",
        "(",
        ")",
        "]: https://e.org",
    ),
    *("<https://e.org/%41?a=1&b>", "<a@e.org>", "<b>", "</b>", "<!--", "-->", "<br>"),
    *(
        "&amp;",
        "&#x1F600;",
        "&nbsp;",
        "&#10;",
        "&#0;",
        "&bogus;",
        "&",
        "&NotEqualTilde;",
        "&#x202E;",
    ),
    *("\\*", "\\", "\\\\", "\\&", "\\q", "\\`", "\\["),
    *("$x^2$", "$", "$$", "$$\n", "\\(", "\\)", "\\]", "$5 ", "\\frac{a}{b}"),
    *("\x00", "\x0b", "\x0c", "\x1f", "\x85", "\u202e", "\ue000", "\ue001", "\ud800", "\ufeff"),
    *("\xa0", "\u2028", "\u3000", "\u200d", "\u0301", "\ufe0f"),
]
WORDS = [
    "a",
    "word",
    "e\u0301",
    "👩‍👩‍👧",
    "🏳️‍🌈",
    "سلام",
    "שלום",
    "漢字",
    "ไทย",
    "x < y",
    '"q"',
    "return 1",
]

nasty = st.lists(st.sampled_from(MARKUP + WORDS) | st.text(max_size=3), max_size=40).map("".join)


@st.composite
def unique_letters(draw: st.DrawFn) -> str:
    """Markup around letters (U+4E00 on) of which no two are the same: where each is shown
    tells beyond doubt where it stands."""
    pieces = draw(st.lists(st.sampled_from([*MARKUP, ""]), max_size=40))
    letters = map(chr, range(0x4E00, 0x9FFF))
    words = ("".join(next(letters) for _ in range(draw(st.integers(0, 2)))) for _ in pieces)
    return "".join(piece + word for piece, word in zip(pieces, words, strict=True))
