"""Rows as trainers and known sets have them: what is read, what is guessed, what is refused."""

import gzip
import json

import pytest

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.records import ImportedItem
from annotate.interchange.registry import FORMATS, detect_format
from tests.annotate.interchange.reading import only_error, read_bytes, read_one
from tests.annotate.interchange.test_documentation import OTHERS, blocks, objects
from tests.annotate.interchange.test_trainers import PREFERENCE

QUESTION = [{"role": "user", "content": "Capital of France?"}]


def example(format: str) -> dict:
    [row] = objects(blocks(f"Import: `{format}`")[0])
    return row


@pytest.mark.parametrize("format", OTHERS)
def test_the_format_is_guessed_from_the_first_row(format) -> None:
    assert detect_format(json.dumps(example(format)).encode()) == format


@pytest.mark.parametrize("format", OTHERS)
def test_the_prompt_and_the_better_one_are_found(format) -> None:
    item = read_one(example(format), format)
    assert item.conversation == QUESTION
    winners = {
        item.responses[one.preferred].text for one in item.labels if one.preferred is not None
    }
    assert winners == {"Paris."}


@pytest.mark.parametrize("format", ["openai", "llama_factory", "axolotl"])
def test_what_we_write_is_read_back(format) -> None:
    """The same prompt, answers and label; the models and the margin are not in these files."""
    [row] = EXPORT_FORMATS[format].write(PREFERENCE)
    item = read_one(row, format)
    assert (item.conversation, item.system) == (QUESTION, "")
    assert [response.text for response in item.responses] == ["Paris.", "Lyon."]
    assert [label.preferred for label in item.labels] == [0]


def test_a_system_text_is_found() -> None:
    assert read_one(example("llama_factory"), "llama_factory").system == "Be brief."


def test_equal_ranks_are_ties() -> None:
    labels = read_one(example("nectar"), "nectar").labels
    said = {(one.first, one.second): one.preferred for one in labels}
    assert said == {(0, 1): 1, (0, 2): None, (1, 2): 1}


def test_steps_of_helpsteer3_are_strengths() -> None:
    labels = read_one(example("helpsteer3"), "helpsteer3").labels
    assert [(one.verdict, one.preferred, one.strength) for one in labels] == [
        ("prefer", 1, 3),
        ("prefer", 1, 2),
        ("tie", None, None),
    ]
    assert len({one.annotator for one in labels}) == 3
    row = {**example("helpsteer3"), "individual_preference": None, "overall_preference": -1}
    [label] = read_one(row, "helpsteer3").labels
    assert (label.preferred, label.strength) == (0, 1)


def test_without_ranks_scores_or_a_winner_people_are_asked() -> None:
    for format, path in (
        ("arena", ("winner",)),
        ("nectar", ("answers", 0, "rank")),
        ("open_assistant", ("replies", 1, "rank")),
        ("ultrafeedback", ("completions", 0, "overall_score")),
    ):
        row = example(format)
        *way, last = path
        inner = row
        for step in way:
            inner = inner[step]
        inner[last] = None
        assert read_one(row, format).labels == (), format


@pytest.mark.parametrize(
    ("format", "change", "field", "words"),
    [
        ("openai", {"input": []}, "input", "messages"),
        ("openai", {"preferred_output": None}, "preferred_output", "missing"),
        ("llama_factory", {"chosen": {"from": "bot", "value": "x"}}, "chosen", "gpt"),
        ("llama_factory", {"conversations": ["x"]}, "conversations[0]", "Expected an object"),
        ("axolotl", {"messages": 5}, "messages", "list of messages"),
        ("arena", {"winner": "me"}, "winner", "model_a"),
        ("arena", {"conversation_b": []}, "conversation_b", "assistant"),
        ("nectar", {"answers": [{"rank": 1}]}, "answers[0].text", "text"),
        ("nectar", {"answers": [{"answer": "a", "rank": "1"}]}, "answers[0].rank", "number"),
        ("open_assistant", {"replies": {}}, "replies", "list"),
        ("ultrafeedback", {"instruction": None}, "instruction", "missing"),
        ("multipref", {"completion_b": 7}, "completion_b", "text"),
        ("multipref", {"text": None}, "text", "missing"),
        ("multipref", {"expert_worker_annotations": [{}]}, "expert_worker_annotations[0]", "Tie"),
        ("ranked", {"ranks": [1]}, "ranks", "Got 1 ranks for 3 responses"),
        ("ranked", {"ranks": [1, "2", 3]}, "ranks[1]", "number"),
        ("ranked", {"models": ["a"]}, "models", "Got 1 models for 3 responses"),
        ("helpsteer3", {"response2": 7}, "response2", "text"),
        ("helpsteer3", {"individual_preference": [{"score": 4}]}, "individual_preference", "3"),
    ],
)
def test_what_is_wrong_is_told_of_their_fields(format, change, field, words) -> None:
    error = only_error(json.dumps({**example(format), **change}).encode(), format)
    assert error.field.startswith(field)
    assert words in error.message


def test_real_open_assistant_rows(data_dir) -> None:
    data = (data_dir / "oasst_en100" / "ranked.jsonl").read_bytes()
    assert detect_format(data[: 64 << 10]) == "open_assistant"
    items = read_bytes(data, "open_assistant")
    assert (len(items), sum(isinstance(item, ImportedItem) for item in items)) == (212, 212)
    assert sum(len(item.labels) for item in items) == 754


def test_real_battles(data_dir) -> None:
    data = gzip.decompress((data_dir / "mtbench_human_gpt4" / "pairs.jsonl.gz").read_bytes())
    assert detect_format(data[: 64 << 10]) == "arena"
    items = read_bytes(data, "arena")
    assert len(items) == 1232
    read = [item for item in items if isinstance(item, ImportedItem)]
    assert all(len(item.conversation) % 2 for item in read)
    assert sum(len(item.labels) for item in read) == 1741
    assert len(read) == 1224  # of the eight others both said the same


def test_there_are_this_many_formats() -> None:
    assert len(FORMATS) == 17
