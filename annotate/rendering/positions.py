"""Where in the text each character stands that Markdown shows.

markdown-it tells lines only, so its rules are followed at work. A block rule cuts lines out of the
text: right after it has run, the state still says where each began. An inline rule reads from a
position to another, and what it made lies between. Both notes end in `token.meta`:

    "at"    for each character of `content`, where it stands
    "atom"  (start, end) of what the whole of `content` stands for, as &amp; does for &

Positions count in the text that the parser got.
"""

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import MD_TRIM_CHARS
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import Ruler
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_BLOCKS = ("table", "code", "fence", "heading", "lheading", "paragraph", "math_block")


class LostPosition(Exception):
    """A rule made something that is not where it was looked for. The text must be shown plain."""


def follow(parser: MarkdownIt) -> None:
    """Make `parser`, which is configured, note positions."""
    _wrap(parser.block.ruler, _followed_block, _BLOCKS)
    inline = _FollowedInline()
    inline.ruler, inline.ruler2 = parser.inline.ruler, parser.inline.ruler2
    parser.inline = inline
    _wrap(inline.ruler, _followed_inline, inline.ruler.get_active_rules())
    # These two join tokens. What is not joined keeps its own position.
    inline.ruler2.disable("fragments_join")
    parser.core.ruler.disable("text_join")
    parser.core.ruler.after("inline", "positions", _place_children)


def _wrap(ruler: Ruler, wrapper: Callable, names: Sequence[str]) -> None:
    for rule in ruler.__rules__:
        if rule.name in names:
            ruler.at(rule.name, wrapper(rule.fn), {"alt": rule.alt})


# Blocks


def _followed_block(rule: Callable) -> Callable:
    def followed(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        first = len(state.tokens)
        if not rule(state, line, end, silent):
            return False
        if not silent:
            _place_block(state, line, state.tokens[first:])
        return True

    return followed


def _place_block(state: StateBlock, line: int, made: Sequence[Token]) -> None:
    opening = made[0]
    if opening.type == "table_open":
        _place_cells(state, made)
    elif opening.type == "heading_open" and opening.markup.startswith("#"):
        after = state.bMarks[line] + state.tShift[line] + len(opening.markup)
        end = state.eMarks[line]
        _place_trimmed(made[1], state.src[after:end], range(after, end))
    elif opening.type in ("heading_open", "paragraph_open"):
        _place_trimmed(made[1], *_lines(state, line, made[1].map[1], state.blkIndent))
    elif opening.type == "math_block":
        end = state.eMarks[state.line - 1]
        opening.meta["atom"] = state.bMarks[line] + state.tShift[line], end
    elif opening.type == "code_block":
        _place_code(opening, *_lines(state, line, state.line, 4 + state.blkIndent))
    elif opening.type == "fence":
        content = opening.content
        end = line + 1 + content.count("\n") + (content != "" and content[-1] != "\n")
        _place_code(opening, *_lines(state, line + 1, end, state.sCount[line]))


def _lines(state: StateBlock, line: int, end: int, indent: int) -> tuple[str, list[int]]:
    """Lines without their indentation, as the rules cut them, and where each character stands.

    Of a tab that reaches over the indentation some spaces are left, which stand where it does.
    """
    source = state.src
    pieces: list[str] = []
    at: list[int] = []
    for number in range(line, end):
        piece = state.getLines(number, number + 1, indent, True)
        last = min(state.eMarks[number] + 1, len(source))
        pad = 0
        while not source.endswith(piece[pad:], state.bMarks[number], last):
            pad += 1
            if pad > 3:
                raise LostPosition(piece)
        first = last - len(piece) + pad
        at += [first - 1] * pad
        at += range(first, last)
        pieces.append(piece)
    return "".join(pieces), at


def _place_trimmed(token: Token, text: str, at: Sequence[int]) -> None:
    """`token.content` is `text` without the space around it, and without a heading's last #."""
    start = len(text) - len(text.lstrip(MD_TRIM_CHARS))
    if not text.startswith(token.content, start):
        raise LostPosition(token.content)
    token.meta["at"] = at[start : start + len(token.content)]


def _place_code(token: Token, text: str, at: Sequence[int]) -> None:
    """A line end that the text lacks is added at the end and stands nowhere."""
    if token.content not in (text, f"{text}\n"):
        raise LostPosition(token.content)
    token.meta["at"] = at


def _place_cells(state: StateBlock, made: Sequence[Token]) -> None:
    rows: dict[int, list[Token]] = {}
    for token in made:
        if token.type == "inline":
            rows.setdefault(token.map[0], []).append(token)
    for line, tokens in rows.items():
        first = state.bMarks[line] + state.tShift[line]
        cells = _cells(state.src[first : state.eMarks[line]])
        cells += [[]] * (len(tokens) - len(cells))
        for token, cell in zip(tokens, cells, strict=False):  # Markdown drops cells too many.
            at = [first + place for place in cell]
            _place_trimmed(token, "".join(state.src[place] for place in at), at)


def _cells(line: str) -> list[list[int]]:
    """The places of each cell's characters in a row. `\\|` is a pipe within a cell."""
    start = len(line) - len(line.lstrip(MD_TRIM_CHARS))
    cells: list[list[int]] = [[]]
    escaped = False
    for place in range(start, len(line.rstrip(MD_TRIM_CHARS))):
        char = line[place]
        if char == "|" and not escaped:
            cells.append([])
        else:
            if char == "|":
                cells[-1].pop()
            cells[-1].append(place)
        escaped = char == "\\"
    if not cells[0]:
        del cells[0]
    if cells and not cells[-1]:
        del cells[-1]
    return cells


# Inlines


class _FollowedState(StateInline):
    """Remembers where the text began that is not a token yet. It has no gaps."""

    pending_start = 0

    def append_pending(self, text: str) -> None:
        if not self.pending:
            self.pending_start = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:
        token = super().pushPending()
        token.meta["span"] = self.pending_start, self.pending_start + len(token.content)
        return token


class _FollowedInline(ParserInline):
    def parse(
        self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]
    ) -> list[Token]:
        state = _FollowedState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _followed_inline(rule: Callable) -> Callable:
    def followed(state: StateInline, silent: bool) -> bool:
        start, first = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            _note_spans(state.tokens[first:], start, state.pos)
        return True

    return followed


def _note_spans(made: Sequence[Token], start: int, end: int) -> None:
    """Of the delimiters * _ ~, one token each, the next begins where one ends."""
    delimiters = [token for token in made if token.type == "text" and "span" not in token.meta]
    if sum(len(token.content) for token in delimiters) == end - start:
        for token in delimiters:
            token.meta["span"] = start, start + len(token.content)
            start += len(token.content)
    for token in made:
        token.meta.setdefault("span", (start, end))


def _place_children(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children:
            at = block.meta["at"]
            for token in block.children:
                _place_child(token, block.content, at)


def _place_child(token: Token, source: str, at: Sequence[int]) -> None:
    """`source` and `at` are those of the block; what is shown one to one gets its part of them."""
    start, end = token.meta["span"]
    if token.type == "code_inline":
        start, end = start + len(token.markup), end - len(token.markup)
        if len(token.content) < end - start:
            start, end = start + 1, end - 1
        token.content = source[start:end]
    elif token.type in ("softbreak", "hardbreak"):
        start = source.index("\n", start)
        end, token.content = start + 1, "\n"
    elif token.info == "escape":
        start = end - len(token.content)
    elif token.type == "text" and source[start + 1 : end - 1] == token.content:
        start, end = start + 1, end - 1  # <https://…>
    elif token.type not in ("text", "text_special", "math", "image"):
        return
    if source[start:end] == token.content and token.type not in ("math", "image"):
        token.meta["at"] = at[start:end]
    else:
        token.meta["atom"] = at[start], at[end - 1] + 1
