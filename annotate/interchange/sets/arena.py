"""Battles of two models, as chatbot arenas publish them.

Where the two part before their last turn, each response is all that follows, as a transcript.
Source: the columns of lmsys/chatbot_arena_conversations (Zheng et al. 2023, arXiv 2306.05685).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from annotate.interchange import fields
from annotate.interchange.dialogues import render_transcript
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.given import published
from annotate.interchange.preferences import Judged
from annotate.interchange.records import Message, Parts, RowProblem
from annotate.interchange.responses import LIMITS, parse
from annotate.interchange.sets.judged_pairs import compared, points, said_by
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
from annotate.interchange.streams import Limits
from annotate.kinds import pairwise
from annotate.media.as_text import text_turns
from annotate.wording import translatable

WINNERS: dict[str, int | str] = {
    **{"model_a": 0, "model_b": 1, "tie": "tie"},
    **{"tie (bothbad)": "both_bad", "both_bad": "both_bad", "both_good": "both_good"},
}
TAKEN = (
    *("model_a", "model_b", "winner", "human_votes", "conversation_a", "conversation_b"),
    *("judge", "question_id"),
)


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    sides = ("conversation_a", "conversation_b")
    first, second = (
        fields.messages(fields.require(dict(row), side), side, Limits()) for side in sides
    )
    if isinstance(row.get("turn"), int) and row["turn"] > 0:
        first, second = _up_to_turn(first, row["turn"]), _up_to_turn(second, row["turn"])
    for side, turns in zip(sides, (first, second), strict=True):
        _check_end(side, turns)
    shared = 0
    while shared < min(len(first), len(second)) - 1 and first[shared] == second[shared]:
        shared += 1
    prompt = first[:shared]
    said_a, said_b = (
        _said(side, turns[shared:]) for side, turns in zip(sides, (first, second), strict=True)
    )
    found = {
        **others(row, *TAKEN),
        "prompt": prompt,
        "responses": [
            {"text": said_a, "model": row.get("model_a")},
            {"text": said_b, "model": row.get("model_b")},
        ],
    }
    if row.get("winner") is not None:
        found["label"] = _winner(row["winner"], "winner")
        found |= published(LIMITS, when=(row.get("tstamp"), "tstamp"))
        found.pop("tstamp", None)
    elif row.get("human_votes"):
        found["labels"] = [
            {
                "preferred": _winner(vote.get("winner"), f"human_votes[{place}].winner"),
                "annotator": vote.get("judge"),
            }
            for place, vote in enumerate(objects_of(row, "human_votes"))
        ]
    if "judge" in row:
        found["annotator"] = row["judge"]
    if row.get("id") is None and "question_id" in row:
        found["id"] = row["question_id"]
    return found


def _up_to_turn(turns: list[Message], turn: int) -> list[Message]:
    """Up to the assistant's answer of this number: what was judged."""
    places = [i for i, one in enumerate(turns) if one["role"] == "assistant"]
    return turns[: places[turn - 1] + 1] if len(places) >= turn else turns


def _said(side: str, turns: list[Message]) -> str | Parts:
    """What a model said; of several turns, a transcript after the first."""
    if turns[0]["role"] != "assistant":
        raise _wrong_turns(side, turns)
    if len(turns) == 1:
        said: str | Parts = turns[0]["content"]
        return said
    first, *rest = text_turns(turns)
    return f"{first['content']}{render_transcript(rest)}"


def _check_end(side: str, turns: list[Message]) -> None:
    if not turns or turns[-1]["role"] != "assistant":
        raise _wrong_turns(side, turns)


def _wrong_turns(side: str, turns: list[Message]) -> RowProblem:
    return RowProblem(
        side, turns, "What the model said must begin and end with a turn of the assistant's."
    )


def _winner(said: Any, name: str) -> int | str:
    if not isinstance(said, str) or said not in WINNERS:
        raise RowProblem(name, said, "Expected one of {verdicts}.", verdicts=", ".join(WINNERS))
    return WINNERS[said]


def write(row: Judged) -> Rows:
    messages = row.prompt.messages
    for _, (_, value, first, second) in compared(row):
        said = points(value, first.id)
        equal = "tie (bothbad)" if value["verdict"] == "both_bad" else "tie"
        yield {
            "question_id": str(row.task_id),
            "model_a": first.generator,
            "model_b": second.generator,
            "winner": ("model_a" if said < 0 else "model_b") if said else equal,
            "judge": said_by(row),
            "conversation_a": [*messages, {"role": "assistant", "content": first.said}],
            "conversation_b": [*messages, {"role": "assistant", "content": second.said}],
            "turn": 1 + sum(turn["role"] == "assistant" for turn in messages),
            "language": row.prompt.language,
            "tstamp": datetime.fromisoformat(row.provenance["submitted_at"]).timestamp(),
            "rationale": row.provenance["rationale"],
            "seconds_active": row.provenance["seconds_active"],
        }


def recognises(row: Mapping[str, Any]) -> bool:
    return "conversation_a" in row and "conversation_b" in row


ARENA = ImportFormat(
    "arena",
    translatable("Arena battles"),
    reshaped(
        _reshape,
        parse,
        {
            **{"responses[0]": "conversation_a", "responses[1]": "conversation_b"},
            **{"prompt": "conversation_a", "labels": "human_votes", "label": "winner"},
            "annotator": "judge",
        },
    ),
    recognises,
)
TO_ARENA = ExportFormat(
    "arena",
    translatable("Arena battles"),
    {
        **{"question_id": "text", "model_a": "text", "model_b": "text", "winner": "text"},
        **{"judge": "text", "conversation_a": "messages", "conversation_b": "messages"},
        **{"turn": "integer", "language": "text", "tstamp": "number"},
        **{"rationale": "text", "seconds_active": "number"},
    },
    write_judged=write,
    kinds=frozenset({pairwise.NAME}),
)
