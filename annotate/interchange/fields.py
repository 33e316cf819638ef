"""Typed access to one row: every wrong type or missing field is a RowProblem with a remedy."""

import json
import math
from functools import cache
from typing import Any

from annotate.interchange.records import ROLES, ImportedResponse, Message, Parts, RowProblem
from annotate.interchange.streams import Limits
from annotate.media.checks.types import KINDS as MEDIA
from annotate.wording import Told

ROLE_SYNONYMS = {"human": "user", "prompter": "user", "gpt": "assistant", "model": "assistant"}
MAX_NUMBER = 1e15
MAX_NAME_CHARS = 200
MAX_LANGUAGE_CHARS = 16
MAX_VERSION_CHARS = 100


def require(row: dict[str, Any], name: str) -> Any:
    if row.get(name) is None:
        present = ", ".join(map(str, list(row)[:20]))
        if not present:
            raise RowProblem(
                name, None, "The field {name!r} is missing. Fields there: none.", name=name
            )
        raise RowProblem(
            name,
            None,
            "The field {name!r} is missing. Fields there: {present}.",
            name=name,
            present=present,
        )
    return row[name]


def text(value: Any, name: str, limits: Limits) -> str:
    if not isinstance(value, str):
        raise RowProblem(name, value, "Expected a text, got {kind}.", kind=kind_of(value))
    size = len(value)
    if size * 4 > limits.max_text_bytes:
        size = len(value.encode("utf-8", "replace"))
    if size > limits.max_text_bytes:
        raise RowProblem(
            name,
            value,
            "The text has {size} bytes, more than the {most} allowed. "
            "Shorten it or raise the limit in the settings.",
            size=size,
            most=limits.max_text_bytes,
        )
    return value


def name_of(row: dict[str, Any], key: str, max_chars: int = MAX_NAME_CHARS) -> str:
    """A short optional text such as a generator or an annotator; numbers are taken as written."""
    value = row.get(key)
    if value is None:
        return ""
    if type(value) is str and len(value) <= max_chars:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RowProblem(key, value, "Expected a short text, got {kind}.", kind=kind_of(value))
    if len(str(value)) > max_chars:
        raise RowProblem(key, value, "Longer than {most} characters. Shorten it.", most=max_chars)
    return str(value)


def language_of(row: dict[str, Any], key: str = "language") -> str:
    """A tag such as "en" or "pt-BR"."""
    return name_of(row, key, MAX_LANGUAGE_CHARS)


def integer(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RowProblem(
            name, value, "Expected a whole number from {low} to {high}.", low=low, high=high
        )
    return value


def number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowProblem(name, value, "Expected a number, got {kind}.", kind=kind_of(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise RowProblem(name, value, "The number is not finite. Leave the field out.")
    if abs(value) > MAX_NUMBER:
        raise RowProblem(
            name,
            value,
            "The number lies outside -1e15 to 1e15. Scale it, or leave the field out.",
        )
    return float(value)


def messages(value: Any, name: str, limits: Limits) -> list[Message]:
    """A list of {role, content}; content may be a text or a list of parts."""
    if not isinstance(value, list):
        raise RowProblem(
            name, value, "Expected a list of messages, got {kind}.", kind=kind_of(value)
        )
    return [
        _plain_message(entry, limits) or _message(entry, f"{name}[{i}]", limits)
        for i, entry in enumerate(value)
    ]


def conversation(value: Any, name: str, limits: Limits) -> list[Message]:
    """A prompt: a list of messages, or a text taken as the user's only turn."""
    if isinstance(value, str):
        return [{"role": "user", "content": text(value, name, limits)}]
    if not isinstance(value, list):
        raise RowProblem(
            name, value, "Expected a text or a list of messages, got {kind}.", kind=kind_of(value)
        )
    return messages(value, name, limits)


def content(value: Any, name: str, limits: Limits) -> str | Parts:
    """A text, or a list of parts; texts alone are joined."""
    if not isinstance(value, list | dict):
        return text(value, name, limits)
    entries = value if isinstance(value, list) else [value]
    texts = [_text_of(entry) for entry in entries]
    joined = [one for one in texts if one is not None]
    if not entries or len(joined) < len(entries):
        return Parts(value, name)
    return text("".join(joined), name, limits)


def response(given: str | Parts, row: dict[str, Any], prefix: str) -> ImportedResponse:
    """With the generator from `<prefix>_model` or `<prefix>_generator` where the row names one."""
    names = _fields_of(prefix)
    if row.keys().isdisjoint(names):  # quicker than to look for each
        return response_of(given, "", "")
    generator = name_of(row, names[0]) or name_of(row, names[1])
    return response_of(given, generator, name_of(row, names[2], MAX_VERSION_CHARS))


@cache
def _fields_of(prefix: str) -> tuple[str, str, str]:
    return f"{prefix}_generator", f"{prefix}_model", f"{prefix}_version"


def response_of(
    given: str | Parts, generator: str, version: str, metadata: dict[str, Any] | None = None
) -> ImportedResponse:
    if isinstance(given, Parts):
        return ImportedResponse("", generator, version, metadata or {}, given)
    return ImportedResponse(given, generator, version, metadata or {})


def not_a_list(name: str, value: Any) -> RowProblem:
    return RowProblem(name, value, "Expected a list, got {kind}.", kind=kind_of(value))


def not_an_object(name: str, value: Any) -> RowProblem:
    return RowProblem(name, value, "Expected an object, got {kind}.", kind=kind_of(value))


def listed(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise not_a_list(name, value)
    return value


def passages(value: Any, limits: Limits) -> list[dict[str, Any]]:
    """[title, sentence, …] or {"title", "sentences"} each."""
    found = []
    for i, entry in enumerate([] if value is None else listed(value, "passages")):
        name = f"passages[{i}]"
        if isinstance(entry, dict):
            title, rest = (
                entry.get("title", ""),
                listed(entry.get("sentences"), f"{name}.sentences"),
            )
        else:
            title, *rest = listed(entry, name) or [""]
        texts = [text(one, f"{name}[{j}]", limits) for j, one in enumerate([title, *rest])]
        found.append({"title": texts[0], "sentences": texts[1:]})
    return found


def context(row: dict[str, Any], limits: Limits) -> dict[str, Any] | None:
    """What the tasks say beside the prompt, such as {"criterion": "…"}."""
    given = row.get("context")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise RowProblem(
            "context",
            given,
            'Expected an object such as {{"criterion": "…"}}, got {kind}.',
            kind=kind_of(given),
        )
    size = _json_size(given, "context")
    if size > limits.max_metadata_chars:
        raise RowProblem(
            "context",
            list(given),
            "It takes {size} characters, more than the {most} allowed.",
            size=size,
            most=limits.max_metadata_chars,
        )
    return given


def metadata(row: dict[str, Any], known: frozenset[str], limits: Limits) -> dict[str, Any]:
    """What the format does not name, and the contents of `metadata`, kept as they came."""
    if row.keys() <= known and not row.get("metadata"):
        return {}
    given = row.get("metadata") or {}
    if not isinstance(given, dict):
        raise not_an_object("metadata", given)
    extra = {key: value for key, value in row.items() if key not in known and value is not None}
    merged = {**extra, **given}
    if all(type(value) is str for value in merged.values()):
        size = sum(len(key) + len(value) for key, value in merged.items())
    else:
        size = _json_size(merged, "metadata")
    if size > limits.max_metadata_chars:
        raise RowProblem(
            "metadata",
            list(merged),
            "The extra fields take {size} characters, more than the {most} allowed. "
            "Leave some out.",
            size=size,
            most=limits.max_metadata_chars,
        )
    return merged


def _json_size(given: dict[str, Any], name: str) -> int:
    try:
        return len(json.dumps(given, ensure_ascii=False, allow_nan=False))
    except ValueError as error:
        raise RowProblem(name, given, "A number in it is not finite. Leave it out.") from error


def kind_of(value: Any) -> Told:
    """What it is, for messages."""
    if value is None:
        return Told("nothing")
    if isinstance(value, bool):
        return Told("true or false")
    if isinstance(value, int | float):
        return Told("a number")
    if isinstance(value, str):
        return Told("a text")
    return Told("a list") if isinstance(value, list) else Told("an object")


def _plain_message(entry: Any, limits: Limits) -> Message | None:
    """The fast way for what nearly every message is; None sends it the careful way."""
    if type(entry) is dict:
        role, content = entry.get("role"), entry.get("content")
        if role in ROLES and type(content) is str and len(content) * 4 <= limits.max_text_bytes:
            return {"role": role, "content": content}
    return None


def _message(entry: Any, name: str, limits: Limits) -> Message:
    if not isinstance(entry, dict):
        raise RowProblem(
            name, entry, "Expected {{role, content}}, got {kind}.", kind=kind_of(entry)
        )
    role = entry.get("role")
    role = ROLE_SYNONYMS.get(role, role) if isinstance(role, str) else role
    if role not in ROLES:
        raise RowProblem(
            f"{name}.role", role, "The role must be one of {roles}.", roles=", ".join(ROLES)
        )
    return {"role": role, "content": content(entry.get("content"), f"{name}.content", limits)}


def _text_of(part: Any) -> str | None:
    """Of a part that is a text and nothing else."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or not part.keys().isdisjoint(MEDIA):
        return None
    said = part.get("text") if part.get("type", "text") == "text" else None
    return said if isinstance(said, str) else None
