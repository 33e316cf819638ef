"""Code in its own left-to-right box, coloured by classes where the language is known."""

from django.utils.html import escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from annotate.rendering.visible import has_marks

HIGHLIGHT_MAX_CHARS = 20_000


def code_box(body: str) -> str:
    """The box around code that is HTML already."""
    return f'<pre class="code" dir="ltr" tabindex="0"><code>{body}</code></pre>'


def render_code(code: str, language: str) -> str:
    """HTML that is yet to be sanitised."""
    lexer = find_lexer(code, language)
    return code_box(highlight(code, lexer, HtmlFormatter(nowrap=True)) if lexer else escape(code))


def find_lexer(code: str, language: str) -> Lexer | None:
    """None where code stays uncoloured: unknown language, too long, or a lexer would change it."""
    if not language or len(code) > HIGHLIGHT_MAX_CHARS:
        return None
    if has_marks(code) or code.startswith("\ufeff"):
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
