"""Rows of the real data sets in the words of the import format `responses`."""

import gzip
import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def rankings(data_dir: Path) -> list[Row]:
    """Open-Assistant: conversations with 2 to 9 replies in the order that people agreed on."""
    return [
        {
            "id": row["id"],
            "language": row["lang"],
            "prompt": [_turn(turn) for turn in row["prompt"]],
            "responses": [{"text": reply["text"]} for reply in row["replies"]],
            "ranking": _order([reply["rank"] for reply in row["replies"]]),
        }
        for row in _lines(data_dir / "oasst_en100" / "ranked.jsonl")
    ]


def _turn(turn: Row) -> Row:
    role = {"prompter": "user"}.get(turn["role"], turn["role"])
    return {"role": role, "content": turn["content"]}


def pictures(data_dir: Path) -> list[Row]:
    """ImageReward: 4 to 9 pictures for a prompt, ranked with ties; the pictures are not there."""
    return [
        {
            "id": row["id"],
            "prompt": row["prompt"],
            "responses": [{"content": {"image": name}} for name in row["images"]],
            "ranking": _order(row["rank"]),
        }
        for row in _lines(data_dir / "imagereward_test" / "ranked.jsonl")
    ]


def pairs(data_dir: Path) -> list[Row]:
    """LLMFAO: two models' answers, with the votes of several people."""
    votes: dict[int, list[Row]] = {}
    words = {"x": {"preferred": 0}, "y": {"preferred": 1}, "tie": {"verdict": "tie"}}
    for vote in _lines(data_dir / "llmfao" / "votes_human.jsonl"):
        said = {**words[vote["winner"]], "annotator": vote["annotator"]}
        votes.setdefault(vote["pair_id"], []).append(said)
    with gzip.open(data_dir / "llmfao" / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [
        {
            "id": f"pair-{row['pair_id']}",
            "prompt": row["prompt"],
            "responses": [
                {"text": row[f"output_{side}"], "model": f"model-{row[f'model_{side}']}"}
                for side in "xy"
            ],
            "labels": votes[row["pair_id"]],
        }
        for row in found
    ]


def _order(ranks: list[int]) -> list[int | list[int]]:
    """Positions from best to worst, equal ranks together; the numbers mean only an order."""
    tiers = [
        [position for position, rank in enumerate(ranks) if rank == value]
        for value in sorted(set(ranks))
    ]
    return [tier[0] if len(tier) == 1 else tier for tier in tiers]


def _lines(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
