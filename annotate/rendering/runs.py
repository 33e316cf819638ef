"""Text as HTML that says where it stands in its source.

    <span data-s="12">word</span>             its nth character stands at 12 + n
    <span data-s="12" data-e="17">&amp;</span>  an atom: the whole stands for 12 to 17

Positions are code points of the source, ends are exclusive. HTML outside of such elements (list
marks, space between blocks) stands for nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import escape


@dataclass(frozen=True)
class Run:
    """Shown text that stands together. `end` is None where it is its source, one to one."""

    text: str
    start: int
    end: int | None = None

    def html(self, css: str = "") -> str:
        return run_html(escape(self.text), self.start, self.end, css)


def run_html(html: str, start: int, end: int | None = None, css: str = "") -> str:
    css = css and f' class="{css}"'
    until = "" if end is None else f' data-e="{end}"'
    return f'<span{css} data-s="{start}"{until}>{html}</span>'


def split_runs(text: str, at: Sequence[int], source: str) -> Iterator[Run]:
    """The runs of `text`, whose nth character stands at `at[n]`, in order.

    Characters that stand at the same place, or show something else than stands there, are atoms.
    """
    if not text:
        return
    if at[-1] - at[0] == len(text) - 1 and source.startswith(text, at[0]):
        yield Run(text, at[0])
        return
    start = 0
    while start < len(text):
        end = start + 1
        if _is_exact(text, at, source, start):
            while end < len(text) and at[end] == at[end - 1] + 1:
                if not _is_exact(text, at, source, end):
                    break
                end += 1
            yield Run(text[start:end], at[start])
        else:
            while end < len(text) and at[end] == at[start]:
                end += 1
            yield Run(text[start:end], at[start], at[start] + 1)
        start = end


def _is_exact(text: str, at: Sequence[int], source: str, place: int) -> bool:
    """It shows what stands there, and is alone in that."""
    shared = (place + 1 < len(at) and at[place + 1] == at[place]) or (
        place > 0 and at[place - 1] == at[place]
    )
    return not shared and source[at[place]] == text[place]
