"""Rows in projects of every kind: the tasks they make, the answers that fit, what is left."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate import kinds
from annotate.interchange.fitting import Fit
from annotate.interchange.orders import order_of
from annotate.interchange.records import ImportedLabel, RowProblem
from tests.annotate.interchange.reading import read_one

MARK = {"error type": "Irrelevant", "start": 0, "end": 5}
MARKED = {
    "id": "1",
    "question": "Where?",
    "passages": [["Title", "It is here."]],
    "prediction 1": "Over there.",
    "prediction 2": "Here.",
    "prediction 3": "Here!",
    "feedback": {"errors": [MARK], "missing-info": [], "corrected-prediction": "There."},
    "preference": [2, 1, 0],
    "annotator": "w1",
}
FORM = {
    "questions": [
        {"name": "best", "kind": "pairwise", "settings": {"confidence": True}},
        {"name": "why", "kind": "critique"},
    ]
}
MARKS_AND_RATING = {
    "rationale_min_chars": 20,
    "questions": [{"name": "errors", "kind": "spans"}, {"name": "quality", "kind": "rating"}],
}


def fit(row, kind, settings=None, *, format="responses", group="auto"):
    return Fit(kind, kinds.get(kind).clean_settings(settings or {}), group)(read_one(row, format))


def k_responses(count, **more):
    return {"prompt": "p", "responses": [f"text {n}" for n in range(count)], **more}


def places(item):
    return [task.positions for task in item.tasks]


@pytest.mark.parametrize(
    ("kind", "count", "tasks"),
    [
        ("ranking", 4, [(0, 1, 2, 3)]),
        ("ranking", 2, [(0, 1)]),
        ("rating", 4, [(0, 1, 2, 3)]),
        ("rating", 1, [(0,)]),
        ("spans", 1, [(0,)]),
        ("spans", 3, [(0, 1, 2)]),
        ("critique", 10, [tuple(range(10))]),
        ("steps", 2, [(0, 1)]),
        ("similarity", 3, [(0, 1, 2)]),
    ],
)
def test_a_task_takes_all_responses_that_fit(kind, count, tasks):
    assert places(fit(k_responses(count), kind)) == tasks


def test_pairs_where_only_two_fit_and_one_each_if_told():
    row = k_responses(3, context={"criterion": "Shorter?"})
    assert places(fit(row, "context")) == [(0, 1), (0, 2), (1, 2)]
    assert places(fit(k_responses(3), "spans", group="one")) == [(0,), (1,), (2,)]
    assert places(fit(k_responses(3), "ranking", group="pairs")) == [(0, 1), (0, 2), (1, 2)]
    form = {"questions": [{"name": "best", "kind": "pairwise"}]}
    assert places(fit(k_responses(3), "form", form)) == [(0, 1), (0, 2), (1, 2)]


def test_equal_texts_are_asked_about_once():
    row = {"prompt": "p", "responses": ["a", "b", {"text": "a", "model": "m"}]}
    assert places(fit(row, "spans")) == [(0, 1)]


@pytest.mark.parametrize(
    ("kind", "count", "group", "words"),
    [
        ("ranking", 1, "auto", "takes 2 to 10 different responses; the row has 1"),
        ("pairwise", 1, "auto", "takes 2 different responses; the row has 1"),
        ("pairwise", 3, "all", "'all'"),
        ("pairwise", 2, "one", "'one'"),
        ("similarity", 2, "auto", "takes 3 different responses; the row has 2"),
        ("ranking", 3, "one", "'one'"),
        ("chat", 1, "auto", "takes 0 different responses; the row has 1"),
        ("spans", 0, "auto", "takes 1 to 10 different responses; the row has 0"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(kind, count, group, words):
    with pytest.raises(RowProblem) as caught:
        fit(k_responses(count), kind, group=group)
    assert caught.value.field == "responses"
    assert words in caught.value.message


def test_a_context_must_state_what_the_kind_asks():
    with pytest.raises(RowProblem) as caught:
        fit(k_responses(2), "context")
    assert caught.value.field == "context.criterion"
    with pytest.raises(RowProblem) as caught:
        fit(k_responses(3, context={"anchor": 3}), "similarity")
    assert caught.value.field == "context.anchor"
    assert fit(k_responses(3, context={"anchor": 2}), "similarity").context == {"anchor": 2}


def test_marks_fit_a_project_of_spans_and_votes_are_put_aside():
    item = fit(MARKED, "spans", format="fine_grained")
    [task] = item.tasks
    assert task.positions == (0,)
    [answer] = task.answers
    assert (answer.kind, answer.annotator) == ("spans", "w1")
    assert [entry["pair"] for entry in item.aside["labels"]] == [[0, 1], [0, 2], [1, 2]]
    assert item.aside["labels"][0]["preferred"] == 1
    assert item.aside["labels"][2] == {"pair": [1, 2], "verdict": "tie", "annotator": "w1"}
    assert "answers" not in item.aside


def test_votes_fit_a_pairwise_project_and_marks_are_put_aside():
    item = fit(MARKED, "pairwise", format="fine_grained")
    assert (item.tasks, len(item.labels)) == (None, 3)
    [entry] = item.aside["answers"]
    assert (entry["kind"], entry["responses"], entry["annotator"]) == ("spans", [0], "w1")
    assert entry["value"]["marks"][0]["end"] == 5


def test_votes_that_make_an_order_fit_a_ranking():
    row = {**MARKED, "preference": [2, 2, 0]}
    item = fit(row, "ranking", {"modes": ["best_worst"]}, format="fine_grained")
    [task] = item.tasks
    assert task.positions == (0, 1, 2)
    assert task.answers[0].value == {"verdict": "full", "tiers": [[1, 2], [0]]}


def test_votes_in_a_circle_are_put_aside_whole():
    item = fit({**MARKED, "preference": [1, 2, 1]}, "ranking", format="fine_grained")
    assert item.tasks[0].answers == ()  # people are asked instead
    assert len(item.aside["labels"]) == 3
    assert len(item.aside["answers"]) == 1


def test_a_form_takes_marks_as_its_question_about_one_response():
    item = fit(MARKED, "form", MARKS_AND_RATING, format="fine_grained")
    [task] = item.tasks
    assert task.positions == (0,)
    assert list(task.answers[0].value["answers"]) == ["errors"]
    assert len(item.aside["labels"]) == 3


def test_a_form_with_pairs_takes_the_votes():
    item = fit(MARKED, "form", FORM, format="fine_grained")
    assert places(item) == [(0, 1), (0, 2), (1, 2)]
    assert item.tasks[0].answers[0].value == {
        "answers": {"best": {"verdict": "prefer", "preferred": 1, "strength": 1}}
    }
    assert list(item.aside) == ["answers"]


def test_a_form_takes_an_order():
    form = {"questions": [{"name": "order", "kind": "ranking"}]}
    row = k_responses(3, ranking=[2, [0, 1]])
    [task] = fit(row, "form", form).tasks
    value = {"verdict": "full", "tiers": [[2], [0, 1]]}
    assert task.answers[0].value == {"answers": {"order": value}}


def test_what_a_form_does_not_ask_then_is_put_aside():
    when = {"question": "quality", "verdict": ["x"]}
    form = {
        "questions": [
            {"name": "quality", "kind": "rating"},
            {"name": "errors", "kind": "spans", "when": when},
        ]
    }
    item = fit(MARKED, "form", form, format="fine_grained")
    assert item.tasks[0].answers == ()
    assert len(item.aside["answers"]) == 1


def test_a_preference_under_a_context_and_its_margin():
    row = k_responses(2, labels=[{"preferred": 1, "strength": 3, "margin": 0.5}])
    row["context"] = {"criterion": "Shorter?"}
    item = fit(row, "context", {"strength_levels": 1})
    [task] = item.tasks
    assert task.answers[0].value == {"verdict": "prefer", "preferred": 1, "strength": 1}
    assert item.aside["labels"][0]["margin"] == 0.5


@pytest.mark.parametrize(
    ("mark", "asked", "field"),
    [
        ({**MARK, "error type": "Odd"}, {}, "answers[0].value.marks.0.type"),
        (MARK, {"severities": ["minor"]}, "answers[0].value.marks.0.severity"),
        ({**MARK, "start": 4, "end": 5}, {}, "answers[0].value.marks.0.end"),
    ],
)
def test_a_bad_answer_is_refused_at_its_field(mark, asked, field):
    row = {**MARKED, "feedback": {**MARKED["feedback"], "errors": [mark]}}
    form = {"questions": [{"name": "errors", "kind": "spans", "settings": asked}]}
    for kind, settings in (("spans", asked), ("form", form)):
        with pytest.raises(RowProblem) as caught:
            fit(row, kind, settings, format="fine_grained")
        assert caught.value.field == field


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6))
def test_every_order_comes_back_from_its_votes(ranks):
    pairs = list(itertools.combinations(range(len(ranks)), 2))
    labels = [
        ImportedLabel("tie", a, b)
        if ranks[a] == ranks[b]
        else ImportedLabel("prefer", a, b, a if ranks[a] < ranks[b] else b)
        for a, b in pairs
    ]
    found = order_of(labels, len(ranks))
    tiers = [[n for n, r in enumerate(ranks) if r == rank] for rank in sorted(set(ranks))]
    if len(tiers) == 1:
        assert found == {"verdict": "tie"}
    else:
        assert found == {"verdict": "full", "tiers": tiers}
    assert order_of([*labels, labels[0]], len(ranks)) is None


@given(st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_votes_have_an_order_exactly_if_some_ranks_explain_them(votes):
    pairs = list(itertools.combinations(range(4), 2))
    labels = [
        ImportedLabel("prefer", a, b, (a, b)[vote - 1]) if vote else ImportedLabel("tie", a, b)
        for vote, (a, b) in zip(votes, pairs, strict=True)
    ]
    explained = any(
        all(
            vote == (0 if ranks[a] == ranks[b] else 1 if ranks[a] < ranks[b] else 2)
            for vote, (a, b) in zip(votes, pairs, strict=True)
        )
        for ranks in itertools.product(range(4), repeat=4)
    )
    assert (order_of(labels, 4) is not None) == explained


def test_the_best_alone_and_answers_without_an_order():
    best = [ImportedLabel("prefer", 0, 1, 0), ImportedLabel("prefer", 0, 2, 0)]
    assert order_of(best, 3) == {"verdict": "best", "best": 0}
    bad = [ImportedLabel("both_bad", a, b) for a, b in itertools.combinations(range(3), 2)]
    assert order_of(bad, 3) == {"verdict": "all_bad"}
    assert order_of([*bad[:2], ImportedLabel("tie", 1, 2)], 3) is None
    assert order_of([ImportedLabel("prefer", 0, 1, 0, strength=2)], 2) is None
    assert order_of([], 3) is None
