"""The rows that a policy learns from, of any loss, as token ids."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from training.data.framing import Framed, frame_all_for_policy
from training.data.lists import RankedList
from training.data.pairs import PairSplits, PreferencePair
from training.data.unpaired import VotedResponse
from training.recipes.dpo_config import DpoConfig
from training.recipes.feedback_rows import FeedbackRow, FeedbackSplits, frame_feedback
from training.recipes.group_data import GroupSplits

Splits = PairSplits | GroupSplits | FeedbackSplits
GroupRow = PreferencePair | RankedList | VotedResponse
Row = GroupRow | FeedbackRow


def frame_rows(tokenizer: Any, config: DpoConfig, rows: Sequence[Row]) -> list[tuple[Framed, ...]]:
    """For each row its responses after its prompt: chosen and rejected, a list's, or one; of
    feedback what `frame_feedback` says.
    """

    groups = [row for row in rows if isinstance(row, GroupRow)]
    said = [(row.prompt, *one) for row in groups for one in _responses(row)]
    framed = iter(
        frame_all_for_policy(
            tokenizer,
            [(prompt, response) for prompt, response, _ in said],
            ends=[ends for _, _, ends in said],
            max_length=config.max_length,
            prompt_tokens=config.prompt_tokens,
        )
    )
    return [
        tuple(islice(framed, len(_responses(row))))
        if isinstance(row, GroupRow)
        else frame_feedback(tokenizer, config, row)
        for row in rows
    ]


def _responses(row: GroupRow) -> list[tuple[str, bool]]:
    """Each response, and whether it comes to an end."""
    if isinstance(row, PreferencePair):
        chosen_cut, rejected_cut = row.cut_off
        return [(row.chosen, not chosen_cut), (row.rejected, not rejected_cut)]
    found = row.responses if isinstance(row, RankedList) else (row.response,)
    return [(response, True) for response in found]
