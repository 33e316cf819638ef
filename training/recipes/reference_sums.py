"""The reference's sums of each pair, made once before training and kept for a resume."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from datasets import Dataset
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from training.recipes.pair_batches import IDS, REFERENCE

NAME = "reference_sums.safetensors"


class ReferenceSums:
    """Two sums a row, NaN for rows that nobody asked for: a loss of those is no number.

    made_with: what the sums depend on beside the model, whose run owns the folder.
    """

    def __init__(self, folder: Path, dataset: Dataset, *, made_with: tuple[float, ...]) -> None:
        self.path = folder / NAME
        digest = sha256(repr(made_with).encode())
        for column in IDS:
            for ids in dataset[column]:
                digest.update(np.asarray(ids, dtype=np.int32).tobytes() + b"|")
        self.of_rows = digest.hexdigest()
        self.sums_N2 = np.full((len(dataset), 2), np.nan, dtype=np.float32)
        if self.path.is_file():
            with safe_open(self.path, framework="np") as kept:
                if kept.metadata() == {"of_rows": self.of_rows}:
                    self.sums_N2 = kept.get_tensor("sums")

    def has(self, rows: Sequence[int]) -> bool:
        return not np.isnan(self.sums_N2[rows]).any()

    def put(self, rows: Sequence[int], chosen_B: Tensor, rejected_B: Tensor) -> None:
        for column, side_B in enumerate((chosen_B, rejected_B)):
            self.sums_N2[rows, column] = side_B.float().cpu().numpy()

    def save(self) -> None:
        """Write them by rename."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        save_file({"sums": self.sums_N2}, partial, metadata={"of_rows": self.of_rows})
        partial.replace(self.path)

    def beside(self, dataset: Dataset) -> Dataset:
        for column, values in zip(REFERENCE, self.sums_N2.T, strict=True):
            dataset = dataset.add_column(column, values)
        return dataset
