"""Rendered texts, kept."""

import hashlib
import threading
from collections import OrderedDict


class Cache:
    """Rendered texts by hash, least recently used out first, bounded by characters held."""

    def __init__(self, max_chars: int) -> None:
        self.max_chars = max_chars
        self.held = 0
        self._rows: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> str | None:
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
            return self._rows.get(key)

    def put(self, key: bytes, html: str) -> None:
        with self._lock:
            if key in self._rows:
                return
            self._rows[key] = html
            self.held += len(html)
            while self.held > self.max_chars and self._rows:
                self.held -= len(self._rows.popitem(last=False)[1])


def key_of(way: str, text: str) -> bytes:
    """The key of `text` rendered in one way."""
    return hashlib.sha256(f"{way}\0{text}".encode("utf-8", "surrogatepass")).digest()
