"""The kinds that stand alone and may be parts of a form: a new kind is entered here."""

from annotate.kinds import (
    chat,
    context,
    critique,
    joint,
    labels,
    pairwise,
    ranking,
    rating,
    similarity,
    spans,
    steps,
)
from annotate.kinds.contract import Kind

PARTS: dict[str, Kind] = {
    pairwise.NAME: pairwise,
    ranking.NAME: ranking,
    rating.NAME: rating,
    steps.NAME: steps,
    critique.NAME: critique,
    joint.NAME: joint,
    context.NAME: context,
    similarity.NAME: similarity,
    labels.NAME: labels,
    chat.NAME: chat,
    spans.NAME: spans,
}
