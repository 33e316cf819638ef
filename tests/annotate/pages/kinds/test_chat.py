"""The fields of a live conversation, read into a value."""

from django.utils.datastructures import MultiValueDict

from annotate.pages.kinds.chat import read


def read_fields(fields: dict[str, str]) -> object:
    return read(MultiValueDict({name: [text] for name, text in fields.items()}), "answer")


def test_fields_become_verdicts():
    assert read_fields(
        {
            "answer": "7",
            "answer.turns.0.verdict": "prefer:B",
            "answer.turns.1.ratings.A": "3",
            "answer.final.verdict": "tie",
            "answer.final.ratings.overall.A": "4",
        }
    ) == {
        "session": 7,
        "turns": {
            "0": {"preference": {"verdict": "prefer", "preferred": "B"}},
            "1": {"ratings": {"A": 3}},
        },
        "final": {"preference": {"verdict": "tie"}, "ratings": {"overall": {"A": 4}}},
    }


def test_fields_that_contradict_each_other_are_read_all_the_same():
    fields = {"answer.turns.0.ratings.A": "3", "answer.turns.0.ratings.A.B": "4"}
    assert read_fields(fields) == {"turns": {"0": {"ratings": {"A": 3}}}}
