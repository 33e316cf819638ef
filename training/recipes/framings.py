"""Token ids of framed texts, kept in a file between runs: texts that were read stay read."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from training.data.framing import Framed, Row, frame_all_for_reward

KEY_BYTES = 32
Packed = tuple[np.ndarray, tuple[int, int, int]]
"""All ids; how many of them are the prompt's, and whether prompt and response were cut."""


class FramingCache:
    """`frame_all_for_reward` that tokenizes what it has not seen under this tokenizer and lengths.

    Two writers at once lose rows, never mix them.
    """

    def __init__(self, path: Path, tokenizer: Any, *, max_length: int, prompt_tokens: int) -> None:
        self.path = path
        self.tokenizer = tokenizer
        self.lengths = {"max_length": max_length, "prompt_tokens": prompt_tokens}
        self._scope = sha256(_settings(tokenizer, self.lengths)).digest()
        self._kept = _read(path)
        self._is_new = False

    def frame(self, rows: Sequence[Row]) -> list[Framed]:
        keys = [self._key(row) for row in rows]
        missing = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._kept}
        found = frame_all_for_reward(self.tokenizer, list(missing.values()), **self.lengths)
        self._kept.update({key: _packed(one) for key, one in zip(missing, found, strict=True)})
        self._is_new = self._is_new or bool(missing)
        return [_framed(self._kept[key]) for key in keys]

    def save(self) -> None:
        """Write all rows by rename, if there are new ones."""
        if not self._is_new:
            return
        ids, marks = zip(*self._kept.values(), strict=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        arrays = {
            "keys": np.frombuffer(b"".join(self._kept), dtype=np.uint8).copy(),
            "ids": np.concatenate(ids),
            "lengths": np.array([len(one) for one in ids], dtype=np.int64),
            "marks": np.array(marks, dtype=np.int32),
        }
        save_file(arrays, temporary)
        os.replace(temporary, self.path)
        self._is_new = False

    def _key(self, row: Row) -> bytes:
        conversation, response = row
        turns = [[message["role"], message["content"]] for message in conversation]
        return sha256(self._scope + json.dumps([turns, response]).encode()).digest()


def _settings(tokenizer: Any, lengths: dict[str, int]) -> bytes:
    """All that decides how a text becomes ids: vocabulary and rules, the template, the lengths."""
    rules = tokenizer.backend_tokenizer.to_str()
    return json.dumps([rules, tokenizer.chat_template, lengths]).encode()


def _packed(one: Framed) -> Packed:
    marks = (len(one.prompt_ids), int(one.prompt_cut), int(one.response_cut))
    return np.array(one.ids, dtype=np.int32), marks


def _framed(packed: Packed) -> Framed:
    ids, (middle, prompt_cut, response_cut) = packed[0].tolist(), packed[1]
    return Framed(ids[:middle], ids[middle:], bool(prompt_cut), bool(response_cut))


def _read(path: Path) -> dict[bytes, Packed]:
    if not path.is_file():
        return {}
    stored = load_file(path)
    keys = stored["keys"].tobytes()
    ids = np.split(stored["ids"], np.cumsum(stored["lengths"])[:-1])
    return {
        keys[KEY_BYTES * row : KEY_BYTES * (row + 1)]: (ids[row], tuple(marks))
        for row, marks in enumerate(stored["marks"].tolist())
    }
