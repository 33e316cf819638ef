"""Tags and numeric signals as the columns of a model, scaled as they were when it was fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MIN_GROUPS = 10
MIN_ROWS = 30  # a tag on fewer instances (or lacking on fewer) says nothing that would hold


@dataclass(frozen=True)
class Columns:
    """Which tags and signals are used, and the centre and width of each resulting column.

    A signal that is unknown (NaN) stands at its mean; where that happened while fitting, a column
    of its own says so. `is_tag` parts the columns for penalties of two strengths.
    """

    names: tuple[str, ...]
    tags: tuple[int, ...]
    signals: tuple[int, ...]
    gaps: tuple[int, ...]
    mean: tuple[float, ...]
    width: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        tags_NT: NDArray[np.bool_],
        signals_NS: NDArray[np.floating[Any]],
        *,
        tag_names: Sequence[str],
        signal_names: Sequence[str],
        use_signals: Sequence[int] | None = None,
        group_N: NDArray[Any] | None = None,
        min_rows: int = MIN_ROWS,
    ) -> "Columns":
        """Tags on at least `min_rows` rows and lacking on as many; signals that vary.

        With `group_N` (prompts), also on and lacking on at least MIN_GROUPS of them: what a few
        prompts share is the prompts themselves, and says nothing of others.
        """
        rows = len(tags_NT)
        tags = tuple(int(t) for t in np.flatnonzero(
            _common(tags_NT, group_N, min_rows)))  # fmt: skip
        wanted = range(signals_NS.shape[1]) if use_signals is None else use_signals
        values_NS = np.asarray(signals_NS, dtype=np.float64)
        known_NS = np.isfinite(values_NS)
        signals = tuple(s for s in wanted if len(np.unique(values_NS[known_NS[:, s], s])) > 1)
        missing = rows - known_NS.sum(0)
        gaps = tuple(s for s in wanted if min_rows <= missing[s] <= rows - min_rows)
        names = (
            *(signal_names[s] for s in signals),
            *(f"{signal_names[s]} unknown" for s in gaps),
            *(tag_names[t] for t in tags),
        )
        empty = cls(names, tags, signals, gaps, (0.0,) * len(names), (1.0,) * len(names))
        raw_NC = empty._raw(tags_NT, signals_NS)
        mean_C = np.nan_to_num(np.nanmean(raw_NC, axis=0)) if rows else np.zeros(len(names))
        width_C = np.nanstd(raw_NC, axis=0) if rows else np.ones(len(names))
        width_C = np.where(width_C > 1e-9, width_C, 1.0)
        return cls(names, tags, signals, gaps, tuple(mean_C.tolist()), tuple(width_C.tolist()))

    @property
    def is_tag(self) -> NDArray[np.bool_]:
        return np.arange(len(self.names)) >= len(self.names) - len(self.tags)

    def apply(self, tags_NT: NDArray[np.bool_], signals_NS: NDArray[np.floating[Any]]) -> Floats:
        """[N, C], each column with mean 0 and deviation 1 on the rows it was fitted on."""
        scaled = (self._raw(tags_NT, signals_NS) - np.array(self.mean)) / np.array(self.width)
        return np.asarray(np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0))

    def _raw(self, tags_NT: NDArray[np.bool_], signals_NS: NDArray[np.floating[Any]]) -> Floats:
        values_NS = np.asarray(signals_NS, dtype=np.float64)
        values_NS = np.where(np.isfinite(values_NS), values_NS, np.nan)
        return np.concatenate(
            [
                values_NS[:, list(self.signals)],
                np.isnan(values_NS[:, list(self.gaps)]).astype(np.float64),
                np.asarray(tags_NT, dtype=np.float64)[:, list(self.tags)],
            ],
            axis=1,
        )

    def to_json(self) -> dict[str, Any]:
        return {name: list(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Columns":
        return cls(**{name: tuple(stored[name]) for name in cls.__dataclass_fields__})


def _common(
    tags_NT: NDArray[np.bool_], group_N: NDArray[Any] | None, min_rows: int
) -> NDArray[np.bool_]:
    """[T]: whether enough rows, and prompts, have the tag and enough do not."""
    flags = np.asarray(tags_NT, dtype=bool)
    carried_T = flags.sum(0)
    common_T = (carried_T >= min_rows) & (len(flags) - carried_T >= min_rows)
    if group_N is None:
        return np.asarray(common_T)
    _, which_N = np.unique(group_N, return_inverse=True)
    for value in (True, False):
        seen = np.zeros((int(which_N.max(initial=-1)) + 1, flags.shape[1]), dtype=bool)
        rows, tags = np.nonzero(flags == value)
        seen[which_N[rows], tags] = True
        common_T &= seen.sum(0) >= MIN_GROUPS
    return np.asarray(common_T)
