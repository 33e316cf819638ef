"""Rows as published sets have them: as docs/formats.md shows them, and read back."""

import io
import json

import pyarrow.parquet as pq
import pytest

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.parquet_files import stream_parquet
from annotate.interchange.preferences import Judged, ResponseText
from annotate.interchange.registry import detect_format
from tests.annotate.interchange.reading import read_one
from tests.annotate.interchange.test_trainers import PROMPT, examples

PARIS, LYON = ResponseText(31, "large", "2", "Paris."), ResponseText(32, "small", "1", "Lyon.")
NICE = ResponseText(33, "", "", "Nice.")


def judged(kind, value, *, responses=(PARIS, LYON), **provenance) -> Judged:
    origin = {
        **{"kind": kind, "annotator": "p-4be1c09a7d", "judge": None, "rationale": ""},
        **{"submitted_at": "2026-01-31T12:00:15+00:00", "seconds_active": 14.2, "expert": False},
    }
    return Judged(12, 7, value, "person", PROMPT, responses, {**origin, **provenance})


def prefers(pk, strength, **more):
    return {"verdict": "prefer", "preferred": pk, "strength": strength, **more}


HELPFUL = {
    **{"verdict": "both_good", "confidence": "not", "reasons": ["concise"]},
    "own_reason": "Both short.",
}
RATINGS = {
    "ratings": {"31": {"helpful": 5, "correct": "yes"}, "32": {"helpful": 2, "correct": None}},
    "overall": "helpful",
    "scales": {"helpful": [1, 5], "correct": "yes_no"},
}
LOWER = {**RATINGS, "ratings": {"31": {"helpful": 3, "correct": "unsure"}, "32": {"helpful": 2}}}
ROWS = {
    "arena": [judged("pairwise", prefers(31, 2))],
    "helpsteer3": [
        judged("pairwise", prefers(31, 2), rationale="Lyon is not."),
        judged("pairwise", prefers(31, 1)),
    ],
    "helpsteer2_preference": [
        judged("pairwise", prefers(31, 2), rationale="Lyon is not."),
        judged("pairwise", prefers(31, 1)),
        judged("pairwise", {"verdict": "both_bad"}, rationale="Too short."),
    ],
    "multipref": [
        judged(
            "pairwise", prefers(31, 3, confidence="fairly", criteria={"helpful": HELPFUL})
        ),
        judged("pairwise", prefers(31, 1), annotator="p-a4c1f02b66", expert=True),
    ],
    "label_studio": [
        judged("pairwise", prefers(31, 2)),
        judged("pairwise", {"verdict": "tie"}, annotator="p-a4c1f02b66"),
    ],
    "ranked": [judged("ranking", {"verdict": "full", "tiers": [[31], [32]]})],
    "ultrafeedback": [judged("rating", RATINGS)],
    "helpsteer": [judged("rating", RATINGS), judged("rating", LOWER)],
}  # fmt: skip


def written(name: str, rows: list[Judged]) -> list[dict]:
    format = EXPORT_FORMATS[name]
    if format.write_task:
        return list(format.write_task(rows))
    return [made for row in rows for made in format.write_judged(row)]


def in_form(row: Judged) -> Judged:
    """The same answer to a question of a form, whose other question asks something else."""
    name, kind = "best", row.provenance["kind"]
    value = {
        "answers": {name: row.value, "why": {"critique": "x"}},
        "asked": [
            {"name": "why", "kind": "critique", "responses": [31]},
            {"name": name, "kind": kind, "responses": [31, 32]},
        ],
    }
    return row._replace(value=value, provenance={**row.provenance, "kind": "form"})


@pytest.mark.parametrize("name", list(ROWS))
def test_rows_are_as_documented(name) -> None:
    assert written(name, ROWS[name]) == examples(name)
    assert written(name, [in_form(row) for row in ROWS[name]]) == examples(name)


@pytest.mark.parametrize("name", list(ROWS))
def test_parquet_holds_the_same(name) -> None:
    rows, columns = written(name, ROWS[name]), EXPORT_FORMATS[name].columns
    assert {key for row in rows for key in row} == set(columns)
    file = b"".join(stream_parquet(iter(rows), columns))
    read = pq.read_table(io.BytesIO(file)).to_pylist()
    for row in read:
        row |= {key: json.loads(row[key]) for key, sort in columns.items() if sort == "json"}
    assert read == rows


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("arena", [(0, None, "p-4be1c09a7d")]),
        ("helpsteer3", [(0, 2, "annotator 1"), (0, 1, "annotator 2")]),
        (
            "helpsteer2_preference",
            [(0, 2, "annotator 1"), (0, 1, "annotator 2"), (None, None, "annotator 3")],
        ),
        ("multipref", [(0, 2, "p-4be1c09a7d"), (0, 1, "p-a4c1f02b66")]),
        ("label_studio", [(0, 2, "p-4be1c09a7d"), (None, None, "p-a4c1f02b66")]),
        ("ranked", [(0, None, "p-4be1c09a7d")]),
        ("ultrafeedback", [(0, None, "p-4be1c09a7d")]),
    ],
)
def test_they_are_known_and_read_back(name, said) -> None:
    [row] = written(name, ROWS[name])
    assert detect_format(json.dumps(row).encode()) == name
    item = read_one(row, name)
    assert item.conversation == PROMPT.conversation
    assert [response.text for response in item.responses] == ["Paris.", "Lyon."]
    if not name.startswith("helpsteer"):
        assert [response.generator for response in item.responses] == ["large", "small"]
    assert [(one.preferred, one.strength, one.annotator) for one in item.labels] == said


@pytest.mark.parametrize(
    ("verdict", "winner", "read"),
    [("tie", "tie", "tie"), ("both_good", "tie", "tie"), ("both_bad", "tie (bothbad)", "both_bad")],
)
def test_battles_without_a_winner(verdict, winner, read) -> None:
    [row] = written("arena", [judged("pairwise", {"verdict": verdict})])
    assert row["winner"] == winner
    assert [label.verdict for label in read_one(row, "arena").labels] == [read]


@pytest.mark.parametrize(
    ("value", "ranks", "pairs"),
    [
        (
            {"verdict": "full", "tiers": [[33], [31, 32]]},
            [2, 2, 1],
            {(0, 1): "tie", (0, 2): 2, (1, 2): 2},
        ),
        ({"verdict": "best_worst", "best": 32, "worst": 31}, [3, 1, 2], {(0, 1): 1, (0, 2): 2,
                                                                        (1, 2): 1}),
        ({"verdict": "best", "best": 31}, [1, 2, 2], {(0, 1): 0, (0, 2): 0}),
        ({"verdict": "all_bad"}, [1, 1, 1], dict.fromkeys([(0, 1), (0, 2), (1, 2)], "both_bad")),
        (
            {"verdict": "full", "tiers": [[32], [33]], "unrankable": {"31": "in Dutch"}},
            [1, 2],
            {(0, 1): 0},
        ),
    ],
)  # fmt: skip
def test_ranks_of_every_answer(value, ranks, pairs) -> None:
    [row] = written("ranked", [judged("ranking", value, responses=(PARIS, LYON, NICE))])
    assert row["ranks"] == ranks
    labels = read_one(row, "ranked").labels
    assert {
        (one.first, one.second): one.verdict if one.preferred is None else one.preferred
        for one in labels
    } == pairs


def test_a_strange_verdict_is_an_order() -> None:
    row = {"prompt": "Capital?", "responses": ["Lyon.", "Paris."], "ranks": [2, 1], "verdict": []}
    assert [label.preferred for label in read_one(row, "ranked").labels] == [1]


def test_questions_of_one_form_do_not_mix() -> None:
    """Each about its own two responses, whatever the order in which people answered."""
    rows = []
    for first, second in ((31, 32), (32, 31)):
        asked = [
            {"name": name, "kind": "pairwise", "responses": [31, 32]} for name in ("help", "truth")
        ]
        answers = {"help": prefers(first, 3), "truth": prefers(second, 1)}
        rows.append(judged("form", {"answers": answers, "asked": asked}))
    said = [
        [one["score"] for one in row["individual_preference"]]
        for row in written("helpsteer3", rows)
    ]
    assert said == [[-3, 3], [1, -1]]


def test_all_turns_are_in_helpsteers_prompt() -> None:
    """Read back as they were, whoever begins and whatever stands in them."""
    turns = [
        {"role": "user", "content": "Capital of France?\n"},
        {"role": "assistant", "content": "\nParis."},
        {"role": "user", "content": ""},
    ]
    for system, conversation in (("", turns), ("Be brief.", turns), ("", turns[1:])):
        prompt = PROMPT._replace(system=system, conversation=conversation, held_out=True)
        row = judged("pairwise", prefers(31, 2))._replace(prompt=prompt)
        [made] = written("helpsteer2_preference", [row])
        item = read_one(made, "helpsteer2_preference")
        assert (item.system, item.conversation) == (system, conversation)
        assert made["split"] == "val"
    [made] = written(
        "helpsteer2_preference",
        [row._replace(prompt=PROMPT._replace(system="Be brief.", conversation=turns[:1]))],
    )
    assert made["prompt"] == (
        "<extra_id_0>System\nBe brief.\n<extra_id_1>User\nCapital of France?\n"
    )


def test_of_many_preferences_the_three_most_alike_count() -> None:
    given = [(31, 3), (32, 1), (32, 3), (32, 2), (31, 3)]
    rows = [judged("pairwise", prefers(*one), rationale=f"{one}") for one in given]
    [row] = written("helpsteer2_preference", rows)
    assert [one["strength"] for one in row["three_most_similar_preferences"]] == [1, 3, 2]
    assert (row["preference_strength"], row["preference_statement"]) == (2, "(32, 2)")
    [row] = written("helpsteer2_preference", [judged("pairwise", {"verdict": "both_bad"})])
    assert (row["preference_strength"], row["three_most_similar_preferences"]) == (0, [])
    assert [one.verdict for one in read_one(row, "helpsteer2_preference").labels] == ["both_bad"]


def test_without_lists_the_strength_is_the_label() -> None:
    [row] = written("helpsteer2_preference", ROWS["helpsteer2_preference"])
    for name in ("all_preferences_unprocessed", "three_most_similar_preferences"):
        del row[name]
        labels = read_one(row, "helpsteer2_preference").labels
        assert (labels[0].preferred, labels[0].strength) == (0, 2)
    assert len(labels) == 1


def test_ratings_by_other_criteria_make_no_row_of_helpsteer() -> None:
    value = {"ratings": {"31": {"tone": 5}, "32": {"tone": 1}}, "overall": "tone",
             "scales": {"tone": [1, 5]}}  # fmt: skip
    assert written("helpsteer", [judged("rating", value)]) == []
