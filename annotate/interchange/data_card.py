"""The data card of a snapshot: Markdown under the header that the Hugging Face hub and `datasets`
read. Pure; in English, as files are.

https://huggingface.co/docs/hub/datasets-cards. It names no person, no team and no project by name.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONSENSUS_FILE = "consensus.parquet"
LEAST_DOUBLE = 0.1  # below this share of tasks, agreement says little
SIZES = (
    *((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M")),
    *((10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B")),
)
# The hub's names of licences that are not SPDX's in small letters, and those that are.
HUB_LICENSES = {"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}
HUB_KNOWN = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-2.0", "cc-by-3.0"),
    *("cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
    *("cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0"),
    *("cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0"),
    *("unlicense", "isc", "zlib", "wtfpl"),
}


@dataclass(frozen=True)
class Voice:
    """Judgements of one source; of people who are simulated apart."""

    source: str
    simulated: bool
    judgements: int

    @property
    def name(self) -> str:
        return "simulated people" if self.simulated else NAMES[self.source]


NAMES = {"person": "people", "judge": "AI judges", "imported": "imported labels"}


@dataclass(frozen=True)
class Question:
    """How far people agree on one: (value, low, high), shares from 0 to 1 and alpha."""

    name: str
    items: int
    percent: tuple[float, float | None, float | None] | None
    alpha: tuple[float, float | None, float | None] | None


@dataclass(frozen=True)
class Agreement:
    """Of the project's latest report on quality, made on `day`."""

    day: str
    tasks: int
    double: int
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Consensus:
    """What tasks came to by the report of `day`. `divergent`: rows marked so; `newer`: the
    snapshot's judgements that came after it.
    """

    day: str
    rows: int
    sha256: str
    divergent: int
    newer: int
    by_method: Mapping[str, int]


@dataclass(frozen=True)
class CardFacts:
    """What a card tells. Counts that are None are held back.

    `people`: how many different ones; `tiers` and `reads` are counts of them. `routes`: tasks by
    who labelled them. `forms`: judgements by version of the form, under None those that were given
    under none. `filters`: what each says, in words.
    """

    project: int
    number: int
    kind: str
    holds: str
    license: str
    sha256: str
    made: str
    rows: Mapping[str, int]
    test_percent: int
    filters: tuple[tuple[str, str], ...]
    rules: tuple[tuple[str, str], ...]
    judgements: int
    days: tuple[str, str] | None
    voices: tuple[Voice, ...]
    routes: Mapping[str, int]
    judges: Mapping[str, int]
    people: int | None
    tiers: Mapping[str, int | None]
    reads: Mapping[str, int | None]
    forms: Mapping[int | None, int]
    languages: Mapping[str, int]
    turned: int
    agreement: Agreement | None
    consensus: Consensus | None = None


def write_card(facts: CardFacts) -> str:
    """The whole card, the same for the same facts."""
    parts = [
        _header(facts),
        f"# Snapshot {facts.number} of project {facts.project}\n",
        _what(facts),
        "## Files\n\n" + _table(("Split", "Rows"), facts.rows.items()) + _loading(facts),
        "## How it was collected\n\n" + _bullets(_collected(facts)),
        "## Who judged\n\n" + _who(facts),
        "## Agreement\n\n" + _agreement(facts.agreement),
        "## Consensus\n\n" + _consensus(facts.consensus),
        "## Selection\n\n" + _bullets((*facts.filters, *facts.rules)),
        "## Known limits\n\n" + "".join(f"- {limit}\n" for limit in _limits(facts)),
        "## Identity\n\n" + _bullets(_identity(facts)),
    ]
    return "\n".join(parts)


def _header(facts: CardFacts) -> str:
    whole = sum(facts.rows.values())
    size = next((name for most, name in SIZES if whole < most), "n>1T")
    first = sorted({tag.split("-")[0].lower() for tag in facts.languages if tag})
    preferences = facts.holds == "preferences"
    splits = [
        {"split": split, "path": f"{split}-*.parquet"} for split, n in facts.rows.items() if n
    ]
    tasks = [{"split": "tasks", "path": CONSENSUS_FILE}] if facts.consensus else []
    lines: dict[str, Any] = {
        "pretty_name": f"Snapshot {facts.number} of project {facts.project}",
        **_license(facts.license),
        **({"language": first} if first else {}),
        "size_categories": [size],
        "task_categories": ["text-generation" if preferences else "text-classification"],
        "tags": ["human-feedback", "preference" if preferences else "annotation", facts.kind],
        "configs": [
            {"config_name": name, "data_files": files}
            for name, files in (("default", splits), ("consensus", tasks))
            if files
        ],
    }
    if not lines["configs"]:  # there is nothing that a split could be read from
        del lines["configs"]
    # JSON is YAML, and needs no library that knows which words YAML takes for numbers.
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())
    return f"---\n{text}---\n"


def _license(text: str) -> dict[str, str]:
    """As the hub wants it: one of its names, or "other" with the name beside it."""
    if not text:
        return {"license": "unknown"}
    name = HUB_LICENSES.get(text.lower(), text.lower())
    if name in HUB_KNOWN or text.lower() in HUB_LICENSES:
        return {"license": name}
    return {"license": "other", "license_name": text}


def _what(facts: CardFacts) -> str:
    rows = sum(facts.rows.values())
    what = "preferences between two responses" if facts.holds == "preferences" else "judgements"
    return (
        f"{rows:,} rows ({what}) from {facts.judgements:,} judgements of kind `{facts.kind}`,"
        f" frozen on {facts.made}. Licence: {facts.license or 'not stated'}.\n"
    )


def _loading(facts: CardFacts) -> str:
    return (
        '\n`datasets.load_dataset("folder")` reads them, where `folder` is the one that this file'
        f" lies in. Held out as `test` are {facts.test_percent} % of the prompts, drawn by their"
        " content; its rows are people's and imported labels only.\n"
    )


def _collected(facts: CardFacts) -> list[tuple[str, str]]:
    told = [("What was asked", f"`{facts.kind}`")]
    if facts.days:
        first, last = facts.days
        told.append(("Answers given", first if first == last else f"{first} to {last}"))
    versions = [
        f"version {number} ({count:,} judgements)" if number else f"none ({count:,} judgements)"
        for number, count in facts.forms.items()
    ]
    told.append(("Form and guidelines", ", ".join(versions) or "none"))
    told.append(("Judgements by source", _shares({v.name: v.judgements for v in facts.voices})))
    told.append(("Tasks by who labelled them", _shares(facts.routes)))
    if facts.turned:
        told.append(("Labels that a second look turned round", f"{facts.turned:,}"))
    if facts.judges:
        told.append(("AI judges", _shares(facts.judges)))
    languages = {tag or "not stated": count for tag, count in facts.languages.items()}
    told.append(("Prompts by language", _shares(languages)))
    return told


def _who(facts: CardFacts) -> str:
    if facts.people == 0:
        return "Nobody who is a member here: no label is of a person's.\n"
    if facts.people is None:
        return "Fewer people than may be told of by number.\n"
    tiers = {name: _count(count) for name, count in facts.tiers.items()}
    text = f"{facts.people:,} people.\n\n" + _table(("Tier now", "People"), tiers.items())
    if facts.reads:
        reads = {tag: _count(count) for tag, count in facts.reads.items()}
        text += "\n" + _table(("Language that they read", "People"), reads.items())
    if None in (*facts.tiers.values(), *facts.reads.values()):
        text += "\nSmall counts are held back, and others from which they could be reckoned.\n"
    return text


def _agreement(found: Agreement | None) -> str:
    if found is None:
        return "Not known: there was no report on quality when the snapshot was made.\n"
    text = (
        f"Of the project's people by its report of {found.day}, which is about all of its labels"
        " and not about these rows alone:"
        f" {found.double:,} of {found.tasks:,} tasks have two or more.\n"
    )
    rows = [
        (one.name or "answer", f"{one.items:,}", _figure(one.percent, 100), _figure(one.alpha, 1))
        for one in found.questions
    ]
    head = ("Question", "Items", "Equal pairs, % (95 %)", "Krippendorff's alpha (95 %)")
    return text + ("\n" + _table(head, rows) if rows else "")


def _consensus(found: Consensus | None) -> str:
    if found is None:
        return "None: no report on quality had computed what these tasks came to.\n"
    text = (
        f'`{CONSENSUS_FILE}` (`datasets.load_dataset("folder", "consensus")`) tells what'
        " each task came to by each method: answer, posterior, entropy, and whether people are"
        " of two minds (`divergent`), which is no error of theirs. It is that of the project's"
        f" report on quality of {found.day}, from all of its labels and not from the selected ones"
        f" alone. {found.rows:,} rows ({_shares(found.by_method)}), {found.divergent:,} of them"
        " divergent.\n"
    )
    if found.newer:
        text += f"\n{found.newer:,} of the judgements came after that report.\n"
    return text


def _limits(facts: CardFacts) -> Iterable[str]:
    whole = facts.judgements or 1
    of = {voice.name: voice.judgements for voice in facts.voices}
    if not facts.license:
        yield "Its licence is not stated: ask before it is passed on."
    if of.get("simulated people"):
        yield (
            f"{100 * of['simulated people'] / whole:.1f} % of the judgements are of simulated"
            " people: no evidence of anybody's taste."
        )
    if of.get("AI judges"):
        yield (
            f"{100 * of['AI judges'] / whole:.1f} % of the judgements are of AI judges, whose"
            " habits (order, length, their own style) they pass on."
        )
    if of.get("imported labels"):
        yield "Imported labels were made elsewhere; how, is not known here."
    found = facts.agreement
    if found is None or not found.questions:
        yield "How far people agree is not known."
    elif found.tasks and found.double / found.tasks < LEAST_DOUBLE:
        yield "Few tasks were judged twice, so the agreement is that of a small part."
    if len(facts.forms) > 1:
        yield "Answers were given under several versions of the form and its guidelines."
    if not sum(facts.rows.values()):
        yield "It has no rows."
    elif not facts.rows.get("test"):
        yield "Nothing is held out: there is no test split."
    if "" in facts.languages:
        yield "The language of some prompts is not stated."
    yield (
        "Prompts, responses and rationales are as they came. They were not searched for what names"
        " people, for harmful content or for what others hold rights in."
    )


def _identity(facts: CardFacts) -> list[tuple[str, str]]:
    kept = [("SHA-256 of the consensus", f"`{facts.consensus.sha256}`")] if facts.consensus else []
    return [
        ("SHA-256 of the rows", f"`{facts.sha256}`"),
        *kept,
        ("Project and snapshot", f"{facts.project}, {facts.number}"),
        ("Licence", facts.license or "not stated"),
        ("People", "under pseudonyms, or not named at all"),
    ]


def _shares(counts: Mapping[str, int]) -> str:
    whole = sum(counts.values())
    told = [f"{name} {n:,} ({100 * n / whole:.1f} %)" for name, n in counts.items() if n]
    return ", ".join(told) or "none"


def _count(count: int | None) -> str:
    return "held back" if count is None else f"{count:,}"


def _figure(figure: tuple[float, float | None, float | None] | None, times: int) -> str:
    if figure is None:
        return "not known"
    value, low, high = figure
    digits = 1 if times > 1 else 2
    text = f"{times * value:.{digits}f}"
    if low is None or high is None:
        return text
    return f"{text} ({times * low:.{digits}f} to {times * high:.{digits}f})"


def _bullets(lines: Iterable[tuple[str, str]]) -> str:
    return "".join(f"- **{name}:** {said}\n" for name, said in lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    cells = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in row) + " |\n" for row in cells)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
