"""One label out of a judge's and a person's on the same instance."""

import numpy as np

from routing.policies.contract import Floats, Labels

SMOOTHING = 5.0  # votes by which a cell of few is drawn to the person's own label


def fit_combination(judge_V: Labels, vote_V: Labels, loss_VL: Floats, weight_V: Floats) -> Labels:
    """[judge label + 1, vote + 1]: the label of the least expected loss for each pair of them.

    Left and right are alike: each pair is counted with its mirror image. The loss is against
    votes of others, so a person is not their own reference.
    """
    total = np.zeros((3, 3, 3))
    sides = ((judge_V, vote_V, loss_VL), (-judge_V, -vote_V, loss_VL[:, ::-1]))
    for said_V, voted_V, lost_VL in sides:
        where = (said_V.astype(np.int64) + 1, voted_V.astype(np.int64) + 1)
        np.add.at(total, where, lost_VL * weight_V[:, None])
    drawn = SMOOTHING * (float(np.mean(weight_V)) if len(weight_V) else 1.0)
    for vote in range(3):
        total[:, vote, :] += drawn * np.abs(np.arange(3) - vote) / 2
    table = np.zeros((3, 3), dtype=np.int8)
    for judge in range(3):
        for vote in range(3):
            cell = total[judge, vote]
            best = np.flatnonzero(cell <= cell.min() + 1e-9)
            table[judge, vote] = (vote if vote in best else int(best[0])) - 1
    return table


def combine(table: Labels, judge_N: Labels, vote_N: Labels) -> Labels:
    """[N] labels."""
    return np.asarray(table[judge_N.astype(np.int64) + 1, vote_N.astype(np.int64) + 1])
