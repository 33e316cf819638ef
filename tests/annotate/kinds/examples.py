"""Strategies: for every kind settings, what is shown, and several answers that fit both."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.steps import split_steps

CONFIDENCE = st.sampled_from(["absolutely", "fairly", "not"])
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
WRITTEN = TEXT.filter(str.strip)
YES_NO = st.sampled_from(["yes", "no", "unsure"])
BOOLEANS = st.booleans()


@dataclass(frozen=True)
class Example:
    """`values` are answers to one task under one project's `settings`; all fit."""

    settings: dict[str, Any]
    shown: Shown
    values: list[Any]


def ids(low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 2**63 - 1), min_size=low, max_size=high, unique=True)


@st.composite
def ranking(draw) -> Example:
    shown = draw(ids(2, 10))
    modes = draw(st.permutations(["full", "best_worst", "best"]))
    settings = {"modes": modes, "allow_all_good": True}
    verdicts = ["full", "best", "tie", "all_good", "all_bad"]
    if len(shown) > 2:
        verdicts.append("best_worst")

    def value() -> dict[str, Any]:
        verdict = draw(st.sampled_from(verdicts))
        order = draw(st.permutations(shown))
        if verdict == "best":
            return {"verdict": verdict, "best": order[0]}
        if verdict == "best_worst":
            return {"verdict": verdict, "best": order[0], "worst": order[-1]}
        if verdict != "full":
            return {"verdict": verdict}
        aside = draw(st.integers(0, len(order)))
        cuts = draw(st.sets(st.integers(1, len(order))))
        edges = sorted({0, *(cut for cut in cuts if cut < len(order) - aside), len(order) - aside})
        tiers = [order[a:b] for a, b in itertools.pairwise(edges)]
        unrankable = {str(pk): draw(WRITTEN) for pk in order[len(order) - aside :]}
        return {"verdict": "full", "tiers": tiers, "unrankable": unrankable}

    return _example(draw, settings, Shown.of_ids(shown), value)


TENTHS = st.integers(-10, 10).map(lambda tenth: tenth / 10)
SCALES: dict[str, tuple[dict[str, Any], st.SearchStrategy[Any]]] = {
    "likert": ({"type": "likert", "points": 7}, st.integers(1, 7)),
    "number": ({"type": "number", "min": -1, "max": 1, "step": 0.1}, TENTHS),
    "any": ({"type": "number", "min": 0.5, "max": 3, "step": 0}, st.floats(0.5, 3)),
    "yes_no": ({"type": "yes_no"}, YES_NO),
}


@st.composite
def rating(draw) -> Example:
    shown = draw(ids(1, 10))
    names = draw(st.lists(st.sampled_from(list(SCALES)), min_size=1, unique=True))
    needed = {name: draw(BOOLEANS) for name in names}
    words = draw(st.lists(WRITTEN, max_size=4))
    settings = {
        "criteria": [
            {"name": name, "scale": SCALES[name][0], "required": needed[name], "allow_na": True}
            for name in names
        ],
        "overall": draw(st.sampled_from(["", *names])),
        "words": True,
    }

    def ratings(first: bool) -> dict[str, Any]:
        return {
            name: draw(st.none() | SCALES[name][1])
            for name in names
            if needed[name] or first or draw(BOOLEANS)
        }

    def value() -> dict[str, Any]:
        rated = {"ratings": {str(pk): ratings(pk == shown[0]) for pk in shown}}
        if words:
            rated["words"] = {str(pk): [draw(YES_NO) for _ in words] for pk in shown}
        return rated

    return _example(draw, settings, _shown(shown, context={"words": words}), value)


@st.composite
def steps(draw) -> Example:
    mode = draw(st.sampled_from(["each", "first_wrong"]))
    split = draw(st.sampled_from(["blank_lines", "lines", "numbered"]))
    settings = {"mode": mode, "split": split, "critiques": draw(st.sampled_from(["optional"]))}
    texts = st.lists(WRITTEN, min_size=1, max_size=5)
    contents = {
        pk: (
            {"type": "steps", "steps": draw(texts)},
            {"type": "text", "text": "\n\n".join(draw(texts))},
        )
        for pk in draw(ids(1, 4))
    }
    counts = {pk: len(split_steps(parts, split)) for pk, parts in contents.items()}

    def labels(count: int) -> list[int | None]:
        if mode == "each":
            return [draw(st.sampled_from([-1, 0, 1])) for _ in range(count)]
        wrong = draw(st.integers(0, count))
        return [1] * wrong + [-1] * (wrong < count) + [None] * (count - wrong - 1)

    def value() -> dict[str, Any]:
        judged = {str(pk): labels(count) for pk, count in counts.items()}
        written = {pk: {"0": draw(WRITTEN)} for pk in judged if draw(BOOLEANS)}
        return {"labels": judged, "critiques": written}

    return _example(draw, settings, _shown(contents), value)


@st.composite
def critique(draw) -> Example:
    contents = {pk: ({"type": "text", "text": draw(TEXT)},) for pk in draw(ids(1, 5))}
    settings = {"critique_min_chars": 1, "refinement": "optional"}

    def one(text: str) -> dict[str, str]:
        entry = {"critique": draw(WRITTEN)}
        refined = draw(WRITTEN)
        return entry if refined.strip() == text.strip() else {**entry, "refined": refined}

    def value() -> dict[str, Any]:
        return {"responses": {str(pk): one(parts[0]["text"]) for pk, parts in contents.items()}}

    return _example(draw, settings, _shown(contents), value)


@st.composite
def _preference(draw, context: Callable[[list[int]], dict[str, Any]]) -> Example:
    shown = draw(ids(2, 2))
    settings = {"strength_levels": 3, "allow_both_good": True}

    def value() -> dict[str, Any]:
        verdict = draw(st.sampled_from(["prefer", "tie", "both_good", "both_bad"]))
        if verdict != "prefer":
            return {"verdict": verdict}
        preferred, strength = draw(st.sampled_from(shown)), draw(st.integers(1, 3))
        return {"verdict": verdict, "preferred": preferred, "strength": strength}

    values = [value() for _ in range(3)]
    return Example(settings, _shown(shown, context=context(shown)), values)


@st.composite
def similarity(draw) -> Example:
    shown = draw(ids(3, 3))
    anchor = draw(st.none() | st.sampled_from(shown))
    others = [pk for pk in shown if pk != (anchor or min(shown))]

    def value() -> dict[str, Any]:
        closer = draw(st.none() | st.sampled_from(others))
        if closer is None:
            return {"verdict": "cant_tell"}
        return {"verdict": "closer", "closer": closer}

    return _example(draw, {}, _shown(shown, context={"anchor": anchor}), value)


TREE = [
    {
        "name": "harm",
        "title": "Harmful",
        "children": [
            {"name": "violence", "children": [{"name": "graphic"}, {"name": "threat"}]},
            {"name": "other"},
        ],
    },
    {"name": "style", "children": [{"name": "other"}]},
    {"name": "fine"},
]
INNER = ["harm", "harm/violence", "style"]
LEAVES = ["harm/violence/graphic", "harm/violence/threat", "harm/other", "style/other", "fine"]


@st.composite
def labels(draw) -> Example:
    shown = draw(ids(1, 5))
    scope, leaf_only = draw(st.sampled_from(["task", "response"])), draw(BOOLEANS)
    settings = {"tree": TREE, "scope": scope, "leaf_only": leaf_only, "multiple": True, "min": 0}
    chosen = st.lists(st.sampled_from(LEAVES if leaf_only else INNER + LEAVES), unique=True)

    def value() -> dict[str, Any]:
        if scope == "task":
            return {"labels": draw(chosen)}
        return {"responses": {str(pk): draw(chosen) for pk in shown}}

    return _example(draw, settings, Shown.of_ids(shown), value)


@st.composite
def chat(draw) -> Example:
    count = draw(st.integers(1, 4))
    asked = ["both", "rating"] + (["preference"] if count > 1 else [])
    turn = draw(st.sampled_from([*asked, "none"]))
    final = draw(st.sampled_from(asked))
    settings = {"models": count, "turn": turn, "final": final, "points": 100}
    settings["final_criteria"] = ["overall", "fluency"]
    letters = list("ABCD"[:count])
    others = st.lists(st.lists(st.sampled_from(letters), unique=True), max_size=4)
    replies = [letters, *draw(others)]

    def verdict(setting: str, models: list[str], criteria: list[str] | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if setting in ("preference", "both") and len(models) > 1:
            best = draw(st.sampled_from([*models, "tie", "all_good", "all_bad"]))
            prefer = {"verdict": "prefer", "preferred": best}
            found["preference"] = prefer if best in models else {"verdict": best}
        if setting in ("rating", "both"):
            rated = [
                {model: draw(st.integers(1, 100)) for model in models} for _ in criteria or [""]
            ]
            found["ratings"] = dict(zip(criteria, rated, strict=True)) if criteria else rated[0]
        return found

    def value() -> dict[str, Any]:
        turns = {str(i): verdict(turn, models, None) for i, models in enumerate(replies) if models}
        return {
            "session": 7,
            "turns": {i: said for i, said in turns.items() if said},
            "final": verdict(final, letters, ["overall", "fluency"]),
        }

    context = {"session": {"id": 7, "replies": replies}}
    return _example(draw, settings, _shown([], context=context), value)


def _shown(
    contents: list[int] | dict[int, tuple[Any, ...]], context: dict[str, Any] | None = None
) -> Shown:
    parts = contents if isinstance(contents, dict) else dict.fromkeys(contents, ())
    return Shown(tuple(ShownResponse(pk, parts[pk]) for pk in parts), context=context)


def _example(
    draw, settings: dict[str, Any], shown: Shown, value: Callable[[], dict[str, Any]]
) -> Example:
    """Three answers, with confidence in half of the projects."""
    sure = draw(BOOLEANS)
    values = [value() | ({"confidence": draw(CONFIDENCE)} if sure else {}) for _ in range(3)]
    return Example({**settings, "confidence": sure}, shown, values)


@st.composite
def spans(draw) -> Example:
    severities = draw(st.sampled_from([[], ["minor", "major"]]))
    categories = [
        {"name": "wrong", "evidence": "passage_sentences", "category": "C2"},
        {"name": "again", "evidence": "earlier_text", "correction": True, "category": "C1"},
        {"name": "odd", "color": 11},
    ]
    settings = {"types": categories, "overlap": True, "severities": severities}
    settings |= {"submit_gate": draw(BOOLEANS), "snapping": "grapheme"}
    text = "x" + draw(WRITTEN) + "y"
    shown = Shown(
        tuple(
            ShownResponse(pk, ({"type": "image"}, {"type": "text", "text": text}))
            for pk in draw(ids(1, 3))
        ),
        ({"title": "T", "sentences": ["One.", "Two."]},) if draw(BOOLEANS) else (),
    )

    def mark(pk: int) -> dict[str, Any]:
        made: dict[str, Any] = {"response": pk, "part": 1, "type": "odd", "note": draw(TEXT)}
        made |= draw(st.sampled_from([{"start": 0, "end": 1}, {"start": 0, "end": len(text)}]))
        made["type"] = draw(st.sampled_from(["odd", "wrong", "again"]))
        if made["type"] == "again":
            made |= {"start": 1, "end": len(text), "replacement": draw(TEXT)}
            made["evidence"] = {"start": 0, "end": 1}
        if made["type"] == "wrong" and shown.passages:
            made["evidence"] = {"passage": 1, "sentences": draw(st.permutations([0, 1, 2]))}
        return made | ({"severity": draw(st.sampled_from(severities))} if severities else {})

    def missing(pk: int) -> dict[str, Any]:
        made: dict[str, Any] = {"response": pk, "type": "missing_answer"}
        evidence = {"passage": 1, "sentences": draw(st.sampled_from([[1], [2], [1, 2]]))}
        return made | ({"evidence": evidence} if shown.passages else {})

    def value() -> dict[str, Any]:
        wrong = draw(st.lists(st.sampled_from(shown.response_ids), unique=True))
        if not wrong:
            return {"no_error": True}
        return {
            "marks": [mark(pk) for pk in wrong],
            "missing": [missing(pk) for pk in wrong if draw(BOOLEANS)],
            "corrected": {str(pk): text + draw(WRITTEN) for pk in wrong},
        }

    return _example(draw, settings, shown, value)


EXAMPLES: dict[str, st.SearchStrategy[Example]] = {
    "pairwise": _preference(lambda shown: {}),
    "ranking": ranking(),
    "rating": rating(),
    "steps": steps(),
    "critique": critique(),
    "joint": _preference(lambda shown: {"prompts": {str(shown[1]): "Another question?"}}),
    "context": _preference(lambda shown: {"criterion": "Which is shorter?"}),
    "similarity": similarity(),
    "labels": labels(),
    "chat": chat(),
    "spans": spans(),
}
