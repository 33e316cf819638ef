"""Images, sound, video and tables of prompts and responses, as HTML.

Nothing here comes from elsewhere: a part names a file of this installation, and the page asks for
it under a name that tells nothing of who made it.
"""

from collections.abc import Mapping
from functools import lru_cache

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from annotate.media.addresses import media_address, neutral_name
from annotate.models import MediaFile
from annotate.rendering.visible import make_visible, show_marks, show_marks_as_text

MEDIA_KINDS = frozenset({"image", "audio", "video", "table"})


def render_media(part: Mapping) -> SafeString:
    """One part of a kind in MEDIA_KINDS. At most one query, for a file not shown lately."""
    if part["type"] == "table":
        return _table(part)
    try:
        file = _file(int(part.get("file") or 0))
    except (MediaFile.DoesNotExist, ValueError, TypeError):
        return format_html('<p class="blank">[{}]</p>', gettext("This file is missing."))
    return _FIGURES[file.kind](file, media_address(file, neutral_name(file)), part)


@lru_cache(maxsize=20_000)
def _file(pk: int) -> MediaFile:
    """What is shown of a file never changes, so each process asks once."""
    return MediaFile.objects.get(pk=pk)


def _image(file: MediaFile, address: str, part: Mapping) -> SafeString:
    return format_html(
        '<figure class="media image"><a href="{0}" target="_blank" rel="noopener" data-zoom>'
        '<img src="{0}" alt="{1}" width="{2}" height="{3}" decoding="async"></a>{4}</figure>',
        address,
        _words(part, "alt") or _words(part, "title") or gettext("Image without a description"),
        file.width,
        file.height,
        _caption(part),
    )


def _audio(file: MediaFile, address: str, part: Mapping) -> SafeString:
    return format_html(
        '<figure class="media audio">{2}<audio src="{0}" controls preload="metadata" '
        'aria-label="{1}" data-player></audio>{3}</figure>',
        address,
        _words(part, "title") or gettext("Recording"),
        _caption(part),
        _transcript(part),
    )


def _video(file: MediaFile, address: str, part: Mapping) -> SafeString:
    return format_html(
        '<figure class="media video">{2}<video src="{0}" controls playsinline preload="metadata" '
        'width="{4}" height="{5}" aria-label="{1}" data-player></video>{3}</figure>',
        address,
        _words(part, "alt") or _words(part, "title") or gettext("Video"),
        _caption(part),
        _transcript(part),
        file.width,
        file.height,
    )


_FIGURES = {"image": _image, "audio": _audio, "video": _video}


def _table(part: Mapping) -> SafeString:
    columns, rows = part.get("columns") or [], part.get("rows") or []
    head = format_html_join("", '<th scope="col">{}</th>', ([_text(name)] for name in columns))
    body = format_html_join("", "<tr>{}</tr>", ([_row(row)] for row in rows))
    title = _words(part, "title")
    return format_html(
        '<div class="table" dir="auto" tabindex="0" role="region" aria-label="{}">'
        "<table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        title or gettext("Table"),
        format_html("<caption>{}</caption>", _text(title)) if title else "",
        head,
        body,
    )


def _row(row: list) -> SafeString:
    return mark_safe("".join(_cell(cell) for cell in row))


def _cell(cell: object) -> str:
    if isinstance(cell, bool) or cell is None:
        return format_html("<td>{}</td>", {True: "true", False: "false", None: ""}[cell])
    if isinstance(cell, int | float):
        return format_html('<td class="number">{}</td>', str(cell))
    return format_html("<td>{}</td>", _text(str(cell)))


def _caption(part: Mapping) -> SafeString | str:
    title = part.get("title")
    return format_html('<figcaption dir="auto">{}</figcaption>', _text(str(title))) if title else ""


def _transcript(part: Mapping) -> SafeString | str:
    text = part.get("transcript")
    if not text:
        return ""
    return format_html(
        '<details><summary>{}</summary><pre class="plain" dir="auto">{}</pre></details>',
        gettext("Transcript"),
        _text(str(text)),
    )


def _text(text: str) -> SafeString:
    """For between tags."""
    return mark_safe(show_marks(format_html("{}", make_visible(text))))


def _words(part: Mapping, name: str) -> str:
    """For attributes."""
    return show_marks_as_text(make_visible(str(part.get(name) or "")))
