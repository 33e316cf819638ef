"""What judgements say in words, as rows to learn from."""

import pytest

from tests.training.data.judgements import judgement, write_judgements
from training.data import feedback
from training.data.feedback import Critiqued, CritiqueExample
from training.data.judged import read_judged


@pytest.fixture
def read(tmp_path):
    def from_rows(*rows):
        return read_judged(write_judgements(tmp_path / "data", list(rows))).train

    return from_rows


def critique(number, entries, texts, **other):
    value = {"responses": {str(pk): entry for pk, entry in entries.items()}}
    return judgement(number, "critique", value, texts, **other)


def prefers(number, preferred, texts, **other):
    value = {"verdict": "prefer", "preferred": preferred, "strength": 1, **other.pop("value", {})}
    return judgement(number, "pairwise", value, texts, **other)


def test_every_response_of_a_critique_is_read_also_those_left_as_they_are(read):
    entries = {3: {"critique": "Too long.", "refined": "Short."}, 5: {}}
    found = list(feedback.critiqued(read(critique(1, entries, {3: "Long", 5: "Fine", 7: "Other"}))))
    said = [(one.response, one.critique, one.refined) for one in found]
    assert said == [("Long", "Too long.", "Short."), ("Fine", "", ""), ("Other", "", "")]


@pytest.mark.parametrize(
    ("unrefined", "examples", "left_out"),
    [
        ("drop", [], {"unrefined": 1, "no_critique": 2}),
        ("bad", [("Plain", "So so.", False)], {"unrefined": 0, "no_critique": 2}),
        ("good", [("Plain", "", True)], {"unrefined": 0, "no_critique": 2}),
    ],
)
def test_a_refined_response_is_bad_and_its_refinement_good(unrefined, examples, left_out):
    def one(response, critique, refined):
        return Critiqued(1, 2, ({"role": "user", "content": "?"},), response, critique, refined)

    found, counted = feedback.critique_examples(
        [
            one("Long", "Too long.", "Short."),
            one("Plain", "So so.", ""),
            one("Mute", " ", ""),
            one("Old", "", "New"),  # a better one, and nothing said of the first
        ],
        unrefined=unrefined,
    )
    always = [("Short.", "", True), ("Long", "Too long.", False), ("New", "", True)]
    said = [(row.response, row.critique, row.good) for row in found]
    assert said == [*always[:2], *examples, always[2]]
    assert counted == left_out
    assert isinstance(found[0], CritiqueExample)


def test_each_grade_of_a_response_counts_once(read):
    texts = {3: "a", 5: "b"}
    ratings = {"ratings": {"3": {"all": 5}, "5": {"all": 3}}, "overall": "all"}
    rated = {**ratings, "scales": {"all": [1, 5]}}
    single = {"ratings": {"9": {"all": 1}}, "overall": "all", "scales": {"all": [1, 5]}}
    same = {"prompt_id": 1, "prompt": [{"role": "user", "content": "Why?"}]}
    rows = read(
        prefers(1, 3, texts, **same),
        prefers(2, 3, texts, **same),
        prefers(3, 5, texts, **same),
        judgement(4, "pairwise", {"verdict": "tie"}, texts),
        judgement(5, "rating", rated, texts),
        judgement(6, "rating", single, {9: "c"}),
        critique(7, {3: {"critique": "x", "refined": "d"}}, {3: "a"}),
    )
    found = [(one.prompt_id, one.response, one.good) for one in feedback.graded(rows)]
    assert sorted(found) == [
        (1, "a", False),
        (1, "a", True),
        (1, "b", False),
        (1, "b", True),
        (5, "a", True),  # rated as a pair: the lower one is bad beside it
        (5, "b", False),
        (6, "c", False),
        (7, "a", False),
        (7, "d", True),
    ]


def test_reasons_are_the_rationale_and_those_by_criterion(read):
    criteria = {
        "helpful": {"verdict": "tie", "reasons": ["concise", "correct"], "own_reason": " Warm "},
        "harmless": {"verdict": "tie"},
    }
    rows = read(
        prefers(1, 5, {3: "a", 5: "b"}, value={"criteria": criteria}, rationale="B is right.\n"),
        prefers(2, 3, {3: "a", 5: "b"}),
        judgement(3, "pairwise", {"verdict": "tie"}, {3: "a", 5: "b"}, rationale="Equal."),
    )
    first, second = feedback.reasoned(rows)
    assert first.why == "B is right.\nhelpful: concise, correct, Warm"
    assert (first.pair.chosen, first.pair.rejected, second.why) == ("b", "a", "")
    [asked] = feedback.asking_why(first.pair)
    assert asked["content"].startswith("Question 1?\n\n")
    assert asked["content"].index("First answer: b") < asked["content"].index("Second answer: a")


def test_braces_in_a_response_stay_as_they_are(read):
    [row] = feedback.reasoned(read(prefers(1, 3, {3: "{chosen} {}", 5: "{0}"})))
    assert "First answer: {chosen} {}\n" in feedback.asking_why(row.pair)[-1]["content"]


def test_joint_responses_keep_their_own_prompts(read):
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    context = {"prompts": {"5": "Another?", "7": [*said, {"role": "user", "content": "Why"}]}}
    value = {"verdict": "prefer", "preferred": 5, "strength": 1}
    rows = read(
        judgement(1, "joint", value, {3: "a", 5: "b"}, context=context),
        judgement(2, "joint", {**value, "preferred": 7}, {7: "c", 3: "d"}, context=context),
        judgement(3, "joint", {"verdict": "both_bad"}, {3: "a", 5: "b"}, context=context),
    )
    found, ties = feedback.joint_pairs(rows)
    assert ties == 1
    assert found[0].chosen == (({"role": "user", "content": "Another?"},), "b")
    assert found[0].rejected == (({"role": "user", "content": "Question 1?"},), "a")
    assert [turn["content"] for turn in found[1].chosen[0]] == ["Hi", "Yes?", "Why"]


def test_pairs_by_a_criterion_carry_the_others_as_margins(read):
    scales = {"fun": [1, 5], "true": "yes_no", "overall": [0, 10]}
    ratings = {
        "3": {"fun": 5, "true": "no", "overall": 2},
        "5": {"fun": 2, "true": "yes", "overall": 7},
        "7": {"fun": 2, "true": None, "overall": 1},
    }
    value = {"ratings": ratings, "scales": scales, "overall": "overall"}
    rows = read(judgement(1, "rating", value, {3: "a", 5: "b", 7: "c"}))
    assert feedback.criteria_names(rows) == (["fun", "overall", "true"], "overall")
    found, left_out = feedback.criterion_pairs(rows, criterion="fun", others=["overall", "true"])
    [only] = found
    assert (only.pair.chosen, only.pair.rejected, only.pair.margin) == ("a", "b", 0.75)
    assert only.margins == pytest.approx((-0.5, -1.0))
    assert left_out == {"equal": 0, "unrated": 2}
    assert feedback.criterion_pairs(rows, criterion="fun", others=[])[1]["equal"] == 1


def test_a_critique_stands_at_the_end_of_the_prompt():
    user, assistant = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}
    [said] = feedback.with_critique((user,), " Rude. ")
    assert said["content"] == f"Hi{feedback.JUDGED}Rude."
    *kept, last = feedback.with_critique((user, assistant), "Rude.")
    assert kept == [user, assistant]
    assert last == {"role": "user", "content": f"{feedback.JUDGED}Rude.".strip()}
