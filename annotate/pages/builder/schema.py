"""Which controls a dataclass of settings needs: read off its fields' types, never written twice."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from annotate.kinds import PARTS
from annotate.pages.builder.words import Words, words_of

# What every kind may ask beside its own question: shown last.
SHARED = ("confidence", "rationale_min_chars")


@dataclass(frozen=True)
class Setting:
    """One field of a dataclass of settings.

    `shape`: boolean, integer, number, text or object; texts, choices and objects are lists. `of`
    is the dataclass of an object, or of a list's entries.
    """

    name: str
    shape: str
    words: Words
    default: Any
    of: type | None = None

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether it is there beside these values of its neighbours."""
        if self.words.only is None:
            return True
        name, wanted = self.words.only
        return values.get(name) in wanted


@cache
def settings_of(of: type) -> tuple[Setting, ...]:
    """The fields in order, those that every kind has at the end."""
    hints = get_type_hints(of)
    found = [_setting(of, field, hints[field.name]) for field in fields(of)]
    return tuple(sorted(found, key=lambda setting: setting.name in SHARED))


def _setting(of: type, field: Field, hint: Any) -> Setting:
    words = words_of(of, field.name)
    shapes = {bool: "boolean", int: "integer", float: "number", str: "text"}
    if is_dataclass(hint):
        return Setting(field.name, "object", words, _default(field), hint)
    if hint in shapes:
        return Setting(field.name, shapes[hint], words, _default(field))
    entry = get_args(hint)[0] if get_origin(hint) is tuple else None
    if is_dataclass(entry):
        return Setting(field.name, "objects", words, _default(field), entry)
    if entry is str:
        return Setting(field.name, "choices" if words.choices else "texts", words, _default(field))
    raise TypeError(f"no control for {of.__name__}.{field.name}: {hint}")


def _default(field: Field) -> Any:
    if field.default_factory is not MISSING:
        return _plain(field.default_factory())
    return "" if field.default is MISSING else _plain(field.default)


def blank(of: type) -> dict[str, Any]:
    """A new entry of a list: every default, the rest empty."""
    return {setting.name: deepcopy(setting.default) for setting in settings_of(of)}


def settings_class(kind: str) -> type:
    """The dataclass of a kind's settings. Raises KeyError."""
    return type(PARTS[kind].clean_settings({}))


def default_settings(kind: str) -> dict[str, Any]:
    """What a new question of the kind begins with. Raises KeyError."""
    return _plain(PARTS[kind].clean_settings({}))


def _plain(value: Any) -> Any:
    """As JSON would give it back: dataclasses as objects, tuples as lists."""
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return json.loads(json.dumps(asdict(value))) if is_dataclass(value) else value
