"""Ready-made forms for new projects: a kind with its settings, and guidelines in Markdown.

One `<name>.json` and one `<name>.md` each, in English; `words.py` says them in other languages, and
`offers.py` what they are called. Read at first use and kept; a preset that does not fit its kind
raises InvalidValue then.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from annotate import kinds
from annotate.presets.offers import OFFERS

FOLDER = Path(__file__).resolve().parent
NAMES = tuple(OFFERS)


@dataclass(frozen=True)
class Preset:
    """`settings` are whole, defaults filled in; `overlap` is how many people judge a task.

    `title` and `description` are messages of the catalogues.
    """

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


def raw(name: str) -> dict[str, Any]:
    """The preset's file as it is."""
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return read


def _load(name: str) -> Preset:
    read = raw(name)
    settings = kinds.get(read["kind"]).clean_settings(read["settings"])
    return Preset(
        name=name,
        title=OFFERS[name].title,
        description=OFFERS[name].description,
        source=read["source"],
        kind=read["kind"],
        settings=asdict(settings),
        guidelines=(FOLDER / f"{name}.md").read_text(),
        overlap=read.get("overlap", 1),
    )
