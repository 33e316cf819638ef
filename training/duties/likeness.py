"""How alike two responses are to an encoder: items.jsonl ({id, texts}) into scores.jsonl.

Rows are {id, alike, cosine, embeddings, weights} as `routing.encoders.Reading` has them, embeddings
in base64. Each text is read once a batch, also where it stands in many pairs.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import numpy as np

from routing.features.likeness import mean_cosine, token_f1
from training.recipes.models import weights_fingerprint
from training.recipes.token_encoder import EncoderTokens

BATCH = 64  # pairs between two lines of output; longer waits would delay a stop


def perform(
    job: dict[str, Any],
    folder: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    encoder = EncoderTokens(job["encoder"])
    weights = weights_fingerprint(job["encoder"])
    lines = (folder / "items.jsonl").read_text(encoding="utf-8").split("\n")
    items = [json.loads(line) for line in lines if line]
    with (folder / "scores.jsonl").open("w", encoding="utf-8") as out:
        for start in range(0, len(items), BATCH):
            if should_stop():
                return {"status": "stopped"}
            for row in read_batch(encoder, items[start : start + BATCH]):
                out.write(json.dumps({**row, "weights": weights}, allow_nan=False) + "\n")
            out.flush()
    return {"status": "done", "items": len(items)}


def read_batch(encoder: EncoderTokens, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each item, its embeddings in the order of its texts."""
    texts = sorted({text for item in items for text in item["texts"]})
    tokens = dict(zip(texts, encoder.tokens(texts), strict=True))
    found = []
    for item in items:
        first, second = (tokens[text] for text in item["texts"])
        found.append(
            {
                "id": item["id"],
                "alike": token_f1(first, second),
                "cosine": mean_cosine(first, second),
                "embeddings": [mean_embedding(one, encoder.width) for one in (first, second)],
            }
        )
    return found


def mean_embedding(tokens_TD: np.ndarray, width: int) -> str:
    """Base64 of D float16, the lowest byte first; zeros for a text without tokens."""
    states = tokens_TD.astype(np.float32)
    mean_D = states.mean(0) if len(states) else np.zeros(width, np.float32)
    return b64encode(mean_D.astype("<f2").tobytes()).decode("ascii")
