"""Mean-pooled embeddings of framed texts, kept in a file between runs."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from training.data.framing import Framed
from training.recipes.batches import attention_mask, batches_by_length, pad_right
from training.recipes.errors import StopRequestedError
from training.recipes.progress import Report, ShouldStop, require_finite_states


class EmbeddingCache:
    """Rows by a hash of encoder and token ids. Two writers at once lose rows, never mix them."""

    def __init__(self, path: Path, *, encoder: str) -> None:
        self.path = path
        self.encoder = encoder
        self._rows: dict[bytes, np.ndarray] = {}
        if path.is_file():
            stored = load_file(path)
            keys = stored["keys"].tobytes()
            self._rows = {
                keys[32 * row : 32 * row + 32]: values for row, values in enumerate(stored["rows"])
            }

    def key(self, ids: Sequence[int]) -> bytes:
        return sha256(self.encoder.encode() + np.asarray(ids, dtype=np.int32).tobytes()).digest()

    def get(self, key: bytes) -> np.ndarray | None:
        return self._rows.get(key)

    def put(self, key: bytes, row: np.ndarray) -> None:
        self._rows[key] = row

    def save(self) -> None:
        """Write all rows by rename; rows of another width (another encoder's) are left out."""
        if not self._rows:
            return
        width = len(next(reversed(self._rows.values())))
        kept = {key: row for key, row in self._rows.items() if len(row) == width}
        keys = np.frombuffer(b"".join(kept), dtype=np.uint8).reshape(-1, 32)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        save_file({"keys": keys.copy(), "rows": np.stack(list(kept.values()))}, temporary)
        os.replace(temporary, self.path)


@dataclass(frozen=True)
class Pool:
    """What is kept of a text's states. key: all that the result depends on, of one text.

    pool: of the model, ids [N, L], their mask and the texts: [N, D] on the model's device.
    """

    name: str
    pool: Callable[[Any, Tensor, Tensor, Sequence[Framed]], Tensor]
    key: Callable[[Framed], tuple[int, ...]]


def mean_states(states_NLD: Tensor, mask_NL: Tensor) -> Tensor:
    """[N, D]: the mean of the states over the tokens that the mask holds; 0 where it holds none."""
    weights_NL1 = mask_NL.unsqueeze(-1).float()
    return (states_NLD * weights_NL1).sum(1) / weights_NL1.sum(1).clamp(min=1)


def _mean(model: Any, ids_NL: Tensor, mask_NL: Tensor, framed: Sequence[Framed]) -> Tensor:
    states = model(input_ids=ids_NL, attention_mask=mask_NL)
    return mean_states(states.last_hidden_state.float(), mask_NL)


MEAN = Pool(name="mean of the last layer", pool=_mean, key=lambda one: tuple(one.ids))


def embed(
    model: Any,
    framed: Sequence[Framed],
    *,
    pad_id: int,
    batch_size: int,
    pool: Pool = MEAN,
    cache: EmbeddingCache | None = None,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> np.ndarray:
    """[N, D] float32: by default the mean of the last layer's states over each text's tokens.

    A cache holds rows of one pool.
    Equal texts, as of pairs that many people judged, are read once. Raises StopRequestedError
    between batches, with everything embedded so far in the cache, and NonFiniteStatesError, whose
    batch is never in it.
    """
    texts = [pool.key(one) for one in framed]
    keys = {text: cache.key(text) if cache else b"" for text in texts}
    found = {text: cache.get(key) if cache else None for text, key in keys.items()}
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    missing = [first[text] for text, values in found.items() if values is None]
    lengths = [len(framed[row].ids) for row in missing]
    plan = batches_by_length(lengths, batch_size)
    tokens, tokens_done, began = sum(lengths), 0, perf_counter()
    for done, batch in enumerate(plan, start=1):
        rows = [missing[index] for index in batch]
        some = [framed[row] for row in rows]
        for row, values in zip(rows, _embed_batch(model, some, pad_id, pool), strict=True):
            found[texts[row]] = values
            if cache:
                cache.put(keys[texts[row]], values)
        tokens_done += sum(lengths[index] for index in batch)
        if report:
            seconds = (perf_counter() - began) * (tokens / max(tokens_done, 1) - 1)
            event = {"event": "embedding", "batch": done, "batches": len(plan)}
            report({**event, "eta_seconds": round(seconds)})
        if should_stop and should_stop():
            if cache:
                cache.save()
            raise StopRequestedError(f"stopped after embedding {done} of {len(plan)} batches")
    if cache and missing:
        cache.save()
    return np.stack([values for text in texts if (values := found[text]) is not None])


@torch.inference_mode()
def _embed_batch(model: Any, framed: Sequence[Framed], pad_id: int, pool: Pool) -> np.ndarray:
    ids = [one.ids for one in framed]
    where = runtime.device()
    mask_NL = attention_mask(ids).to(where)
    found_ND = pool.pool(model, pad_right(ids, pad_id).to(where), mask_NL, framed)
    require_finite_states(found_ND)
    return found_ND.cpu().numpy().astype(np.float32)
