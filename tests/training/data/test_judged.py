"""Judgements of every kind, from a frozen snapshot's files to what models train on."""

import json
import math

import pytest

from annotate.kinds import KINDS
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    write_origins,
    write_training_files,
)
from tests.annotate.kinds_at_work import CASES, judge
from tests.training.data.judgements import judgement, write_judgements
from training.data.criteria import criteria_of, rated_responses, rating_table
from training.data.feedback import graded
from training.data.judged import JudgedSplits, read_judged
from training.data.lists import pairs_of_lists, pairs_of_rows, ranked_lists
from training.data.pairs import distinct_prompts
from training.data.segments import categories_in, span_segments, step_segments
from training.recipes.errors import DatasetError

PROMPT = [{"role": "user", "content": "Why?"}]
TEXTS = {1: "one", 2: "two", 3: "three", 4: "four"}


@pytest.fixture
def frozen(make_project, make_pair_tasks, make_user, tmp_path):
    """frozen("spans") -> what is read back of a project with six tasks that two people judged."""

    def make(kind: str, tasks: int = 6) -> JudgedSplits:
        case = CASES[kind]
        project = make_project(kind=kind, kind_settings=case.settings, test_percent=40)
        people = [make_user("ada"), make_user("bob")]
        for task in make_pair_tasks(project, tasks):
            judge(project, task, people, case)
        snapshot = create_snapshot(project=project, actor=None, holds="judgements")
        write_training_files(snapshot, tmp_path)
        write_origins(snapshot, tmp_path / "origins.jsonl")
        return read_judged(tmp_path)

    return make


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(CASES))
def test_every_kind_is_read_back_with_its_people(frozen, kind) -> None:
    splits = frozen(kind)
    rows = splits.train + splits.test
    assert len(rows) == 12
    assert splits.test
    assert len({row.annotator for row in rows}) == 2
    assert "" not in {row.annotator for row in rows}
    assert all(row.prompt[0]["role"] == "user" for row in rows)
    pairs = pairs_of_rows(rows)
    expected = sum(
        len(KINDS[answer.kind].pairs(answer.value, answer.response_ids))
        for row in rows
        for answer in row.answers[:1]
    )
    assert len(pairs) == expected == 6 * CASES[kind].pairs + 6 * (kind == "pairwise")


@pytest.mark.django_db
def test_spans_become_labelled_segments(frozen) -> None:
    rows = frozen("spans").train
    assert categories_in(rows) == ("C1",)
    assert set(rows[0].categories.values()) == {"C1", "C2"}
    labelled = span_segments(rows, "C2")
    assert len(labelled) == 2 * len(rows)
    for one in labelled:
        cut = [one.response[start:end] for start, end in one.segments]
        assert "".join("".join(cut).split()) == "".join(one.response.split())
        assert len(one.labels) == len(one.segments)


def rows_of(tmp_path, *rows):
    return read_judged(write_judgements(tmp_path, list(rows))).train


@pytest.mark.parametrize(
    ("kind", "value", "tiers", "is_open"),
    [
        ("ranking", {"verdict": "full", "tiers": [[2], [1, 3], [4]]}, (1, 0, 1, 2), False),
        ("ranking", {"verdict": "best_worst", "best": 3, "worst": 1}, (2, 1, 0, 1), True),
        ("ranking", {"verdict": "best", "best": 4}, (1, 1, 1, 0), True),
        ("ranking", {"verdict": "all_bad"}, (0, 0, 0, 0), False),
        (
            "rating",
            {
                "ratings": {
                    str(pk): {"good": score} for pk, score in zip(TEXTS, (3, 5, 1, 3), strict=True)
                },
                "scales": {"good": [1, 5]},
                "overall": "good",
            },
            (1, 0, 2, 1),
            False,
        ),
    ],
)
def test_orders_become_lists(tmp_path, kind, value, tiers, is_open) -> None:
    (one,) = ranked_lists(rows_of(tmp_path, judgement(1, kind, value, TEXTS)))
    assert dict(zip(one.responses, one.tiers, strict=True)) == dict(
        zip(TEXTS.values(), tiers, strict=True)
    )
    assert one.open is is_open
    assert one.decided is (len(set(tiers)) > 1)


def test_unrankable_and_unrated_responses_stand_in_no_list(tmp_path) -> None:
    order = {"verdict": "full", "tiers": [[2], [1]], "unrankable": {"3": "spam", "4": "spam"}}
    rated = {
        "ratings": {"1": {"good": 2}, "2": {"good": None}, "3": {"good": 4}, "4": {}},
        "scales": {"good": [1, 5]},
        "overall": "good",
    }
    rows = rows_of(
        tmp_path, judgement(1, "ranking", order, TEXTS), judgement(2, "rating", rated, TEXTS)
    )
    first, second = ranked_lists(rows)
    assert dict(zip(first.responses, first.tiers, strict=True)) == {"two": 0, "one": 1}
    assert dict(zip(second.responses, second.tiers, strict=True)) == {"three": 0, "one": 1}


def test_equal_texts_stand_once_and_lists_of_one_are_none(tmp_path) -> None:
    order = {"verdict": "full", "tiers": [[2], [1, 3], [4]]}
    (one,) = ranked_lists(
        rows_of(tmp_path, judgement(1, "ranking", order, {1: "b", 2: "a", 3: "c", 4: "a"}))
    )
    assert dict(zip(one.responses, one.tiers, strict=True)) == {"a": 0, "b": 1, "c": 1}
    same = judgement(1, "ranking", order, dict.fromkeys(TEXTS, "same"))
    assert list(ranked_lists(rows_of(tmp_path, same))) == []


def test_pairs_of_lists_are_those_of_the_kind_but_for_open_orders(tmp_path) -> None:
    values = [
        {"verdict": "full", "tiers": [[2], [1, 3], [4]]},
        {"verdict": "best_worst", "best": 3, "worst": 1},
        {"verdict": "best", "best": 4},
        {"verdict": "tie"},
    ]
    for value in values:
        rows = rows_of(tmp_path, judgement(1, "ranking", value, TEXTS))
        ours = {
            (frozenset([p.chosen, p.rejected]) if p.tie else (p.chosen, p.rejected))
            for p in pairs_of_lists(ranked_lists(rows))
        }
        theirs = {
            frozenset([p.chosen, p.rejected]) if p.tie else (p.chosen, p.rejected)
            for p in pairs_of_rows(rows)
        }
        assert ours == theirs


def test_ratings_become_a_table_with_gaps(tmp_path) -> None:
    value = {
        "ratings": {"1": {"clear": 5, "true": "yes"}, "2": {"clear": None, "true": "unsure"}},
        "scales": {"clear": [1, 5], "true": "yes_no"},
        "overall": "clear",
    }
    two = {pk: TEXTS[pk] for pk in (1, 2)}
    other = {"ratings": {"1": {"kind": 3}}, "scales": {"kind": [1, 5]}, "overall": "kind"}
    rated = rated_responses(
        rows_of(
            tmp_path,
            judgement(1, "rating", value, two),
            judgement(2, "rating", other, {1: "🙂"}),
        )
    )
    criteria = criteria_of(rated)
    assert criteria == ("clear", "kind", "true")
    table = rating_table(rated, criteria)
    nan = math.nan
    expected = [[1.0, nan, 1.0], [nan, nan, 0.5], [nan, 0.5, nan]]
    assert [[str(x) for x in row] for row in table.tolist()] == [
        [str(x) for x in row] for row in expected
    ]
    with pytest.raises(DatasetError, match="learns from ratings"):
        criteria_of([])


def test_steps_become_segments_whatever_cut_them(tmp_path) -> None:
    value = {"labels": {"1": [1, 0, -1, None]}, "mode": "each", "split": "lines"}
    text = "First.\r\nSecond 🙂.\n\nThird.\nFourth."
    (one,) = step_segments(rows_of(tmp_path, judgement(1, "steps", value, {1: text})))
    cut = [one.response[start:end] for start, end in one.segments]
    assert cut == ["First.", "Second 🙂.", "Third.", "Fourth."]
    assert one.labels == (0.0, 0.0, 1.0, None)


def test_spans_of_later_parts_count_in_the_joined_text(tmp_path) -> None:
    content = [{"type": "text", "text": "Right so far."}, {"type": "text", "text": "Wrong fact."}]
    mark = {"response": 1, "part": 1, "start": 0, "end": 11, "type": "false"}
    value = {"marks": [mark], "missing": [], "corrected": {}, "no_error": False}
    row = judgement(1, "spans", value, {}, categories={"false": "C2"})
    row["responses"] = [{"id": 1, "text": "Right so far.\n\nWrong fact.", "content": content}]
    (one,) = span_segments(rows_of(tmp_path, row), "C2")
    assert [one.response[start:end] for start, end in one.segments] == [
        "Right so far.",
        "Wrong fact.",
    ]
    assert one.labels == (0.0, 1.0)


def test_folders_that_are_none_are_refused_by_file_and_line(tmp_path) -> None:
    with pytest.raises(DatasetError, match=r"train\.jsonl does not exist"):
        read_judged(tmp_path)
    row = judgement(1, "ranking", {"verdict": "tie"}, TEXTS)
    write_judgements(tmp_path, [row], [row])
    with pytest.raises(DatasetError, match=r"1 prompts are in both .*prompt_id 1"):
        read_judged(tmp_path)
    write_judgements(tmp_path, [row])
    (tmp_path / "origins.jsonl").write_text("")
    with pytest.raises(DatasetError, match=r"line 1: judgement 1 is missing from origins"):
        read_judged(tmp_path)
    del row["value"]
    write_judgements(tmp_path, [row])
    with pytest.raises(DatasetError, match="line 1: field value is missing"):
        read_judged(tmp_path)
    (tmp_path / "train.jsonl").write_text(json.dumps([1]) + "\n")
    with pytest.raises(DatasetError, match="line 1: a list"):
        read_judged(tmp_path)


def test_preferences_hold_under_what_their_task_states(tmp_path) -> None:
    """The same two responses are the other way round under the other criterion."""
    rows = []
    for number, criterion in enumerate(("Shorter?", "Longer?"), start=1):
        value = {"verdict": "prefer", "preferred": number, "strength": 1, "under": criterion}
        other = {"context": {"criterion": criterion}, "prompt_id": 7, "prompt": PROMPT}
        rows.append(judgement(number, "context", value, {1: "a", 2: "bb"}, **other))
    read = rows_of(tmp_path, *rows)
    chosen = {pair.prompt[-1]["content"]: pair.chosen for pair in pairs_of_rows(read)}
    assert chosen == {"Why?\n\nShorter?": "a", "Why?\n\nLonger?": "bb"}
    listed = {one.prompt[-1]["content"]: one.responses for one in ranked_lists(read)}
    assert listed == {"Why?\n\nShorter?": ("a", "bb"), "Why?\n\nLonger?": ("bb", "a")}
    assert [row.prompt[-1]["content"] for row in read] == ["Why?", "Why?"]
    both = distinct_prompts(pairs_of_rows(read + read))
    assert [one.prompt[-1]["content"] for one in both] == list(chosen)
    good = {(one.prompt[-1]["content"], one.response) for one in graded(read) if one.good}
    assert good == set(chosen.items())
