"""The kinds of feedback. One module a kind; `get` finds it by name.

A kind module is pure: plain values in, plain values out. It has NAME, SCHEMA_VERSION,
`clean_settings`, `clean_value`, `to_pair` and `distance`.
"""

from types import ModuleType

from annotate.kinds import pairwise
from annotate.kinds.errors import InvalidValue

KINDS: dict[str, ModuleType] = {pairwise.NAME: pairwise}


def get(name: str) -> ModuleType:
    """The kind's module. Raises KeyError with the names there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise KeyError(f"unknown kind {name!r}; there are: {', '.join(sorted(KINDS))}") from None


__all__ = ["KINDS", "InvalidValue", "get"]
