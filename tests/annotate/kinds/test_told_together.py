"""What is wrong with an answer is told all at once, each thing by its path."""

import pytest

from annotate.inputs import InvalidValue
from annotate.kinds import get
from annotate.kinds.contract import Shown, ShownResponse

SHOWN = Shown(
    tuple(ShownResponse(pk, ({"type": "text", "text": "One.\n\nTwo."},)) for pk in (1, 2))
)
RATED = {"criteria": [{"name": "helpful"}, {"name": "honest"}], "confidence": True}
BY_CRITERIA = {"criteria": [{"name": "helpful"}, {"name": "honest"}, {"name": "short"}]}
TREE = {"tree": [{"name": "good"}, {"name": "bad"}], "scope": "response", "confidence": True}
FORM = {
    "questions": [
        {"name": "best", "kind": "pairwise"},
        {"name": "each", "kind": "rating"},
        {
            "name": "why",
            "kind": "critique",
            "when": {"question": "best", "verdict": ["prefer"]},
        },
        {"name": "order", "kind": "ranking"},
    ]
}
THREE = (*SHOWN.responses, ShownResponse(3, SHOWN.responses[0].parts))
SPANS = {"types": [{"name": "wrong"}], "missing_types": [{"name": "gap"}], "correction": False}
MARK = {"response": 1, "part": 0, "start": 0, "end": 3, "type": "wrong"}

CASES = [
    (
        "rating",
        {**RATED, "rationale_min_chars": 3},
        {"ratings": {"1": {"helpful": 9}}},
        [
            "rationale",
            "value.ratings.1.helpful",
            "value.ratings.1.honest",
            "value.ratings.2",
            "value.confidence",
        ],
    ),
    (
        "pairwise",
        BY_CRITERIA,
        {"verdict": "neither", "criteria": {"helpful": {"verdict": "tie"}, "honest": {}}},
        ["value.criteria.honest", "value.criteria.short", "value.verdict"],
    ),
    (
        "pairwise",
        {**BY_CRITERIA, "confidence": True},
        {
            "verdict": "prefer",
            "strength": 9,
            "criteria": {
                "helpful": {"verdict": "tie", "strength": 1, "reasons": ["odd"], "odd": 1},
                "honest": {"verdict": "tie", "confidence": "not"},
                "short": {"verdict": "tie", "confidence": "not"},
                "long": {"verdict": "tie"},
            },
            "odd": 1,
        },
        [
            "value.odd",
            "value.criteria.long",
            "value.criteria.helpful.odd",
            "value.criteria.helpful.preferred",
            "value.criteria.helpful.confidence",
            "value.criteria.helpful.reasons.0",
            "value.preferred",
            "value.strength",
            "value.confidence",
        ],
    ),
    (
        "ranking",
        {"confidence": True, "rationale_min_chars": 3},
        {"verdict": "best_worst", "best": 9, "tiers": [], "odd": 1},
        [
            "value.odd",
            "rationale",
            "value.tiers",
            "value.best",
            "value.worst",
            "value.confidence",
        ],
    ),
    (
        "ranking",
        {"confidence": True, "allow_ties": False, "modes": ["full"]},
        {"verdict": "full", "tiers": [[1, 1, 9], 4], "unrankable": {"1": ""}, "best": 1},
        [
            "value.best",
            "value.tiers.0.1",
            "value.tiers.0.2",
            "value.tiers.0",
            "value.tiers.1",
            "value.unrankable.1",
            "value.unrankable.1",
            "value.tiers",
            "value.confidence",
        ],
    ),
    (
        "ranking",
        {"confidence": True, "allow_all_bad": False},
        {"verdict": "all_bad"},
        ["value.verdict", "value.confidence"],
    ),
    (
        "similarity",
        {"confidence": True, "rationale_min_chars": 3},
        {"verdict": "closer", "closer": 9, "anchor": 2, "odd": 1},
        ["value.odd", "rationale", "value.anchor", "value.closer", "value.confidence"],
    ),
    (
        "steps",
        {"confidence": True},
        {"labels": {"1": [7, 1], "2": [1, None]}},
        ["value.labels.1.0", "value.labels.2.1", "value.confidence"],
    ),
    (
        "steps",
        {"critiques": "on_wrong"},
        {"labels": {"1": [-1, -1], "2": [1, 1]}},
        ["value.critiques.1.0", "value.critiques.1.1"],
    ),
    (
        "critique",
        {"critique_min_chars": 4, "refinement": "required"},
        {"responses": {"1": {"critique": "no", "refined": ""}, "2": {"critique": "Bad."}}},
        ["value.responses.1.critique", "value.responses.1.refined", "value.responses.2.refined"],
    ),
    (
        "labels",
        TREE,
        {"responses": {"1": ["neither"]}},
        ["value.responses.1.0", "value.responses.2", "value.confidence"],
    ),
    (
        "spans",
        SPANS,
        {
            "marks": [{**MARK, "end": 99}, {**MARK, "type": "odd"}],
            "missing": [{"response": 3, "type": "gap"}],
        },
        ["value.marks.0.end", "value.marks.1.type", "value.missing.0.response"],
    ),
    (
        "form",
        FORM,
        {"answers": {"best": {"verdict": "neither"}, "each": {"ratings": {"1": {}}}}},
        [
            "value.answers.best.verdict",
            "value.answers.each.ratings.1.overall",
            "value.answers.each.ratings.2",
            "value.answers.order",
        ],
    ),
]


@pytest.mark.parametrize(("kind", "asked", "value", "fields"), CASES)
def test_all_is_told(kind, asked, value, fields):
    module = get(kind)
    shown = Shown(THREE) if kind in ("similarity", "ranking") else SHOWN
    with pytest.raises(InvalidValue) as refused:
        module.clean_value(value, shown=shown, settings=module.clean_settings(asked))
    assert [one.field for one in refused.value.all] == fields
    assert refused.value.field == fields[0]


def test_a_rationale_that_several_questions_want_is_told_once():
    asked = {"settings": {"rationale_min_chars": 5}}
    questions = [{"name": "best", "kind": "pairwise", **asked}]
    questions.append({"name": "each", "kind": "rating", **asked})
    module = get("form")
    settings = module.clean_settings({"questions": questions})
    rated = {"1": {"overall": 1}, "2": {"overall": 2}}
    value = {"answers": {"best": {"verdict": "tie"}, "each": {"ratings": rated}}}
    with pytest.raises(InvalidValue) as refused:
        module.clean_value(value, shown=SHOWN, settings=settings, rationale="no")
    assert [one.field for one in refused.value.all] == ["rationale"]
