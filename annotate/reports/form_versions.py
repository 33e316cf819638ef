"""What changed from one version of a project's form to the next, in words that people can read."""

import difflib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate.models import FormVersion, Project

MAX_CHARS = 300


@dataclass(frozen=True)
class Change:
    """One setting. `before` is None where it was added, `after` where it was taken away."""

    place: tuple[str, ...]
    before: str | None
    after: str | None


@dataclass(frozen=True)
class VersionRow:
    """A version, and what it changed of the one before. `lines` are of the guidelines: + or -."""

    version: FormVersion
    changes: Sequence[Change] = ()
    lines: Sequence[tuple[str, str]] = field(default_factory=tuple)


def version_rows(project: Project, *, before: int | None, limit: int) -> list[VersionRow]:
    """The latest versions first, those below number `before` if it is given. One query."""
    found = FormVersion.objects.filter(project=project).select_related("created_by")
    if before is not None:
        found = found.filter(number__lt=before)
    versions = list(found.order_by("-number")[: limit + 1])
    rows = [
        VersionRow(new, list(changes(old, new)), guideline_lines(old, new))
        for new, old in itertools.pairwise(versions)
    ]
    if versions and len(versions) <= limit:
        rows.append(VersionRow(versions[-1]))
    return rows


def changes(old: FormVersion, new: FormVersion) -> Iterator[Change]:
    """What differs in kind and settings."""
    if old.kind != new.kind:
        yield Change(("kind",), old.kind, new.kind)
    else:
        yield from _compare((), old.kind_settings, new.kind_settings)


def guideline_lines(old: FormVersion, new: FormVersion) -> list[tuple[str, str]]:
    """The lines that were added (+) or taken away (-)."""
    found = difflib.ndiff(old.guidelines.splitlines(), new.guidelines.splitlines())
    return [(line[0], line[2:]) for line in found if line[0] in "+-"]


def _compare(place: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            below = (*place, str(name))
            if name not in new:
                yield Change(below, _brief(old[name]), None)
            elif name not in old:
                yield Change(below, None, _brief(new[name]))
            else:
                yield from _compare(below, old[name], new[name])
    elif _is_named(old) and _is_named(new):
        ours, theirs = ({entry["name"]: entry for entry in entries} for entries in (old, new))
        yield from _compare(place, ours, theirs)
        both = [name for name in ours if name in theirs]
        order = [name for name in theirs if name in ours]
        if both != order:
            yield Change((*place, "order"), ", ".join(both), ", ".join(order))
    else:
        yield Change(place, _brief(old), _brief(new))


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, Mapping) and "name" in entry for entry in value
    )


def _brief(value: Any) -> str:
    if isinstance(value, Mapping) and "name" in value:
        value = value.get("title") or value["name"]
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        text = ", ".join(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}…"
