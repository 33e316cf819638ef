"""JSON texts and hashes of content as `models.content_hash` makes them, faster for many rows.

The general encoder costs several microseconds a call to set up; an import makes five calls a row.
"""

import hashlib
import json
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any

from annotate.interchange.records import Message, Parts

_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def encode(value: dict[str, Any]) -> str:
    return _encoder.encode(value) if value else "{}"


def encode_list(values: Iterable[Any]) -> str:
    return _encoder.encode(list(values))


encode_text = encode_basestring


def encode_conversation(conversation: list[Message]) -> str:
    turns = [
        f'{{"content":{_encode_content(m["content"])},"role":{encode_basestring(m["role"])}}}'
        for m in conversation
    ]
    return f"[{','.join(turns)}]"


def _encode_content(content: str | Parts) -> str:
    return encode_basestring(content) if type(content) is str else encode_list(content.entries)


def hash_json(text: str) -> str:
    """SHA-256 (hex) of canonical JSON; of `["…"]` it equals content_hash("…")."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
