"""Sparse features of pairs: pairs.npz (apart_PD, held_P) into features.npz (feature_PM).

The autoencoder is fitted to pairs that are not held out. Rows of scores.jsonl tell how far it is
({"epoch", "loss"}), the last one {"explained": [of the fitted pairs, of those held out]}.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import numpy as np

from training.recipes.sparse_autoencoder import SparseConfig, fit


def perform(
    job: dict[str, Any],
    folder: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    with np.load(folder / "pairs.npz") as given:
        apart_PD, held_P = given["apart_PD"], given["held_P"]
    with (folder / "scores.jsonl").open("w", encoding="utf-8") as out:

        def tell(row: dict[str, Any]) -> None:
            out.write(json.dumps(row, allow_nan=False) + "\n")
            out.flush()

        model = fit(
            apart_PD[~held_P],
            SparseConfig(**job["config"]),
            report=lambda epoch, loss: tell({"epoch": epoch, "loss": loss}),
            should_stop=should_stop,
        )
        np.savez(folder / "features.npz", feature_PM=model.encode(apart_PD))
        tell({"explained": [model.explained(apart_PD[which]) for which in (~held_P, held_P)]})
    return {"status": "done", "items": len(apart_PD)}
