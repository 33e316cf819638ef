"""Passages that people check a response against, sentence by sentence."""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from annotate.rendering.visible import make_visible, show_marks


def render_passages(passages: Sequence[Mapping], *, choosable: bool = False) -> SafeString:
    """Passages ({"title", "sentences": [str, …]}) with a place for each sentence.

        <details class="passage" data-passage="0" open><summary>Title</summary>
        <p><span class="sentence" data-passage="0" data-sentence="2">…</span> …</p></details>

    Both numbers count from 0, as evidence does. `choosable` makes each sentence a checkbox for the
    keyboard and for screen readers: role, `aria-checked`, and `tabindex` (0 on the first of all, -1
    on the others); the page's script moves the focus and keeps the state.
    """
    focus = _first_place(passages) if choosable else None
    return mark_safe(
        "".join(_passage(number, passage, focus) for number, passage in enumerate(passages))
    )


def _first_place(passages: Sequence[Mapping]) -> tuple[int, int] | None:
    """Where focus begins: the first passage that has a sentence."""
    return next(((n, 0) for n, passage in enumerate(passages) if passage.get("sentences")), None)


def _passage(number: int, passage: Mapping, focus: tuple[int, int] | None) -> SafeString:
    sentences = passage.get("sentences") or ()
    title = str(passage.get("title") or "") or gettext("Passage %d") % (number + 1)
    shown = format_html_join(
        " ",
        '<span class="sentence" data-passage="{}" data-sentence="{}"{}>{}</span>',
        (
            (number, place, _checkbox(focus, (number, place)), _text(sentence))
            for place, sentence in enumerate(sentences)
        ),
    )
    return format_html(
        '<details class="passage" data-passage="{}" open>'
        '<summary dir="auto">{}</summary><p dir="auto">{}</p></details>',
        number,
        _text(title),
        shown or gettext("(empty)"),
    )


def _checkbox(focus: tuple[int, int] | None, place: tuple[int, int]) -> SafeString:
    if not focus:
        return mark_safe("")
    index = 0 if focus == place else -1
    return format_html(' role="checkbox" aria-checked="false" tabindex="{}"', index)


def _text(text: object) -> SafeString:
    return mark_safe(show_marks(format_html("{}", make_visible(str(text)))))
