"""Text that spans are marked in: as it is rendered elsewhere, with where everything stands."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments.token import STANDARD_TYPES, _TokenType

from annotate.rendering.code import code_box, find_lexer
from annotate.rendering.formulas import render_formula
from annotate.rendering.markdown import display_box, is_too_deep, make_parser
from annotate.rendering.positions import follow
from annotate.rendering.runs import run_html, split_runs
from annotate.rendering.sanitising import sanitise
from annotate.rendering.visible import make_visible_located, show_marks


@dataclass(frozen=True)
class Located:
    """A text as it is parsed, and where each of its characters stands in `source`."""

    source: str
    text: str
    positions: Sequence[int]

    @classmethod
    def of(cls, source: str) -> "Located":
        return cls(source, *make_visible_located(source))

    def runs(self, text: str, at: Sequence[int], css: str = "") -> str:
        """`text`, whose nth character is `self.text[at[n]]`. What `at` lacks stands nowhere."""
        placed, rest = text[: len(at)], text[len(at) :]
        there = at if isinstance(self.positions, range) else [self.positions[place] for place in at]
        return "".join(run.html(css) for run in split_runs(placed, there, self.source)) + escape(
            rest
        )

    def atom(self, html: str, start: int, end: int) -> str:
        """`html` in place of `self.text[start:end]`."""
        return run_html(html, self.positions[start], self.positions[end - 1] + 1)


def mark_markdown(source: str) -> str:
    """Markdown as elsewhere. Raises LostPosition; see `mark_plain` for what then."""
    located = Located.of(source)
    tokens = _parser.parse(located.text)
    if is_too_deep(tokens):
        return mark_plain(source)
    html = _parser.renderer.render(tokens, _parser.options, {"located": located})
    return show_marks(sanitise(html))


def mark_plain(source: str) -> str:
    """The text as it is."""
    located = Located.of(source)
    body = located.runs(located.text, range(len(located.text)))
    return show_marks(f'<pre class="plain" dir="auto">{body}</pre>')


def mark_code(source: str, language: str) -> str:
    located = Located.of(source)
    return show_marks(sanitise(_code(located, located.text, range(len(located.text)), language)))


def _code(located: Located, code: str, at: Sequence[int], language: str) -> str:
    lexer = find_lexer(code, language)
    tokens = list(lexer.get_tokens(code)) if lexer else []
    if "".join(text for _kind, text in tokens) != code:
        return code_box(located.runs(code, at))
    pieces = []
    start = 0
    for kind, text in tokens:
        end = start + len(text)
        pieces.append(located.runs(text, at[start:end], _css(kind)))
        start = end
    return code_box("".join(pieces))


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES[kind]


class _MarkingRenderer(RendererHTML):
    """Text in runs; neighbours in the source are one run. `env["located"]` is the text."""

    def renderInline(
        self, tokens: Sequence[Token], options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        located: Located = env["located"]
        out: list[str] = []
        text: list[str] = []
        at: list[int] = []
        for index, token in enumerate(tokens):
            if token.type in ("text", "text_special", "softbreak") and "at" in token.meta:
                text.append(token.content)
                at += token.meta["at"]
                continue
            out.append(located.runs("".join(text), at))
            text, at = [], []
            out.append(self._inline(tokens, index, options, env))
        out.append(located.runs("".join(text), at))
        return "".join(out)

    def _inline(
        self,
        tokens: Sequence[Token],
        index: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        token, located = tokens[index], env["located"]
        if "atom" in token.meta:
            html = self.rules.get(token.type, self.rules["text"])(tokens, index, options, env)
            return located.atom(html, *token.meta["atom"])
        if token.type == "code_inline":
            return f"<code>{located.runs(token.content, token.meta['at'])}</code>"
        if token.type == "hardbreak":
            return f"<br>{located.runs(token.content, token.meta['at'])}"
        return self.renderToken(tokens, index, options, env)


def _render_code(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """Both kinds of code blocks. An indented one has no info."""
    token = tokens[index]
    language = unescapeAll(token.info).split(maxsplit=1)[:1]
    html = _code(env["located"], token.content, token.meta["at"], "".join(language))
    return f"{html}\n" if token.type == "fence" else html


def _render_math_block(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    token = tokens[index]
    html = render_formula(token.content, env)
    return display_box(env["located"].atom(html, *token.meta["atom"]))


_parser = make_parser(_MarkingRenderer)
follow(_parser)
_parser.add_render_rule("fence", _render_code)
_parser.add_render_rule("code_block", _render_code)
_parser.add_render_rule("math_block", _render_math_block)
