"""Answers and contexts, which name responses by position in a file, with ids in their place."""

from collections.abc import Mapping
from typing import Any

from annotate.kinds import form, spans

Names = Mapping[int, Any]  # position -> id; on pages id -> letter
# What answers hold by response: of ratings, of single words, of steps, of labels.
KEYED = ("ratings", "words", "labels", "critiques", "responses", "unrankable")


def named_value(kind: str, value: Mapping[str, Any], names: Names, settings: Any) -> dict[str, Any]:
    """An answer as a file gives it, of a kind that files can give."""
    if kind == spans.NAME:
        return spans.renamed(value, names)
    if isinstance(settings, form.FormSettings):
        kind_of = {question.name: question for question in settings.questions}
        answers = {
            name: named_value(kind_of[name].kind, answer, names, kind_of[name].settings)
            for name, answer in value["answers"].items()
        }
        return {**value, "answers": answers}
    named = dict(value)
    for field in ("preferred", "best", "worst", "closer", "anchor"):
        if field in named:
            named[field] = names.get(named[field], named[field])
    for field in KEYED:
        if isinstance(named.get(field), dict):
            named[field] = {_named_key(key, names): said for key, said in named[field].items()}
    if "tiers" in named:
        named["tiers"] = [[names[place] for place in tier] for tier in named["tiers"]]
    return named


def named_context(context: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """`anchor` and the keys of `prompts` are positions in a file; what names none stays."""
    named = dict(context)
    anchor, prompts = named.get("anchor"), named.get("prompts")
    if isinstance(anchor, int):
        named["anchor"] = names.get(anchor, anchor)
    if isinstance(prompts, dict):
        named["prompts"] = {_named_key(key, names): prompt for key, prompt in prompts.items()}
    return named


def _named_key(key: str, names: Names) -> str:
    return str(names[int(key)]) if key.isdecimal() and int(key) in names else key
