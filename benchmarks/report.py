"""What every benchmark ends with: a table on the screen and a JSON file beside it."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, stdev

RESULTS = Path(__file__).resolve().parent / "results"


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table, numbers with three significant digits."""
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    print(_line(headers, widths))
    print(_line(["-" * width for width in widths], widths))
    for row in cells:
        print(_line(row, widths), flush=True)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


def mean_and_half_width(values: Sequence[float]) -> tuple[float, float]:
    """The mean of runs with several seeds, and half of its 95 % interval by Student's t."""
    from scipy.stats import t

    spread = stdev(values) / len(values) ** 0.5
    return fmean(values), float(t.ppf(0.975, len(values) - 1)) * spread


def write_json(name: str, **results: object) -> Path:
    """Write benchmarks/results/<name>.json with the machine and the moment; returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**stamp(), **results}, indent=1) + "\n")
    return path


def stamp() -> dict[str, object]:
    """The moment and the machine of what was just measured."""
    return {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}


def machine() -> dict[str, object]:
    """What the figures depend on, without naming the machine."""
    return {
        "cores": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load_at_end": round(os.getloadavg()[0], 2),
    }
