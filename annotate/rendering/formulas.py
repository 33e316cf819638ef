"""LaTeX in Markdown: where formulas begin and end, and what is shown for them."""

import re

from django.utils.html import escape
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.utils import EnvType

from annotate.rendering.mathml import to_mathml

_MAX_CHARS = 2_000
# Longer formulas than these, all together, would hold up everybody on the server.
_MAX_CONVERTED_CHARS = 10_000
_DOLLARS = re.compile(r"\$(?=[^\s$])[^$\n]{0,500}?(?<=[^\s\\$])\$(?!\d)")
_LATEX = re.compile(r"[\\^_=+<>]")
_INLINE = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_DISPLAY = {"\\[": "\\]", "$$": "$$"}


def read_formula(state: StateInline, silent: bool) -> bool:
    """A rule of markdown-it: a formula with its delimiters, which Markdown must not touch."""
    if state.src[state.pos] not in "\\$":
        return False
    end = _end(state.src, state.pos, state.posMax)
    if end < 0:
        return False
    if not silent:
        token = state.push("math", "span", 0)
        token.content = state.src[state.pos : end]
    state.pos = end
    return True


def read_formula_block(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """A rule of markdown-it: lines from $$ or \\[ on to a line that ends with the closer."""
    first = state.bMarks[line] + state.tShift[line]
    closer = _DISPLAY.get(state.src[first : first + 2])
    if closer is None or state.is_code_block(line):
        return False
    last = _last_line(state, line, end, closer)
    if last is None:
        return False
    if not silent:
        state.line = last + 1
        token = state.push("math_block", "div", 0)
        token.content = state.getLines(line, last + 1, state.blkIndent, False).strip()
        token.map = [line, state.line]
    return True


def render_formula(formula: str, env: EnvType) -> str:
    """HTML for a formula with its delimiters; its source where it cannot be shown whole."""
    width = 1 if formula.startswith("$") and not formula.startswith("$$") else 2
    converted = env.get("latex_chars", 0) + len(formula)
    if converted <= _MAX_CONVERTED_CHARS:
        env["latex_chars"] = converted
        display = "block" if formula[:width] in _DISPLAY else "inline"
        mathml = to_mathml(formula[width:-width], display)
        if mathml is not None:
            return f'<span class="formula">{mathml}</span>'
    return f'<span class="math">{escape(formula)}</span>'


def _end(source: str, start: int, limit: int) -> int:
    """Where the formula that begins at `start` ends, or -1 if none does."""
    closer = _INLINE.get(source[start : start + 2])
    if closer:
        found = source.find(closer, start + 2, min(limit, start + _MAX_CHARS))
        return found + 2 if found > start + 2 else -1
    single = _DOLLARS.match(source, start, limit)
    if single is None or _is_prose(single[0][1:-1], source[single.end() : single.end() + 1]):
        return -1
    return single.end()


def _is_prose(inner: str, following: str) -> bool:
    """Prices and shell variables: $5 here or 6$, $PATH:$HOME."""
    if following.isalpha() and len(inner) > 3 and "\\" not in inner:
        return True
    return inner[0].isdigit() and " " in inner and not _LATEX.search(inner)


def _last_line(state: StateBlock, line: int, end: int, closer: str) -> int | None:
    opening = state.bMarks[line] + state.tShift[line] + 2
    for last in range(line, end):
        start = max(opening, state.bMarks[last] + state.tShift[last])
        if state.eMarks[last] - opening > _MAX_CHARS:
            return None
        if last > line and (state.isEmpty(last) or state.sCount[last] < state.blkIndent):
            return None
        text = state.src[start : state.eMarks[last]].rstrip()
        if closer == "\\]" and "\\[" in text:
            return None  # Else many openers would each look through all that follows.
        if closer in text:
            alone = text.index(closer) == len(text) - 2
            return last if alone and (last > line or len(text) > 2) else None
    return None
