"""Padding and batching for scoring and sampling."""

from collections.abc import Sequence

import torch
from torch import Tensor


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Row numbers in batches of like length, longest first: memory trouble shows at once."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row], reverse=True)
    return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]


def like_lengths(lengths: Sequence[int], *, least_tokens: int) -> list[list[int]]:
    """Row numbers in groups that lose little to padding, each of at least so many tokens but for
    the shortest: smaller ones would lose more to the calls they take.
    """
    groups: list[list[int]] = [[]]
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        longest = lengths[groups[-1][0]] if groups[-1] else 0
        if groups[-1] and longest * len(groups[-1]) >= least_tokens and lengths[row] < longest:
            groups.append([])
        groups[-1].append(row)
    return groups


def pad_right(sequences: Sequence[Sequence[int]], value: int) -> Tensor:
    """[B, L] token ids, padded at the end."""
    longest = max(len(sequence) for sequence in sequences)
    return torch.tensor([[*row, *([value] * (longest - len(row)))] for row in sequences])


def pad_left(sequences: Sequence[Sequence[int]], value: int) -> Tensor:
    """[B, L] token ids, padded at the start, as sampling needs it."""
    longest = max(len(sequence) for sequence in sequences)
    return torch.tensor([[*([value] * (longest - len(row))), *row] for row in sequences])


def attention_mask(sequences: Sequence[Sequence[int]], *, left: bool = False) -> Tensor:
    """[B, L], 1 where there is a token; made from lengths, for padding may equal a real token."""
    ones = [[1] * len(sequence) for sequence in sequences]
    return pad_left(ones, 0) if left else pad_right(ones, 0)
