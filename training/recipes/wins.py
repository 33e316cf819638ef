"""How often a policy's responses win against those of its start, as a reward model sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import numpy as np

from training.data.conversation import Message
from training.evaluation.preference import pairwise_accuracy
from training.recipes.errors import ModelError
from training.recipes.head_model import load_scorer


@dataclass(frozen=True)
class WinJudge:
    """The folder of a published reward model, and the name it goes by."""

    folder: Path
    name: str

    def figures(
        self,
        tokenizer: Any,
        prompts: Sequence[Sequence[Message]],
        drawn: Sequence[Sequence[int]],
        drawn_by_start: Sequence[Sequence[int]],
    ) -> dict[str, Any]:
        """`win_rate`: share of prompts whose response scores higher than the start's, equal ones
        half; `win_rate_by`: who says so. A reward model that cannot be read is told in
        `win_rate_failure`: the training that it is a figure of has been done.
        """
        try:
            scorer = load_scorer(self.folder)
        except ModelError as error:
            return {"win_rate_by": self.name, "win_rate_failure": str(error)}
        sides = (drawn, drawn_by_start)
        texts = [[_text(tokenizer, ids) for ids in side] for side in sides]
        pairs = zip(prompts, zip(*texts, strict=True), strict=True)
        gaps = np.array([one - other for one, other in scorer.score_sets(list(pairs))])
        return {"win_rate": pairwise_accuracy(gaps).as_dict(), "win_rate_by": self.name}


def _text(tokenizer: Any, ids: Sequence[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    return text.strip()
