"""Ready-made forms for new projects: a kind with its settings, and guidelines in Markdown.

One `<name>.json` and one `<name>.md` each. Read at first use and kept; a preset that does not
fit its kind raises InvalidValue then.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from annotate import kinds

FOLDER = Path(__file__).resolve().parent
# The order in which they are offered.
NAMES = (
    "pairs",
    "multipref",
    "ultrafeedback",
    "helpsteer",
    "ksort_arena",
    "fine_grained_qa",
    "pair_then_spans",
    "prm_steps",
    "prism_chat",
    "rlhf_v",
)


@dataclass(frozen=True)
class Preset:
    """`settings` are whole, defaults filled in; `overlap` is how many people judge a task."""

    name: str
    title: str
    description: str
    source: str
    kind: str
    settings: Mapping[str, Any]
    guidelines: str
    overlap: int


@cache
def presets() -> tuple[Preset, ...]:
    """All of them, in order."""
    return tuple(_load(name) for name in NAMES)


def get(name: str) -> Preset:
    """The preset of that name. Raises KeyError with the names there are."""
    for preset in presets():
        if preset.name == name:
            return preset
    raise KeyError(f"no preset {name!r}; there are: {', '.join(NAMES)}")


def _load(name: str) -> Preset:
    raw = json.loads((FOLDER / f"{name}.json").read_text())
    settings = kinds.get(raw["kind"]).clean_settings(raw["settings"])
    return Preset(
        name=name,
        title=raw["title"],
        description=raw["description"],
        source=raw["source"],
        kind=raw["kind"],
        settings=asdict(settings),
        guidelines=(FOLDER / f"{name}.md").read_text(),
        overlap=raw.get("overlap", 1),
    )
