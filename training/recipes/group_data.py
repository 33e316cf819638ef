"""Data sets of lists and of votes for policies, framed as groups of responses to one prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from datasets import Dataset

from training.data.framing import Framed
from training.data.judged import JudgedSplits, read_judged
from training.data.lists import RankedList, pairs_of_lists, ranked_lists
from training.data.pairs import PreferencePair
from training.data.unpaired import (
    VotedResponse,
    prompt_key,
    signalled_responses,
    voted_responses,
)
from training.losses.plackett_luce import LARGEST_TIER
from training.recipes.errors import DatasetError

SIGNALS = "signals.jsonl"


@dataclass(frozen=True)
class GroupSplits:
    """`test`: the held-out preferences; `test_votes`, `test_lists`: the held-out rows of the loss's
    own kind, for votes or lists alone.
    """

    train: list[RankedList] | list[VotedResponse]
    test: list[PreferencePair]
    test_votes: list[VotedResponse]
    fingerprint: str
    dropped: dict[str, int]
    test_lists: list[RankedList] = field(default_factory=list)


def read_groups(folder: Path, *, takes: str, depth: int = 0) -> GroupSplits:
    """Lists or votes of a folder of judgements; votes also of its signals.jsonl, if there is one.

    Raises DatasetError if it holds none.

    depth: places of a list that count, 0 for all.
    """
    judged = read_judged(folder)
    return _read_lists(judged, depth) if takes == "lists" else _read_votes(judged, folder / SIGNALS)


def _read_lists(judged: JudgedSplits, depth: int) -> GroupSplits:
    found = list(ranked_lists(judged.train))
    decided = [one for one in found if one.decided]
    kept = [one for one in decided if one.tallest(depth=depth) <= LARGEST_TIER]
    if not kept:
        raise DatasetError(
            f"{len(judged.train)} judgements hold no list that calls one response better than "
            "another. Choose a selection of rankings, ratings or pairs."
        )
    dropped = {
        "no_list": len(judged.train) - len(found),
        "no_preference": len(found) - len(decided),
        "too_many_equals": len(decided) - len(kept),
    }
    held_out = list(ranked_lists(judged.test))
    test = pairs_of_lists(held_out)
    own = [one for one in held_out if one.decided and one.tallest(depth=depth) <= LARGEST_TIER]
    return GroupSplits(kept, test, [], judged.fingerprint, dropped, own)


def _read_votes(judged: JudgedSplits, signals: Path) -> GroupSplits:
    votes, undecided = voted_responses(judged.train)
    dropped, fingerprint = {"undecided": undecided}, judged.fingerprint
    if signals.is_file():
        known = {prompt_key(row.prompt): row.prompt_id for row in judged.train}
        weak, left_out = signalled_responses(signals, known)
        votes, dropped = votes + weak, dropped | left_out
        fingerprint = sha256(fingerprint.encode() + signals.read_bytes()).hexdigest()
    good = sum(vote.desirable for vote in votes)
    if not good or good == len(votes):
        raise DatasetError(
            f"{len(votes)} ratings and signals of the training prompts: {good} good and "
            f"{len(votes) - good} bad; both are needed. Left out: {dropped}. Ratings are good "
            "above the middle of their scale; signals need a noise rate below 0.5."
        )
    if len({vote.prompt_id for vote in votes}) < 2:
        raise DatasetError("All votes are on one prompt; KTO compares with responses to others.")
    test = pairs_of_lists(ranked_lists(judged.test))
    test_votes, _ = voted_responses(judged.test)
    return GroupSplits(votes, test, test_votes, fingerprint, dropped)


def list_dataset(lists: Sequence[RankedList], framed: Sequence[Sequence[Framed]]) -> Dataset:
    return Dataset.from_list(
        [
            {
                "prompts": [one.prompt_ids for one in group],
                "responses": [one.response_ids for one in group],
                "tiers": list(ranked.tiers),
                "open": ranked.open,
            }
            for ranked, group in zip(lists, framed, strict=True)
        ]
    )


def vote_dataset(
    votes: Sequence[VotedResponse], framed: Sequence[Sequence[Framed]], *, seed: int
) -> Dataset:
    """Each row is a vote's own response and, after its prompt, a response to another prompt.

    The second serves KTO's reference point. Which one is drawn once, by the seed.
    """
    rng = Random(seed)
    rows: list[dict[str, Any]] = []
    for vote, (own,) in zip(votes, framed, strict=True):
        while True:
            other = rng.randrange(len(votes))
            if votes[other].prompt_id != vote.prompt_id:
                break
        rows.append(
            {
                "prompts": [own.prompt_ids, own.prompt_ids],
                "responses": [own.response_ids, framed[other][0].response_ids],
                "desirable": vote.desirable,
                "noise": vote.noise,
            }
        )
    return Dataset.from_list(rows)
