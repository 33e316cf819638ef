"""Rows of a proof that tried some kinds of policy, put among the rows of those it did not try."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS

TABLES = ("error", "reward")
KIND = 2  # the column of a row that names the policy's kind


class Apart(Exception):
    """The rows on file are of other seeds or data: they cannot stand in one table with new ones."""


def kept(name: str) -> dict[str, Any]:
    """What benchmarks/results/<name>.json holds; nothing where it is not there."""
    path: Path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def check_seeds(old: Mapping[str, Any], seeds: int) -> None:
    """Raises Apart, before anything is computed."""
    if old and old["seeds"] != seeds:
        raise Apart(
            f"--seeds {seeds}: the rows on file are of {old['seeds']} seeds; give as many, "
            "or leave --kinds out to measure every kind anew."
        )


def merge(old: Mapping[str, Any], new: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """One set's results: new rows of `kinds`, and the old rows of all others, in the old order.

    Raises Apart where what chance does came out otherwise: then the data are not the same.
    """
    if old["baselines"] != new["baselines"]:
        raise Apart(f"the baselines were {old['baselines']} and are {new['baselines']}")
    merged = {**old, **{name: new[name] for name in ("ppm",) if new[name]}}
    for table in TABLES:
        fresh = {tuple(row[: KIND + 1]): row for row in new[table]}
        for row in old[table]:
            key = tuple(row[: KIND + 1])
            if row[KIND] == "random" and fresh[key] != row:
                raise Apart(f"chance gave {row} and gives {fresh[key]}")
        before = {tuple(row[: KIND + 1]): row for row in old[table]}
        taken = {key: row for key, row in fresh.items() if key[KIND] in kinds}
        merged[table] = list({**before, **taken}.values())
    return merged
