"""Text that nobody vouches for, as HTML that is safe to show.

Markdown (tables, strikethrough, highlighted code, no raw HTML) is rendered, then sanitised as
if the renderer could not be trusted either. Nothing is fetched: images become links. What
would mislead the eye (controls, direction overrides) is made visible.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

# Longer texts are shown as they are: parsing them would hold up everybody on the server.
MARKDOWN_MAX_CHARS = 50_000
HIGHLIGHT_MAX_CHARS = 20_000
# The parser drops what is nested deeper, so such texts are shown as they are too.
MAX_NESTING = 60
CACHE_MAX_CHARS = 32_000_000

_MISLEADING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e]")
# Where the parser's own marks would stand for a character that cannot be shown.
_MARK_OPEN, _MARK_CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{_MARK_OPEN}([0-9A-F]{{4}}){_MARK_CLOSE}")
_DOLLARS = re.compile(r"\$(?=[^\s$])[^$\n]{0,500}?(?<=[^\s\\$])\$(?!\d)")
_MATH_CLOSERS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_MATH_MAX_CHARS = 2_000
_AUTO_DIRECTION = (
    "paragraph_open",
    "heading_open",
    "bullet_list_open",
    "ordered_list_open",
    "blockquote_open",
)

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"),
    *("em", "strong", "s", "code", "pre", "span", "div", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start", "dir"},
    **{tag: {"class"} for tag in ("code", "span")},
    **{tag: {"class", "dir", "tabindex"} for tag in ("pre", "div")},
    **{tag: {"dir"} for tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul")},
}


def render_markdown(text: str) -> SafeString:
    """Safe HTML for `text`; the same text is rendered once and then kept (least recently used)."""
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    html = _cache.get(key)
    if html is None:
        html = _render(text)
        _cache.put(key, html)
    return mark_safe(html)


def render_parts(content: Sequence[Mapping]) -> SafeString:
    """A response's parts, in order. A part that this page cannot show is named, never guessed."""
    return mark_safe("".join(_render_part(part) for part in content)) or render_markdown("")


def _render_part(part: Mapping) -> str:
    kind, text = part.get("type"), part.get("text")
    if kind == "text" and isinstance(text, str):
        return render_markdown(text)
    if kind == "code" and isinstance(text, str):
        return _show_marks(sanitise(_highlight(_visible(text), str(part.get("language", "")), "")))
    return f'<p class="blank">[{escape(kind)}: this page cannot show it]</p>'


def _render(text: str) -> str:
    if not text.strip():
        return '<p class="blank">(empty)</p>'
    text = _visible(text)
    if len(text) > MARKDOWN_MAX_CHARS:
        return _plain(text)
    tokens = _markdown.parse(text)
    if any(token.level >= MAX_NESTING - 2 for token in tokens):
        return _plain(text)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return _show_marks(sanitise(html))


def _plain(text: str) -> str:
    return _show_marks(f'<pre class="plain" dir="auto">{escape(text)}</pre>')


def sanitise(html: str) -> str:
    """Only the tags and attributes that the renderer makes; links lead away and are marked so."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _visible(text: str) -> str:
    """Controls and direction overrides as marks, which `_show_marks` shows by their number."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace(_MARK_OPEN, "\ufffd").replace(_MARK_CLOSE, "\ufffd")
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return _MISLEADING.sub(lambda hit: f"{_MARK_OPEN}{ord(hit[0]):04X}{_MARK_CLOSE}", text)


def _show_marks(html: str) -> str:
    return _MARKED.sub(r'<span class="hidden-character">U+\1</span>', html)


def _highlight(code: str, language: str, _attributes: str) -> str:
    """Code in its own left-to-right box, coloured by classes where the language is known."""
    body = escape(code)
    if language and len(code) <= HIGHLIGHT_MAX_CHARS:
        try:
            lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
        except ClassNotFound:
            pass
        else:
            body = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="code" dir="ltr" tabindex="0"><code>{body}</code></pre>'


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A link where the image would be: showing it would tell its host who reads this."""
    token = tokens[index]
    label = renderer.renderInlineAsText(token.children, options, env) or "image"
    address = str(token.attrs.get("src", ""))
    if not address.startswith(("http://", "https://")):
        return f"[{escape(label)}]"
    return f'<a href="{escape(address)}">[{escape(label)}]</a>'


def _math(state: StateInline, silent: bool) -> bool:
    """LaTeX between its delimiters, left as it is written."""
    if state.src[state.pos] not in "\\$":
        return False
    end = _math_end(state.src, state.pos, state.posMax)
    if end < 0:
        return False
    if not silent:
        token = state.push("math", "span", 0)
        token.content = state.src[state.pos : end]
    state.pos = end
    return True


def _math_end(source: str, start: int, limit: int) -> int:
    """Where the formula that begins at `start` ends, or -1 if none does."""
    closer = _MATH_CLOSERS.get(source[start : start + 2])
    if closer:
        found = source.find(closer, start + 2, min(limit, start + _MATH_MAX_CHARS))
        return found + 2 if found > start + 2 else -1
    single = _DOLLARS.match(source, start, limit)
    return single.end() if single else -1


def _markdown_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    parser.options["highlight"] = _highlight
    parser.enable(["table", "strikethrough"])
    # Definitions of link addresses would vanish from a text that is to be judged.
    parser.disable("reference")
    parser.validateLink = _leads_away
    parser.inline.ruler.before("escape", "math", _math)
    parser.core.ruler.push("direction", _set_direction)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("math", _render_math)
    parser.add_render_rule("code_block", _render_code_block)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def _leads_away(address: str) -> bool:
    """Only whole addresses: a relative one would point into this site."""
    return address.lower().startswith(("http://", "https://", "mailto:"))


def _set_direction(state: StateCore) -> None:
    """On outermost blocks alone: `auto` disregards the text of children with a direction."""
    for token in state.tokens:
        if token.level == 0 and token.type in _AUTO_DIRECTION:
            token.attrSet("dir", "auto")


def _render_math(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<span class="math">{escape(tokens[index].content)}</span>'


def _render_code_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return _highlight(tokens[index].content, "", "")


def _open_table(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    table = renderer.renderToken(tokens, index, options, env)
    return f'<div class="table" dir="auto" tabindex="0">{table}'


def _close_table(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f"{renderer.renderToken(tokens, index, options, env)}</div>"


class _Cache:
    """Rendered texts by hash, least recently used out first, bounded by characters held."""

    def __init__(self, max_chars: int) -> None:
        self.max_chars = max_chars
        self.held = 0
        self._rows: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> str | None:
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
            return self._rows.get(key)

    def put(self, key: bytes, html: str) -> None:
        with self._lock:
            if key in self._rows:
                return
            self._rows[key] = html
            self.held += len(html)
            while self.held > self.max_chars and self._rows:
                self.held -= len(self._rows.popitem(last=False)[1])


_markdown = _markdown_parser()
_cache = _Cache(CACHE_MAX_CHARS)
