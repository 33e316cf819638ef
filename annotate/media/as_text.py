"""Content as one text, for whatever takes texts alone: transcripts, text models, excerpts."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.media.checks.types import KINDS


def as_text(content: str | Mapping[str, Any] | Sequence[Any]) -> str:
    """The parts, joined by a blank line; of a file stands what it is and which: [image 3f2a…].

    Also takes parts as files write them, with a name in place of the SHA-256.
    """
    if isinstance(content, str):
        return content
    parts = [content] if isinstance(content, Mapping) else content
    return "\n\n".join(map(_part, parts))


def text_turns(conversation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turns of {role, content} with each content as one text."""
    for turn in conversation:
        if type(turn["content"]) is not str:
            return [{**turn, "content": as_text(turn["content"])} for turn in conversation]
    return conversation


def _part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    if part.get("type") == "table":
        rows = [part.get("columns"), *(part.get("rows") or ())]
        return "\n".join("\t".join(map(_cell, row)) for row in rows if isinstance(row, list))
    if part.get("type") == "code":
        return f"```{part.get('language') or ''}\n{part.get('text')}\n```"
    kind = part.get("type") or next((name for name in KINDS if name in part), "")
    if kind in KINDS:
        return f"[{kind} {part.get('sha256') or part.get(kind) or part.get('file')}]"
    return str(part.get("text"))


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
