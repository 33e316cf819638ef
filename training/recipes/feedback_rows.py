"""Rows of the losses over feedback: what they are made from, and as token ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from datasets import Dataset

from training.data import feedback, hindsight
from training.data.feedback import (
    CriterionPair,
    Critiqued,
    CritiqueExample,
    Graded,
    JointPair,
    Prompt,
    Reasoned,
)
from training.data.framing import Framed, frame_for_policy, prompt_token_ids
from training.data.hindsight import Piece
from training.data.judged import JudgedRow, read_judged
from training.data.lists import pairs_of_rows
from training.data.pairs import PreferencePair
from training.data.unpaired import VotedResponse
from training.losses.registry import FEEDBACK
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import DatasetError


@dataclass(frozen=True, slots=True)
class PhrasedText:
    """What follows a prompt: phrases, which are read, and responses, which are learned."""

    prompt_id: int
    prompt: Prompt
    pieces: tuple[Piece, ...]


FeedbackRow = (
    CritiqueExample | PhrasedText | Reasoned | Critiqued | JointPair | CriterionPair | Graded
)


@dataclass(frozen=True)
class FeedbackSplits:
    """`test`, `test_votes`: held-out preferences and votes; `test_rows`: of the loss's own kind."""

    train: list[Any]
    test: list[PreferencePair]
    test_rows: list[Any]
    fingerprint: str
    dropped: dict[str, int]
    test_votes: list[VotedResponse] = field(default_factory=list)


def read_feedback(folder: Path, config: DpoConfig) -> FeedbackSplits:
    """Rows of a folder of judgements. Raises DatasetError if it holds none of the kind."""
    judged = read_judged(folder)
    make = MAKERS[config.chosen_loss.takes]
    train, dropped = make(judged.train, config)
    test_rows, _ = make(judged.test, config)
    _require(config, train, len(judged.train))
    graded = feedback.graded(judged.test) if config.chosen_loss.takes == "negatives" else test_rows
    votes = [
        VotedResponse(one.id, one.prompt_id, one.prompt, one.response, one.good, "person")
        for one in graded
        if isinstance(one, CritiqueExample | Graded)
    ]
    if config.chosen_loss.takes == "criteria":
        test = [one.pair for one in test_rows]
    else:
        test = feedback.preferences(judged.test)
    kept = [pair for pair in test if pair.chosen != pair.rejected]
    return FeedbackSplits(train, kept, test_rows, judged.fingerprint, dropped, votes)


def _require(config: DpoConfig, train: Sequence[FeedbackRow], judgements: int) -> None:
    wanted = FEEDBACK[config.chosen_loss.takes]
    if not train:
        raise DatasetError(
            f"{judgements} training judgements hold nothing that loss {config.loss} learns from "
            f"({wanted}). Choose another selection or another loss."
        )
    if config.chosen_loss.takes == "reasons" and not any(one.why for one in train):
        raise DatasetError(
            f"None of {len(train)} preferences says why. Ask for a rationale or for reasons by "
            "criteria, or choose loss sigmoid."
        )
    if config.chosen_loss.takes == "scopes":
        refined = sum(bool(one.refined) for one in train)
        if refined in (0, len(train)):
            raise DatasetError(
                f"{refined} of {len(train)} responses were refined. Loss c3po needs some that were "
                "and some that are to stay as they are; with the first alone choose cut."
            )


Made = tuple[list[Any], dict[str, int]]


def _critiques(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    return feedback.critique_examples(feedback.critiqued(rows), unrefined=config.unrefined)


def _texts(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    phrases = {"good": config.good_phrase, "bad": config.bad_phrase}
    if config.loss == "conditional":
        return [
            PhrasedText(
                one.prompt_id,
                one.prompt,
                tuple(hindsight.conditioned(one.response, is_good=one.good, **phrases)),
            )
            for one in feedback.graded(rows)
        ], {}
    rng, texts = Random(config.seed), []
    dropped = {"ties": 0, "identical_responses": 0}
    for pair in pairs_of_rows(rows):
        if pair.tie:
            dropped["ties"] += 1
        elif pair.chosen == pair.rejected:
            dropped["identical_responses"] += 1
        else:
            first = rng.random() < 0.5
            said = hindsight.hindsight(pair.chosen, pair.rejected, best_first=first, **phrases)
            texts.append(PhrasedText(pair.prompt_id, pair.prompt, tuple(said)))
    for one in feedback.critiqued(rows):
        if one.refined:
            said = hindsight.corrected(one.response, one.critique, one.refined, **phrases)
            texts.append(PhrasedText(one.prompt_id, one.prompt, tuple(said)))
    return texts, dropped


def _reasons(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    found = feedback.reasoned(rows)
    kept = [one for one in found if one.pair.chosen != one.pair.rejected]
    return kept, {"identical_responses": len(found) - len(kept)}


def _scopes(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    return list(feedback.critiqued(rows)), {}


def _joint(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    found, ties = feedback.joint_pairs(rows)
    return found, {"ties": ties}


def _criteria(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    names, overall = feedback.criteria_names(rows)
    criterion = config.criterion or overall
    config.require(
        "criterion",
        not rows or criterion in names,
        "one by which the responses are rated: {names}",
        names=", ".join(names),
    )
    others = [name for name in names if name != criterion]
    if rows and not others:
        raise DatasetError(f"Responses are rated by {criterion!r} alone; modpo needs a second one.")
    return feedback.criterion_pairs(rows, criterion=criterion, others=others)


def _negatives(rows: Sequence[JudgedRow], config: DpoConfig) -> Made:
    found = feedback.graded(rows)
    bad = [one for one in found if not one.good]
    return bad, {"good": len(found) - len(bad)}


MAKERS: dict[str, Callable[[Sequence[JudgedRow], DpoConfig], Made]] = {
    "critiques": _critiques,
    "texts": _texts,
    "reasons": _reasons,
    "scopes": _scopes,
    "joint": _joint,
    "criteria": _criteria,
    "negatives": _negatives,
}


def frame_feedback(tokenizer: Any, config: DpoConfig, row: FeedbackRow) -> tuple[Framed, ...]:
    """The sequences of a row.

    A bad response: itself; what the model writes comes later (`with_own_samples`).
    A critique's example: the response, and a bad one again after its critique, of equal length.
    A phrased text: itself. Reasons: chosen, rejected, the reasons. Scopes: the refinement and the
    response, or the response that stays. A joint pair: both responses, then both prompts. A pair by
    a criterion: both responses.
    """

    def frame(prompt: Prompt, response: str) -> Framed:
        return frame_for_policy(
            tokenizer,
            prompt,
            response,
            max_length=config.max_length,
            prompt_tokens=config.prompt_tokens,
        )

    if isinstance(row, CritiqueExample):
        plain = frame(row.prompt, row.response)
        if row.good:
            return (plain,)
        judged = frame(feedback.with_critique(row.prompt, row.critique), row.response)
        return _even((plain, judged))
    if isinstance(row, Graded):
        return (frame(row.prompt, row.response),)
    if isinstance(row, PhrasedText):
        return (_frame_text(tokenizer, config, row),)
    if isinstance(row, Reasoned):
        pair = row.pair
        both = tuple(frame(pair.prompt, said) for said in (pair.chosen, pair.rejected))
        return (*both, _frame_reasons(tokenizer, config, row)) if row.why else both
    if isinstance(row, Critiqued):
        said = (row.refined, row.response) if row.refined else (row.response,)
        return tuple(frame(row.prompt, one) for one in said)
    if isinstance(row, JointPair):
        sides = (row.chosen, row.rejected)
        return (
            *(frame(*side) for side in sides),
            *(_frame_prompt(tokenizer, config, prompt) for prompt, _ in sides),
        )
    return tuple(frame(row.pair.prompt, said) for said in (row.pair.chosen, row.pair.rejected))


def _frame_reasons(tokenizer: Any, config: DpoConfig, row: Reasoned) -> Framed:
    """The reasons after prompt, question and both responses, for which there is more room.

    Reasons may be as long as responses, and their prompt takes what they leave. What is still too
    long is cut from the ends of the responses: cut as other prompts, at its beginning, it would
    lose the question and the response that was preferred.
    """
    pair, why = row.pair, row.why
    whole = frame_for_policy(
        tokenizer,
        feedback.asking_why(pair),
        why,
        max_length=10**9,
        prompt_tokens=10**9,
    )
    reasons = min(len(whole.response_ids), config.max_length - config.prompt_tokens)
    room = config.max_length - reasons
    if len(whole.prompt_ids) > room:
        bare = replace(pair, chosen="", rejected="")
        around = len(prompt_token_ids(tokenizer, feedback.asking_why(bare)))
        most = max(room - around, room // 2)
        pair = _shortened(tokenizer, pair, most)
    found = frame_for_policy(
        tokenizer,
        feedback.asking_why(pair),
        why,
        max_length=config.max_length,
        prompt_tokens=room,
    )
    return replace(found, prompt_cut=len(whole.prompt_ids) > room)


def _shortened(tokenizer: Any, pair: PreferencePair, tokens: int) -> PreferencePair:
    """The pair with so many tokens left of both responses together, the longer one cut first."""
    both = [
        tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        for text in (pair.chosen, pair.rejected)
    ]
    shorter = min(map(len, both))
    longest = tokens // 2 if 2 * shorter > tokens else tokens - shorter
    kept = [tokenizer.decode(ids[:longest], skip_special_tokens=True) for ids in both]
    return replace(pair, chosen=kept[0], rejected=kept[1])


def frame_after_phrase(
    tokenizer: Any, config: DpoConfig, prompt: Prompt, phrase: str, response: str
) -> Framed:
    """A response after a phrase, as `PhrasedText` has it and as a published model is asked."""
    text = PhrasedText(0, prompt, (Piece(phrase, False), Piece(response, True)))
    return _frame_text(tokenizer, config, text)


def _frame_text(tokenizer: Any, config: DpoConfig, row: PhrasedText) -> Framed:
    """The first phrase belongs to the prompt and is tokenized with it, as in sampling."""
    opening, *rest = row.pieces
    prompt = prompt_token_ids(tokenizer, row.prompt, phrase=opening.text)
    kept = prompt[-config.prompt_tokens :]
    ids, learned = hindsight.encode(tokenizer, rest, end_id=tokenizer.eos_token_id)
    room = config.max_length - len(kept)
    return Framed(
        kept, ids[:room], len(prompt) > config.prompt_tokens, len(ids) > room, learned[:room]
    )


def _frame_prompt(tokenizer: Any, config: DpoConfig, prompt: Prompt) -> Framed:
    """A prompt as something to be said: all of its tokens but the first have a probability."""
    ids = prompt_token_ids(tokenizer, prompt)
    kept = ids[-config.prompt_tokens :]
    return Framed(kept[:1], kept[1:], len(ids) > config.prompt_tokens, False)


def feedback_dataset(rows: Sequence[FeedbackRow], framed: Sequence[Sequence[Framed]]) -> Dataset:
    """Columns `prompts`, `responses`, `learned` of each row's sequences, and what it is.

    `good` (critiques), `in_scope` (scopes) and `margins` (criteria) are of the row.
    """
    made = []
    for row, group in zip(rows, framed, strict=True):
        entry: dict[str, Any] = {
            "prompts": [one.prompt_ids for one in group],
            "responses": [one.response_ids for one in group],
            "learned": [one.learned or [1] * len(one.response_ids) for one in group],
        }
        if isinstance(row, CritiqueExample):
            entry["good"] = row.good
        if isinstance(row, Critiqued):
            entry["in_scope"] = bool(row.refined)
        if isinstance(row, CriterionPair):
            entry["margins"] = list(row.margins)
        made.append(entry)
    return Dataset.from_list(made)


def _even(group: Sequence[Framed]) -> tuple[Framed, ...]:
    """All cut to the shortest response: a critique takes some of the room."""
    length = min(len(one.response_ids) for one in group)
    return tuple(replace(one, response_ids=one.response_ids[:length]) for one in group)
