"""A part whose widget keeps the whole answer as JSON in one hidden field."""

import json

from django.utils.datastructures import MultiValueDict


def read(post: MultiValueDict, prefix: str) -> object:
    """The field's JSON; None when it is empty, the text itself when it is no JSON."""
    text = post.get(prefix, "")
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def write(value: object) -> str:
    """The value as the field carries it; empty for None."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)
