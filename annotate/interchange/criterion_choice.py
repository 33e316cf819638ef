"""Preferences by one criterion, in place of the whole, where answers tell both."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from annotate.interchange.preferences import Judged


def by_criterion(judged: Iterable[Judged], name: str) -> Iterator[Judged]:
    """The judgements that say something by it, with that as their answer."""
    for row in judged:
        value = _form_value(row.value, name) if "asked" in row.value else _value(row.value, name)
        if value is not None:
            yield row._replace(value=value)


def _value(value: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Of pairs what was preferred by it; of ratings the same, with it as the overall one."""
    if name in value.get("criteria", ()):
        said: Mapping[str, Any] = value["criteria"][name]
        return said
    if name in value.get("scales", ()):
        return {**value, "overall": name}
    return None


def _form_value(value: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = {key: _value(answer, name) for key, answer in value["answers"].items()}
    answers = {key: answer for key, answer in found.items() if answer is not None}
    if not answers:
        return None
    asked = [entry for entry in value["asked"] if entry["name"] in answers]
    return {**value, "answers": answers, "asked": asked}
