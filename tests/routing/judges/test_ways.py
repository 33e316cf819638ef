"""Rankings, ratings, critiques and spans of a language model, over HTTP."""

import pytest

from annotate.kinds import ranking as ranking_kind
from annotate.models import Judgement, Task
from routing.judges import Question, Verdict
from routing.judges.asking import WAYS, ranking
from routing.judges.asking.contract import Reading
from routing.models import JudgeCall, Suggestion
from tests.routing.judges.scripts import material, say
from tests.routing.length_judge import lengthen

pytestmark = pytest.mark.django_db


def ids(task: Task) -> list[int]:
    return list(task.places.order_by("position").values_list("response", flat=True))


def test_a_ranking_is_asked_forwards_and_backwards(make_task, make_judge, work) -> None:
    """By length; equally long ones stand in the order shown, so both orders together tie them."""
    task = make_task("ranking", {"modes": ["full"]}, ["aa", "bbbb", "cc", "ddd"])
    a, b, c, d = ids(task)
    run = work(make_judge(task.project, "orders"))
    assert (run.labelled, run.failed) == (1, 0)
    label = Judgement.objects.get()
    assert label.value == {"verdict": "full", "tiers": [[b], [d], [a, c]]}
    shown = [call.shown_order for call in JudgeCall.objects.order_by("pk")]
    assert shown == [[a, b, c, d], [d, c, b, a]]


def test_best_and_worst_are_told_where_the_project_asks_for_them(
    make_task, make_judge, work
) -> None:
    task = make_task("ranking", {"modes": ["best_worst"]}, ["aa", "bbbb", "ccc"])
    a, b, _ = ids(task)
    work(make_judge(task.project, "orders"))
    assert Judgement.objects.get().value == {"verdict": "best_worst", "best": b, "worst": a}


def test_orders_that_contradict_each_other_are_an_abstention(
    make_task, make_judge, work, answer_with
) -> None:
    task = make_task("ranking", {"modes": ["full"]}, ["aa", "bbbb", "ccc"])
    judge = make_judge(task.project, answer_with(lambda body: {"order": ["A", "B", "C"]}))
    run = work(judge)
    assert (run.labelled, run.abstained) == (0, 1)
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("order", [["A"], ["A", "A", "B"], ["A", "B", "X"], "ABC", [1, 2, 3], None])
def test_an_order_that_is_none_is_a_failure(
    make_task, make_judge, work, answer_with, order
) -> None:
    task = make_task("ranking", {}, ["aa", "bbbb", "ccc"])
    judge = make_judge(
        task.project, answer_with(lambda body: {"order": order}), limits={"attempts": 1}
    )
    run = work(judge)
    assert (run.labelled, run.failed) == (0, 1)
    assert {call.failure for call in JudgeCall.objects.all()} == {"invalid"}


def test_mean_ranks_by_hand() -> None:
    """1 2 3 4 and 2 1 4 3 forwards and backwards: 1 and 2 tie, then 3 and 4."""
    settings = ranking_kind.clean_settings({"modes": ["full"]})
    question = Question(1, "", [], (1, 2, 3, 4), ("",) * 4, "ranking", settings)
    readings = {
        (1, 2, 3, 4): [Reading(value={"order": [1, 2, 3, 4]})],
        (4, 3, 2, 1): [Reading(value={"order": [2, 1, 4, 3]})],
    }
    said: Verdict = ranking.pool(question, readings)
    assert said.value == {"verdict": "full", "tiers": [[1, 2], [3, 4]]}


RATING = {
    "criteria": [
        {"name": "help", "description": "Does it help?"},
        {"name": "true", "scale": {"type": "yes_no"}},
        {"name": "tone", "scale": {"type": "number", "min": 0, "max": 1}, "allow_na": True},
    ],
    "confidence": True,
    "rationale_min_chars": 20,
}


def test_each_response_is_rated_alone_by_every_criterion(
    make_task, make_judge, work, answer_with, judge_server
) -> None:
    def rate(body):
        found = material(body)
        assert "RESPONSE B" not in found
        return {"help": len(found["RESPONSE A"]), "true": "unsure", "tone": None}

    task = make_task("rating", RATING, ["aa", "bbbb"])
    a, b = ids(task)
    work(make_judge(task.project, answer_with(rate)))
    value = Judgement.objects.get().value
    assert value["ratings"] == {
        str(a): {"help": 2, "true": "unsure", "tone": None},
        str(b): {"help": 4, "true": "unsure", "tone": None},
    }
    assert value["overall"] == "help"
    schema = judge_server.requests[0]["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["help", "true", "tone"]
    assert sorted(schema["properties"]["true"]["enum"]) == ["no", "unsure", "yes"]
    assert "Does it help?" in judge_server.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    "ratings",
    [
        {"help": 6, "true": "yes", "tone": 1},
        {"help": 3, "true": "maybe", "tone": 1},
        {"help": 3, "true": "yes"},
        {"help": "3", "true": "yes", "tone": 1},
        {"help": 3, "true": "yes", "tone": 1, "more": 1},
    ],
)
def test_ratings_off_the_scale_are_failures(
    make_task, make_judge, work, answer_with, ratings
) -> None:
    task = make_task("rating", RATING, ["aa"])
    judge = make_judge(task.project, answer_with(lambda body: ratings), limits={"attempts": 1})
    run = work(judge)
    assert (run.labelled, run.failed) == (0, 1)


def test_a_critique_and_a_better_response(make_task, make_judge, work, answer_with) -> None:
    task = make_task("critique", {"refinement": "required"}, ["aa", "bbbb"])
    a, b = ids(task)
    model = answer_with(
        lambda body: {
            "critique": f"Says {material(body)['RESPONSE A']}.",
            "refined": "Better: " + material(body)["RESPONSE A"],
        }
    )
    work(make_judge(task.project, model))
    assert Judgement.objects.get().value == {
        "responses": {
            str(a): {"critique": "Says aa.", "refined": "Better: aa"},
            str(b): {"critique": "Says bbbb.", "refined": "Better: bbbb"},
        }
    }


def test_a_refinement_that_is_the_response_itself_is_a_failure(
    make_task, make_judge, work, answer_with
) -> None:
    task = make_task("critique", {"refinement": "required"}, ["aa"])
    model = answer_with(lambda body: {"critique": "Fine.", "refined": "aa"})
    run = work(make_judge(task.project, model, limits={"attempts": 1}))
    assert (run.labelled, run.failed) == (0, 1)
    assert "is the response itself" in JudgeCall.objects.get().detail


TEXT = "The Elbe 😀 flows north. The Elbe flows fast."


def test_spans_are_suggestions_and_no_judgements(make_task, make_judge, work, answer_with) -> None:
    """Quotes are found by occurrence; offsets count code points."""
    marks = [
        {"quote": "The Elbe", "occurrence": 2, "type": "repetitive", "note": "said before"},
        {"quote": "😀", "occurrence": 1, "type": "irrelevant", "note": ""},
    ]
    task = make_task(
        "spans", {}, [TEXT], passages=[{"title": "Rivers", "sentences": ["It flows north."]}]
    )
    [pk] = ids(task)
    judge = make_judge(task.project, answer_with(lambda body: {"marks": marks}))
    run = work(judge)
    assert run.labelled == 1
    assert not Judgement.objects.exists()
    suggestion = Suggestion.objects.get()
    assert [TEXT[mark["start"] : mark["end"]] for mark in suggestion.value["marks"]] == [
        "😀",
        "The Elbe",
    ]
    assert suggestion.value["marks"][1]["start"] == TEXT.rindex("The Elbe")
    assert suggestion.value["marks"][1]["response"] == pk
    assert suggestion.value["no_error"] is False
    assert work(judge).total == 0


def test_no_mark_says_that_there_is_no_error(make_task, make_judge, work, answer_with) -> None:
    task = make_task("spans", {}, [TEXT])
    work(make_judge(task.project, answer_with(lambda body: {"marks": []})))
    assert Suggestion.objects.get().value["no_error"] is True


@pytest.mark.parametrize(
    "mark",
    [
        {"quote": "The Rhine", "occurrence": 1, "type": "irrelevant", "note": ""},
        {"quote": "The Elbe", "occurrence": 3, "type": "irrelevant", "note": ""},
        {"quote": "The Elbe", "occurrence": 1, "type": "ugly", "note": ""},
        {"quote": "", "occurrence": 1, "type": "irrelevant", "note": ""},
        "The Elbe",
    ],
)
def test_marks_of_what_is_not_there_are_failures(
    make_task, make_judge, work, answer_with, mark
) -> None:
    task = make_task("spans", {}, [TEXT])
    model = answer_with(lambda body: {"marks": [mark]})
    run = work(make_judge(task.project, model, limits={"attempts": 1}))
    assert (run.labelled, run.failed) == (0, 1)
    assert not Suggestion.objects.exists()


@pytest.mark.parametrize("text", ["[1, 2]", '{"order"', "", "null", '{"order": ["A", "B"]} and so'])
def test_what_is_no_json_object_is_a_failure(
    make_task, make_judge, work, judge_server, text
) -> None:
    judge_server.scripts["own"] = lambda handler, body: say(handler, text)
    task = make_task("ranking", {}, ["aa", "bb"])
    run = work(make_judge(task.project, "own", limits={"attempts": 1}))
    assert (run.labelled, run.failed) == (0, 1)


def test_every_way_counts_its_versions() -> None:
    assert {name: way.VERSION for name, way in WAYS.items()} == dict.fromkeys(
        ("pairwise", "ranking", "rating", "spans", "critique"), 1
    )


def test_a_dry_run_of_rankings_agrees_by_degrees(make_task, make_judge, work, make_user) -> None:
    """One of three pairs the other way round: Kendall's distance is 1/3."""
    task = make_task("ranking", {"modes": ["full"]}, ["aa", "bbbb", "ccc"])
    a, b, c = ids(task)
    Judgement.objects.create(
        project=task.project,
        task=task,
        kind="ranking",
        value={"verdict": "full", "tiers": [[b], [a], [c]]},
        source="person",
        annotator=make_user("ada"),
    )
    report = work(make_judge(task.project, "orders"), purpose="dry_run").report
    assert (report["compared"], report["low"]) == (1, None)
    assert report["agreeing"] == pytest.approx(2 / 3)


def test_a_system_text_and_the_whole_conversation_are_shown(
    make_task, make_judge, work, judge_server
) -> None:
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Which river?"},
    ]
    task = make_task("pairwise", {}, ["aa", "bb"], system="Be brief.", conversation=turns)
    lengthen(task)
    work(make_judge(task.project, "planted"))
    found = material(judge_server.requests[0])
    assert found["SYSTEM TEXT"] == "Be brief."
    assert [found[f"TURN {n} ({role})"] for n, role in ((1, "user"), (2, "assistant"))] == [
        "Hello",
        "Yes?",
    ]
