"""MT-Bench and LLMFAO as doubly labelled rows: people's votes and judges' labels on one pair."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from routing.features.likeness import SCORES, likeness
from training.recipes.token_encoder import EncoderTokens

CONFIDENCE = "confidence"  # neither publishes probabilities: a clear, undisputed verdict
LABELS = {"model_a": 1, "x": 1, "tie": 0, "model_b": -1, "y": -1, None: 0}


@dataclass(frozen=True)
class Pair:
    """`judges`: labels from cheap to strong; `known`: signals that the judges themselves give."""

    prompt_id: int
    prompt: str
    responses: tuple[str, str]
    votes: list[tuple[int, int, int]]  # rater, tier, label
    judges: list[int]
    known: list[float]


@dataclass(frozen=True)
class Source:
    """A data set. signals: (name, judge) of the columns in `known` of each pair."""

    name: str
    judges: tuple[str, ...]
    tiers: tuple[str, ...]
    signals: tuple[tuple[str, int], ...]
    pairs: list[Pair]


def mt_bench(root: Path) -> Source:
    """GPT-4 in both orders; votes of experts and of the data set's authors (tier people)."""
    raters: dict[str, int] = {}
    pairs = []
    for row in _lines(root / "mtbench_human_gpt4" / "pairs.jsonl.gz"):
        turn = 2 * row["turn"] - 2
        votes = [
            (
                raters.setdefault(vote["judge"], len(raters)),
                int(vote["expert"]),
                LABELS[vote["winner"]],
            )
            for vote in row["human_votes"]
        ]
        a, b = row["conversation_a"], row["conversation_b"]
        label = LABELS[row["ai_label"]]
        pairs.append(
            Pair(
                row["question_id"],
                a[turn]["content"],
                (a[turn + 1]["content"], b[turn + 1]["content"]),
                votes,
                [label],
                [float(label != 0), float(row["ai_order_inconsistent"]), float(row["turn"])],
            )
        )
    signals = ((CONFIDENCE, 0), ("orders disagree", 0), ("turn", -1))
    return Source("MT-Bench", ("gpt-4",), ("people", "expert"), signals, pairs)


def llmfao(root: Path) -> Source:
    """GPT-3.5 and GPT-4 in one order each; votes of a crowd."""
    folder = root / "llmfao"
    judges: dict[int, dict[str, int]] = {}
    for vote in _lines(folder / "votes_llm.jsonl"):
        strong = "gpt-4" if vote["annotator"].startswith("gpt-4") else "gpt-3.5"
        judges.setdefault(vote["pair_id"], {})[strong] = LABELS[vote["winner"]]
    raters: dict[str, int] = {}
    votes: dict[int, list[tuple[int, int, int]]] = {}
    for vote in _lines(folder / "votes_human.jsonl"):
        rater = raters.setdefault(vote["annotator"], len(raters))
        votes.setdefault(vote["pair_id"], []).append((rater, 0, LABELS[vote["winner"]]))
    pairs = []
    for row in _lines(folder / "pairs.jsonl.gz"):
        said = judges.get(row["pair_id"], {})
        labels = [said.get("gpt-3.5", 0), said.get("gpt-4", 0)]
        known = [
            (1 - abs(labels[0] - labels[1]) / 2) * (labels[1] != 0),
            float(labels[0] == 0),
            float(labels[1] == 0),
        ]
        pairs.append(
            Pair(
                row["prompt_id"],
                row["prompt"],
                (row["output_x"], row["output_y"]),
                votes.get(row["pair_id"], []),
                labels,
                known,
            )
        )
    signals = ((CONFIDENCE, 1), ("gpt-3.5's tie", 0), ("gpt-4's tie", 1))
    return Source("LLMFAO", ("gpt-3.5", "gpt-4"), ("people",), signals, pairs)


def read_likeness(source: Source, cache: Path) -> dict[str, np.ndarray]:
    """scores [N, 9], gap [N, 384] (mean embeddings first - second), kept in a file of `cache`."""
    path = cache / f"routing-{source.name.lower()}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return dict(stored)
    texts = sorted({text for pair in source.pairs for text in pair.responses})
    embedded: dict[str, np.ndarray] = {}
    encoder = EncoderTokens()
    for start in range(0, len(texts), 500):
        part = texts[start : start + 500]
        embedded.update(zip(part, encoder.tokens(part), strict=True))
        print(f"{source.name}: {start + len(part)} of {len(texts)} texts embedded", flush=True)
    scores = np.zeros((len(source.pairs), len(SCORES)))
    gaps = []
    for row, pair in enumerate(source.pairs):
        both = embedded[pair.responses[0]], embedded[pair.responses[1]]
        scores[row] = likeness(pair.prompt, pair.responses, both)
        means = [_mean(one) for one in both]
        gaps.append(means[0] - means[1])
    found = {"scores": scores, "gap": np.stack(gaps)}
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(path, **found)
    return found


def _mean(tokens_TD: np.ndarray) -> np.ndarray:
    mean = tokens_TD.astype(np.float32).mean(0) if len(tokens_TD) else np.zeros(384, np.float32)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from map(json.loads, text.decode().splitlines())
