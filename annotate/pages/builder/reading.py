"""What the builder's fields hold, as raw settings; `clean_settings` says what is wrong with them.

A field is named by the path of its setting, with dots, entries of lists by their number. What
makes no sense stays as it was typed, so that nothing is lost and the error stands at its field.
"""

import json
from typing import Any

from django.utils.datastructures import MultiValueDict

from annotate.pages.builder.schema import Setting, settings_of
from annotate.pages.kinds.fields import written

# An unasked-for number of entries, such as `types.999999.name`, is one of these many at most.
MAX_ENTRIES = 5_000


def read_settings(post: MultiValueDict, path: str, of: type) -> dict[str, Any]:
    """The settings under `path`; those that do not apply beside the others are at their default."""
    values: dict[str, Any] = {}
    for setting in settings_of(of):
        applies = setting.applies(values)
        values[setting.name] = (
            _read(post, f"{path}.{setting.name}", setting) if applies else setting.default
        )
    return values


def _read(post: MultiValueDict, name: str, setting: Setting) -> Any:
    if setting.shape == "boolean":
        return name in post
    if setting.shape == "object":
        return read_settings(post, name, setting.of)
    if setting.shape == "objects":
        return [read_settings(post, f"{name}.{at}", setting.of) for at in entries(post, name)]
    if setting.shape == "choices":
        return [text for at in entries(post, name) if (text := post.get(f"{name}.{at}", ""))]
    if name not in post:
        return setting.default
    text = written(post, name)
    if setting.shape == "texts":
        return [line for line in text.split("\n") if line.strip()]
    if setting.shape in ("integer", "number"):
        return number(text)
    if setting.words.choices and isinstance(setting.default, int):
        return number(text)
    return text


def entries(post: MultiValueDict, name: str) -> list[int]:
    """The numbers of the entries that a list has in the form, in order."""
    begin = f"{name}."
    found = {field[len(begin) :].split(".")[0] for field in post if field.startswith(begin)}
    numbers = sorted(int(one) for one in found if one.isascii() and one.isdigit() and len(one) < 7)
    return numbers[:MAX_ENTRIES]


def number(text: str) -> int | float | str:
    """A number; what is none stays the text it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and abs(found) < 1e15 else text


def read_values(text: str) -> list[Any]:
    """The values of a condition: separated by commas, as JSON where they could be mistaken."""
    try:
        found = json.loads(f"[{text}]")
    except (ValueError, RecursionError):
        found = [_plain_value(one.strip()) for one in text.split(",") if one.strip()]
    return found


def write_values(values: Any) -> str:
    """The values as `read_values` reads them."""
    listed = values if isinstance(values, list | tuple) else [values]
    return ", ".join(_write_value(value) for value in listed)


def _plain_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _write_value(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return written
    is_plain = "," not in value and value == value.strip() and value
    return value if is_plain and _plain_value(value) == value else written
