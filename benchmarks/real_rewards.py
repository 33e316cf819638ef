"""Published feedback as dataset folders of judgements and of pairs, split by prompt."""

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.planted import as_row, write_rows
from training.data.pairs import read_pairs
from training.evaluation.preference import fit_length_baseline, pairwise_accuracy
from training.recipes.head_model import load_scorer
from training.recipes.result import RecipeResult

CATEGORIES = {
    "Irrelevant": "C1",
    "Redundant": "C1",
    "Incoherent": "C1",
    "Wrong-Grounding": "C2",
    "Unverifiable": "C2",
}
TEST_SHARE = 30  # percent of the prompts
COMPLETENESS_WEIGHT = 0.3
Row = dict[str, Any]


def hh_rlhf(source: Path, folder: Path, pairs: int) -> None:
    """Pairs of single harmless answers under 400 characters: `pairs` to train, half to test."""
    with gzip.open(source / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    split: dict[str, list[Row]] = {"train": [], "test": []}
    for number, row in enumerate(rows, start=1):
        if row["subset"] != "harmless-base" or row["kind"] != "clean":
            continue
        texts = [row[side][0]["content"] for side in ("chosen", "rejected")]
        if max(map(len, texts)) >= 400:
            continue
        value = {"verdict": "prefer", "preferred": 1, "strength": 1}
        made = as_row(number, "", {1: texts[0], 2: texts[1]}, "pairwise", value)
        made["prompt"] = row["prompt"]
        made["prompt_id"] = int(sha256(row["prompt"][0]["content"].encode()).hexdigest()[:12], 16)
        split["test" if made["prompt_id"] % 100 < TEST_SHARE else "train"].append(made)
    write_rows(folder, split["train"][:pairs], split["test"][: pairs // 2])


def oasst_en100(source: Path, folder: Path, pairs: int) -> None:
    """People's orders of 2 to 8 replies."""
    rows = []
    for number, row in enumerate(_lines(source / "ranked.jsonl"), start=1):
        replies = sorted(row["replies"], key=lambda reply: reply["rank"])
        texts = {pk: reply["text"] for pk, reply in enumerate(replies, start=1)}
        value = {"verdict": "full", "tiers": [[pk] for pk in texts]}
        made = as_row(number, "", texts, "ranking", value, group=row["tree_id"])
        roles = {"prompter": "user", "assistant": "assistant"}
        made["prompt"] = [
            {"role": roles[turn["role"]], "content": turn["content"]} for turn in row["prompt"]
        ]
        rows.append(made)
    _split(folder, rows)


def llmfao(source: Path, folder: Path, pairs: int) -> None:
    """Every vote of every worker on pairs of models' answers, ties among them."""
    with gzip.open(source / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        known = {row["pair_id"]: row for row in map(json.loads, lines)}
    rows = []
    for number, vote in enumerate(_lines(source / "votes_human.jsonl"), start=1):
        pair = known[vote["pair_id"]]
        value: Row = {"verdict": "tie"}
        if vote["winner"] != "tie":
            value = {"verdict": "prefer", "preferred": 1 + (vote["winner"] == "y"), "strength": 1}
        texts = {1: pair["output_x"], 2: pair["output_y"]}
        more = {"group": pair["prompt_id"], "annotator": vote["annotator"]}
        rows.append(as_row(number, pair["prompt"], texts, "pairwise", value, **more))
    _split(folder, rows)


def qa_feedback(source: Path, folder: Path, pairs: int) -> None:
    """Marked errors of first outputs; pairs: completeness; `overall/`: preferences of outputs."""
    spans, complete, overall = [], [], []
    preferred = {
        row["id"]: row["preference"] for row in _lines(source / "golden_comp_preference_dev.jsonl")
    }
    for number, row in enumerate(_lines(source / "dev_feedback.jsonl"), start=1):
        marks = [
            {"response": 1, "part": 0, "start": e["start"], "end": e["end"], "type": e["type"]}
            for e in row["errors"]
        ]
        value = {"marks": marks, "missing": [], "corrected": {}, "no_error": not marks}
        more = {"group": row["id"], "categories": CATEGORIES}
        spans.append(
            as_row(number, row["question"], {1: row["outputs"][0]}, "spans", value, **more)
        )
        for found, votes in ((complete, preferred.get(row["id"])), (overall, row["preference"])):
            if votes:
                found += _votes(row, votes, number)
    _split(folder, spans)
    _split(folder / "completeness", complete)
    for name in ("train.jsonl", "test.jsonl"):
        (folder / "completeness" / "pairs" / name).replace(folder / "pairs" / name)
    _split(folder / "overall", overall)


def qa_steps(source: Path, folder: Path, pairs: int) -> None:
    """First outputs by the authors' sub-sentences, each read after those before it; wrong is what
    they label irrelevant, repetitive or incoherent. No published set of judged steps is at hand.
    """
    questions = {row["id"]: row["question"] for row in _lines(source / "dev_feedback.jsonl")}
    rows = []
    for number, row in enumerate(_lines(source / "golden_nf_subsentence_dev.jsonl"), start=1):
        segments = [(text.strip(), label) for text, label in _labelled(row) if text.strip()]
        labels = [1 if label == "O" else -1 for _, label in segments]
        text = "\n".join(" ".join(said.split()) for said, _ in segments)
        value = {"labels": {"1": labels}, "mode": "each", "split": "lines"}
        question = questions[row["id"]]
        rows.append(as_row(number, question, {1: text}, "steps", value, group=row["id"]))
    _split(folder, rows)


def _labelled(row: Row) -> Iterator[tuple[str, str]]:
    return zip(row["segments"], row["labels"], strict=True)


def xsum_hallucination(source: Path, folder: Path, pairs: int) -> None:
    """Five summaries of an article by three raters: how many called it factual, which counts
    overall, and how much of it they marked as in contradiction to the article or as not in it. The
    articles are not in the set, so models read the summaries alone.
    """
    articles: dict[str, list[Row]] = {}
    for row in _lines(source / "items.jsonl"):
        articles.setdefault(row["bbcid"], []).append(row)
    rows = []
    for number, (article, found) in enumerate(articles.items(), start=1):
        texts: dict[int, str] = {}
        ratings: dict[str, Row] = {}
        for pk, row in enumerate(found, start=1):
            texts[pk] = row["summary"]
            ratings[str(pk)] = {
                "factual": _share_of_yes(row),
                "not_contradicting": 1 - _marked(row, "intrinsic"),
                "from_the_article": 1 - _marked(row, "extrinsic"),
            }
        scales = {name: [0, 1] for name in ratings["1"]}
        value = {"ratings": ratings, "scales": scales, "overall": "factual"}
        asked = "Summarise the article in one sentence."
        rows.append(as_row(number, asked, texts, "rating", value, group=article))
    _split(folder, rows)


def _share_of_yes(row: Row) -> float | None:
    said = list(row["factual"].values())
    return said.count("yes") / len(said) if said else None


def _marked(row: Row, kind: str) -> float:
    """The mean over the raters of the share of characters that they marked as of this kind."""
    shares = []
    for spans in row["spans"].values():
        places = {
            n for one in spans if one["type"] == kind for n in range(one["start"], one["end"])
        }
        shares.append(len(places) / max(1, len(row["summary"])))
    return sum(shares) / len(shares) if shares else 0.0


def keep_rows(folder: Path, most: int) -> None:
    """Cut every training and test file to `most` of its rows, evenly spaced."""
    for path in sorted(folder.rglob("t*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if len(lines) > most:
            kept = [lines[n * len(lines) // most] for n in range(most)]
            path.write_text("".join(kept), encoding="utf-8")


def combined(results: list[RecipeResult], folder: Path) -> dict[str, Any]:
    """Accuracy on held-out preferences of whole outputs: C1 + C2, completeness, and their sum.

    Completeness is scaled to unit deviation over the training outputs and counts 0.3, as the
    authors' code has it.
    """
    segments, complete = (load_scorer(result.model_dir) for result in results)
    pairs = folder / "overall" / "pairs"
    train, test = (
        [pair for pair in read_pairs(pairs / f"{name}.jsonl") if not pair.tie]
        for name in ("train", "test")
    )
    sets = [(pair.prompt, (pair.chosen, pair.rejected)) for pair in test]
    by_segments = [a - b for a, b in segments.score_sets(sets)]
    by_completeness = [a - b for a, b in complete.score_sets(sets)]
    some = {(pair.prompt[0]["content"], pair.chosen): pair for pair in train}
    scores = complete.score_sets([(p.prompt, (p.chosen,)) for p in some.values()])
    flat = [score for (score,) in scores]
    mean = sum(flat) / len(flat)
    deviation = (sum((score - mean) ** 2 for score in flat) / len(flat)) ** 0.5
    weight = COMPLETENESS_WEIGHT / deviation
    both = [a + weight * b for a, b in zip(by_segments, by_completeness, strict=True)]
    baseline = fit_length_baseline([len(p.chosen) for p in train], [len(p.rejected) for p in train])
    length = baseline.gap([len(p.chosen) for p in test], [len(p.rejected) for p in test])
    named = {"segments": by_segments, "completeness": by_completeness, "combined": both}
    return {
        "accuracy": {name: pairwise_accuracy(gaps).as_dict() for name, gaps in named.items()},
        "length": pairwise_accuracy(length).as_dict(),
    }


def _votes(row: Row, votes: list[int], number: int) -> Iterator[Row]:
    """The six votes on pairs of four outputs: 0 a tie, 1 the first, 2 the second."""
    for place, (vote, (a, b)) in enumerate(
        zip(votes, itertools.combinations(row["outputs"], 2), strict=True)
    ):
        if a != b:
            value: Row = {"verdict": "tie"}
            if vote:
                value = {"verdict": "prefer", "preferred": vote, "strength": 1}
            pk = 10 * number + place
            yield as_row(pk, row["question"], {1: a, 2: b}, "pairwise", value, group=row["id"])


def _split(folder: Path, rows: Iterable[Row]) -> None:
    """By a hash of the group, which becomes the prompt's id."""
    split: dict[bool, list[Row]] = {False: [], True: []}
    for row in rows:
        row["prompt_id"] = int(sha256(str(row.pop("group")).encode()).hexdigest()[:12], 16)
        split[row["prompt_id"] % 100 < TEST_SHARE].append(row)
    write_rows(folder, split[False], split[True])


def _lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
