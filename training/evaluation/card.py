"""The model card of a version: Markdown under the header that the Hugging Face hub reads. Pure.

https://huggingface.co/docs/hub/model-cards. It names no person, and no number that is given out
only after the files are hashed: the card is one of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotate.wording import Told
from training.evaluation.figure_words import figure_words

Say = Callable[[Told], str]
Write = Callable[[str], str]
"""How a reader writes a number that is given with a decimal point."""

FEW_ROWS = 100


@dataclass(frozen=True)
class CardFacts:
    """What a card tells. `sources`: judgements by source; `metrics`: of the held-out rows;
    `scored`: rows that were kept for the promotion gate, by kind; `learned`: how many rows it
    trained on, and what filters left out or changed.

    `lineage`: (what, which) from the model to the rows; `base_model` without local paths.
    """

    kind: str
    run: int
    project: int
    asked: str
    base_model: str
    recipe: str
    config: Mapping[str, Any]
    snapshot: Mapping[str, Any]
    sources: Mapping[str, int]
    annotators: int
    judges: int
    metrics: Mapping[str, Any]
    lineage: tuple[tuple[Told, str | Told], ...]
    scored: Mapping[str, int] = field(default_factory=dict)
    learned: Mapping[str, Any] = field(default_factory=dict)


def in_english(said: Told) -> str:
    return said.message


def write_card(facts: CardFacts, say: Say = in_english, write: Write = str) -> str:
    """The whole card, the same for the same facts; `say` says its sentences for a page, and
    `write` writes its figures. Settings stay as they are sent.
    """
    policy = facts.kind == "policy"
    of = Told("Policy of run {run}", run=facts.run)
    title = of if policy else Told("Reward model of run {run}", run=facts.run)
    base = (say(Told("Base model")), facts.base_model)
    head = tuple(say(one) for one in (Told("Setting"), Told("Value")))
    parts = [
        _header(facts),
        f"# {say(title)}\n",
        _purpose(facts, say),
        _heading(say(Told("Data"))) + "\n" + _bullets(_data(facts, say)),
        _heading(say(Told("Training")))
        + "\n"
        + _bullets([base, (say(Told("Recipe")), facts.recipe), *_learned(facts.learned, say)]),
        _table(head, _settings(facts.config)),
        _heading(say(Told("Figures on held-out labels"))),
        _figures(facts.metrics, say, write),
        _kept_for_gate(facts, say),
        _heading(say(Told("Known limits")))
        + "\n"
        + "".join(f"- {say(limit)}\n" for limit in _limits(facts)),
        _heading(say(Told("Lineage"))) + "\n" + _bullets(_lineage(facts, say)),
    ]
    return "\n".join(parts)


def without_header(card: str) -> str:
    """The card without what only machines read."""
    return card.split("---\n", 2)[2].lstrip() if card.startswith("---\n") else card


def _header(facts: CardFacts) -> str:
    policy = facts.kind == "policy"
    tags = ["preference", facts.kind.replace("_", "-"), facts.recipe]
    lines = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation" if policy else "text-classification",
        "tags": sorted(set(tags)),
    }
    if facts.base_model.count("/") == 1 and not facts.base_model.startswith(("/", "base/")):
        lines["base_model"] = facts.base_model
    # JSON is YAML, and needs no library that knows which words YAML takes for numbers.
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())
    return f"---\n{text}---\n"


def _heading(text: str) -> str:
    return f"## {text}\n"


def _purpose(facts: CardFacts, say: Say) -> str:
    if facts.kind == "policy":
        return say(Told("Writes responses to prompts like those of its project.")) + "\n"
    text = Told(
        "Scores responses; scores of responses to one prompt can be compared with each other."
    )
    return say(text) + "\n"


def _data(facts: CardFacts, say: Say) -> list[tuple[str, str]]:
    count = sum(facts.sources.values())
    shares = [say(_share(name, number, count)) for name, number in facts.sources.items()]
    split = facts.snapshot["split"]
    percent = split.get("test_percent", "?")
    held_out = Told("{percent} % of prompts, by chance; no labels of AI judges", percent=percent)
    rules = [facts.snapshot[name] for name in ("holds", "tie_rule", "aggregation")]
    return [
        (say(Told("What was asked")), facts.asked),
        (say(Told("Judgements")), f"{count}: " + ", ".join(shares) if count else "0"),
        (say(Told("Annotators")), str(facts.annotators)),
        (say(Told("AI judges")), str(facts.judges)),
        (say(Told("Rows")), f"{facts.snapshot['rows']} ({', '.join(filter(None, rules))})"),
        (say(Told("Held out")), say(held_out)),
        (say(Told("SHA-256 of the rows")), f"`{facts.snapshot['sha256']}`"),
    ]


def _share(source: str, number: int, of: int) -> Told:
    figures = {"count": number, "percent": round(100 * number / of, 1)}
    if source == "person":
        return Told("person {count} ({percent} %)", **figures)
    if source == "judge":
        return Told("judge {count} ({percent} %)", **figures)
    return Told("imported {count} ({percent} %)", **figures)


def _lineage(facts: CardFacts, say: Say) -> list[tuple[str, str]]:
    return [
        (say(what), say(which) if isinstance(which, Told) else which)
        for what, which in facts.lineage
    ]


def _learned(learned: Mapping[str, Any], say: Say) -> Iterator[tuple[str, str]]:
    if "train_rows" not in learned:
        return
    left_out = sum((learned.get("dropped") or {}).values())
    strength = (learned.get("filters") or {}).get("strength") or {}
    yield say(Told("Training rows")), str(learned["train_rows"])
    if left_out:
        yield say(Told("Rows left out before training")), str(left_out)
    if "flipped" in strength:
        yield say(Told("Labels flipped, by an ensemble’s view of them")), str(strength["flipped"])
    if "softened" in strength:
        yield say(Told("Labels softened, by an ensemble’s view of them")), str(strength["softened"])


def _settings(config: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", f"`{_plain(value)}`") for name, value in sorted(config.items())]


def _figures(metrics: Mapping[str, Any], say: Say, write: Write) -> str:
    votes, feedback = metrics.get("votes") or {}, metrics.get("feedback")
    if not (metrics.get("rows") or votes.get("good") or votes.get("bad") or feedback):
        return say(Told("No label was held out, so nothing was measured.")) + "\n"
    head = (Told("Figure"), Told("Value"), Told("95 % interval"), Told("Rows"))
    return _table(tuple(say(one) for one in head), list(_flat("", metrics, say, write)))


def _kept_for_gate(facts: CardFacts, say: Say) -> str:
    """What a later version will be compared on."""
    kept = ", ".join(say(_kept(kind, count)) for kind, count in sorted(facts.scored.items()))
    if not kept:
        return ""
    text = Told(
        "Kept for comparisons with other versions: its scores of {kept}, held out, with ties.",
        kept=kept,
    )
    if facts.kind == "policy":
        text = Told(
            "Kept for comparisons with other versions: its implicit rewards of {kept}, held out, "
            "with ties.",
            kept=kept,
        )
    return say(text) + "\n"


def _kept(kind: str, count: int) -> Told:
    if kind == "segment":
        return Told("{count} segments", count=count)
    return Told("{count} pairs", count=count)


def _flat(
    prefix: str, metrics: Mapping[str, Any], say: Say, write: Write
) -> Iterator[tuple[str, ...]]:
    """Shares with their intervals and numbers, from whatever depth they lie at."""
    for name, value in metrics.items():
        label = f"{prefix}{figure_words(name, say)}"
        if isinstance(value, Mapping) and {"value", "low", "high"} <= value.keys():
            ends = {end: write(f"{value[end]:.3f}") for end in ("low", "high")}
            interval = Told("{low} to {high}", **ends)
            yield label, write(_plain(value["value"])), say(interval), str(value.get("rows", ""))
        elif isinstance(value, Mapping):
            yield from _flat(f"{label}: ", value, say, write)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield label, write(_plain(value)), "", ""


def _limits(facts: CardFacts) -> list[Told]:
    rows = facts.metrics.get("rows") or 0
    limits = [Told("Measured on prompts of its own project; elsewhere nothing is known.")]
    if rows:
        limits.append(
            Told("Intervals take rows for independent; several of one prompt narrow them.")
        )
    if rows < FEW_ROWS:
        few = Told(
            "{rows} held-out labels are few: differences of some points mean nothing.", rows=rows
        )
        limits.append(few)
    found = facts.metrics.get("against_length_only")
    if isinstance(found, Mapping) and not (
        found["p_value"] < 0.05 and found["only_a"] > found["only_b"]
    ):
        limits.append(Told("Not shown to be better than preferring by length alone."))
    if facts.sources.get("judge"):
        limits.append(Told("Trained on labels of AI judges too, and may share their habits."))
    if facts.annotators == 1:
        limits.append(Told("One annotator gave all labels of people: it has that one's taste."))
    return limits


def _bullets(rows: Any) -> str:
    return "".join(f"- {name}: {value}\n" for name, value in rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(_cell(one) for one in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
