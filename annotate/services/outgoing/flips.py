"""Turning judges' labels round, and back. What the judge said stays; these rows stand beside it."""

from collections.abc import Iterable, Mapping
from typing import Any

from annotate.kinds import pairwise
from annotate.models import Judgement, LabelFlip


def turn_label(
    *, judgement: Judgement, response_ids: list[int], why: Mapping[str, Any]
) -> LabelFlip:
    """From now on its opposite is what whoever asks for turned labels gets; to be called in the
    transaction of the deed.

    `response_ids` are the task's two, `why` is JSON. Raises ValueError for a label that is no
    judge's, and for a tie.
    """
    if judgement.source != Judgement.Source.JUDGE or judgement.kind != pairwise.NAME:
        raise ValueError(f"{judgement} is no preference of a judge; only those are turned round")
    value = pairwise.turned(judgement.value, response_ids)
    return LabelFlip.objects.create(judgement=judgement, value=value, why=dict(why))


def take_back(*, flips: Iterable[LabelFlip], why: Mapping[str, Any]) -> int:
    """Their judgements are again as they were given. Returns how many; call it in a transaction."""
    rows = [LabelFlip(judgement_id=one.judgement_id, value=None, why=dict(why)) for one in flips]
    return len(LabelFlip.objects.bulk_create(rows, batch_size=2000))
