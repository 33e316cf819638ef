"""What experts have said, where a policy tells them apart. For workers: needs numpy."""

import numpy as np

from routing.policies.contract import DoublyLabelled, Layout
from routing.services.fitting_ppm import TooFewRows

LEAST_VOTES = 30  # of either tier, on tasks that somebody else labelled too


def require_experts(rows: DoublyLabelled, layout: Layout) -> None:
    """Raises TooFewRows where too little is known of what either tier's labels are worth."""
    if len(layout.tiers) < 2:
        return
    votes_N = np.bincount(rows.vote_row, minlength=len(rows.instances))
    compared = votes_N[rows.vote_row] > 1
    crowd, experts = (int((compared & (rows.vote_tier == tier)).sum()) for tier in range(2))
    if min(crowd, experts) < LEAST_VOTES:
        raise TooFewRows(
            "On tasks that several people labelled there are {experts} labels of experts and "
            "{crowd} of others; {least} of either are needed to tell what an expert's label is "
            "worth. Let experts label some of the others' tasks, or fit without experts.",
            experts=experts,
            crowd=crowd,
            least=LEAST_VOTES,
        )
