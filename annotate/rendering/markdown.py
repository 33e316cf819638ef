"""The Markdown that is understood: tables, strikethrough, LaTeX; no raw HTML, nothing fetched."""

from collections.abc import Sequence

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from annotate.rendering.code import render_code
from annotate.rendering.formulas import read_formula, read_formula_block, render_formula
from annotate.rendering.visible import mark, show_marks_as_text

# The parser drops what is nested deeper.
MAX_NESTING = 60

_AUTO_DIRECTION = (
    "paragraph_open",
    "heading_open",
    "bullet_list_open",
    "ordered_list_open",
    "blockquote_open",
)


def make_parser(renderer: type[RendererHTML] = RendererHTML) -> MarkdownIt:
    """A parser of text that has been made visible. Its HTML is yet to be sanitised."""
    parser = MarkdownIt(
        "commonmark", {"html": False, "maxNesting": MAX_NESTING}, renderer_cls=renderer
    )
    parser.options["highlight"] = lambda code, language, _rest: render_code(code, language)
    parser.enable(["table", "strikethrough"])
    # Definitions of link addresses would vanish from a text that is to be judged.
    parser.disable("reference")
    parser.validateLink = _leads_away
    parser.inline.ruler.before("escape", "math", read_formula)
    interrupts = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("table", "math_block", read_formula_block, interrupts)
    parser.core.ruler.push("visible", _make_decoded_visible)
    parser.core.ruler.push("direction", _set_direction)
    parser.add_render_rule("image", _render_image)
    parser.add_render_rule("math", _render_math)
    parser.add_render_rule("math_block", _render_math_block)
    parser.add_render_rule("code_block", _render_code_block)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def is_too_deep(tokens: Sequence[Token]) -> bool:
    return any(token.level >= MAX_NESTING - 2 for token in tokens)


def _leads_away(address: str) -> bool:
    """Only whole addresses: a relative one would point into this site."""
    return address.lower().startswith(("http://", "https://", "mailto:"))


def _make_decoded_visible(state: StateCore) -> None:
    """Entities and percent signs can bring in what was taken out before the text was parsed."""
    for block in state.tokens:
        for token in block.children or ():
            token.content = mark(token.content)
            if title := token.attrGet("title"):
                token.attrSet("title", show_marks_as_text(mark(str(title))))


def _set_direction(state: StateCore) -> None:
    """On outermost blocks alone: `auto` disregards the text of children with a direction."""
    for token in state.tokens:
        if token.level == 0 and token.type in _AUTO_DIRECTION:
            token.attrSet("dir", "auto")


def _render_image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A link where the image would be: showing it would tell its host who reads this."""
    token = tokens[index]
    label = mark(renderer.renderInlineAsText(token.children, options, env)) or "image"
    address = str(token.attrs.get("src", ""))
    if not address.startswith(("http://", "https://")):
        return f"[{escape(label)}]"
    return f'<a href="{escape(address)}">[{escape(label)}]</a>'


def _render_math(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return render_formula(tokens[index].content, env)


def _render_math_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return display_box(render_formula(tokens[index].content, env))


def display_box(formula: str) -> str:
    """The box around a formula on lines of its own, which scrolls where it is too wide."""
    return f'<div class="display" dir="ltr" tabindex="0">{formula}</div>\n'


def _render_code_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return render_code(tokens[index].content, "")


def _open_table(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    table = renderer.renderToken(tokens, index, options, env)
    return f'<div class="table" dir="auto" tabindex="0">{table}'


def _close_table(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f"{renderer.renderToken(tokens, index, options, env)}</div>"
