"""LaTeX: what is a formula, and what is shown for it."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.rendering import render_markdown
from annotate.rendering.mathml import to_mathml
from annotate.rendering.sanitising import sanitise
from tests.annotate.rendering.test_markdown import Reader, assert_safe

LATEX = [
    *(
        "\\frac",
        "\\sqrt",
        "{",
        "}",
        "[",
        "]",
        "^",
        "_",
        "a",
        "1",
        "x",
        "\\left",
        "\\right",
        "(",
        ")",
    ),
    *("\\begin{matrix}", "\\end{matrix}", "&", "\\\\", "\\sum", "\\text{if }", "\\mathbb{R}", "<"),
    *("\\hspace{-9em}", "\\color{red}", "\\binom", "\\cancel{x}", "\\phantom{x}", "|", "\\", "'"),
    *("\\href{javascript:alert(1)}{x}", "\\style{x}{y}", "\\class{a}{b}", "\\newcommand", "\\def"),
    *(
        "\\begin{aligned}",
        "\\end{aligned}",
        "%",
        "#",
        "$",
        "\\operatorname{f}",
        '"',
        ">",
        "é",
        "漢",
    ),
]


def mathml(latex: str) -> str:
    """Without the source that it carries along."""
    return re.sub(' alttext="[^"]*"', "", to_mathml(latex, "inline") or "")


# Written by hand, after MathML Core (W3C).
@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("\\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        ("\\sqrt[3]{x}", "<mroot><mrow><mi>x</mi></mrow><mn>3</mn></mroot>"),
        ("a_i^n", "<msubsup><mi>a</mi><mi>i</mi><mi>n</mi></msubsup>"),
        ("\\mathbb{R}", "<mi>ℝ</mi>"),
        ("a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (
            "\\begin{matrix}1&2\\\\3&4\\end{matrix}",
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr>"
            "<mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>",
        ),
    ],
)
def test_latex_becomes_mathml(latex, expected):
    assert mathml(latex) == f'<math display="inline"><mrow>{expected}</mrow></math>'


def test_lines_of_an_aligned_formula_are_rows():
    assert mathml("\\begin{aligned}a&=b\\\\&=c\\end{aligned}").count("<mtr>") == 2


@pytest.mark.parametrize(
    "source", ["$x$", "\\(x\\)", "\\[x\\]", "$$x$$", "$$\nx\n$$", "\\[\nx\n\\]"]
)
def test_each_delimiter_is_known(source):
    html = render_markdown(f"So\n{source}\nholds.")
    display = "inline" if source in ("$x$", "\\(x\\)") else "block"
    assert f'<math display="{display}" alttext="x"><mrow><mi>x</mi></mrow></math>' in html
    assert "So" in html
    assert "holds." in html


def test_lines_of_a_formula_are_no_markdown():
    html = render_markdown("> It is\n> $$\n> a\n> - b_i\n> + c_i\n> $$\n")
    assert "<li>" not in html
    assert html.count("<math") == 1
    assert html.index("<blockquote") < html.index("<math") < html.index("</blockquote>")


@pytest.mark.parametrize(
    "prose",
    [
        "It costs $5 here and $6 there, or $7.",
        "$5 and $6",
        "$10, or 8$ for members",
        "US$5–US$6",
        "$PATH:$HOME",
        "$USER_NAME:$HOME_DIR",
        "from $ to $ and $$",
        "$$\n\n$$",
    ],
)
def test_dollars_in_prose_are_no_formulas(prose):
    html = render_markdown(prose)
    assert "<math" not in html
    assert 'class="math"' not in html


@pytest.mark.parametrize(
    "latex",
    [
        "\\frac{a",
        "{",
        "}",
        "\\left(",
        "^",
        "a & b",
        "\\nosuchcommand{x}",
        "\\phantom{x}",
        "\\hspace{-9em}x",
        "\\cancel{x}",
        "\\color{red}x",
        "\\href{javascript:alert(1)}{x}",
        "\\style{display:none}{x}",
        "\\class{x}{y}",
        "x % hidden",
        "\\def\\a{\\a\\a}\\a",
        "\\newcommand{\\a}{xx}\\a",
        "{" * 900 + "x" + "}" * 900,
        "\x00",
    ],
)
def test_what_does_not_work_is_shown_as_its_source(latex):
    seen = assert_safe(render_markdown(f"\\({latex}\\)"))
    assert "math" not in seen.tags
    assert ("class", "math") in seen.attributes
    assert seen.text.strip() == f"\\({latex}\\)".replace("\x00", "U+0000")


@settings(max_examples=400)
@given(st.lists(st.sampled_from(LATEX), max_size=12).map("".join))
def test_any_latex_is_safe_and_loses_no_letter(latex):
    html = to_mathml(latex, "block")
    if html is None:
        return
    seen = assert_safe(html)
    kept = Reader(sanitise(html))
    assert (kept.tags, kept.text) == (seen.tags, seen.text)
    written = re.sub(r"\\(begin|end)\{\w+\}|\\[a-z]+", "", latex)
    for char in set(written) & set("a1xé漢"):
        assert seen.text.count(char) >= written.count(char)


def test_many_formulas_are_bounded():
    text = "$\\frac{a}{b}$ " * 3_500
    started = time.process_time()
    html = render_markdown(text)
    assert time.process_time() - started < 8
    assert 0 < html.count("<math") < 1_000
    assert html.count("<math") + html.count('class="math"') == 3_500
