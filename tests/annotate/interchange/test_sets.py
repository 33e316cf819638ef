"""Rows as trainers and known sets have them: what is read, what is guessed, what is refused."""

import gzip
import json
import shutil
import subprocess
from collections import Counter

import pytest

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.records import ImportedItem
from annotate.interchange.registry import FORMATS, detect_format
from tests.annotate.interchange.reading import only_error, read_bytes, read_one, read_rows
from tests.annotate.interchange.test_documentation import OTHERS, blocks, objects
from tests.annotate.interchange.test_trainers import PREFERENCE

QUESTION = [{"role": "user", "content": "Capital of France?"}]


def example(format: str, place: int = 0) -> dict:
    [row] = objects(blocks(f"Import: `{format}`")[place])
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


# The others hold no pair: single answers (trl_unpaired, llama_factory_kto) or prompts (verl).
READ_AS = {
    **dict.fromkeys(("trl", "trl_conversational", "trl_implicit", "openrlhf"), "trl"),
    **dict.fromkeys(("rewardbench", "ultrafeedback_binarized"), "trl"),
    **{name: name for name in ("hh", "llama_factory", "axolotl", "openai")},
}


@pytest.mark.parametrize("format", READ_AS)
def test_what_we_write_is_known_and_read_back(format) -> None:
    """The same prompt, answers and label; the models and the margin are not in all these files."""
    [row] = EXPORT_FORMATS[format].write(PREFERENCE)
    assert detect_format(json.dumps(row).encode()) == READ_AS[format]
    item = read_one(row, READ_AS[format])
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
        ("llmfao", {"output_y": None}, "output_y", "missing"),
        ("llmfao", {"output_x": 7}, "output", "text"),
        ("llmfao", {"votes": [{"winner": "z"}]}, "votes[0].winner", "right"),
        ("llmfao", {"votes": [{"winner": "x", "annotator": []}]}, "annotator", "text"),
        ("llmfao", {"golden": ["x"]}, "golden", "left"),
        ("image_reward", {"generations": "a.png"}, "generations", "list"),
        ("image_reward", {"generations": [5]}, "generations[0]", "text"),
        ("image_reward", {"ranking": [1]}, "ranking", "Got 1 ranks for 3 responses"),
        ("image_reward", {"ranking": [1, 2, "3"]}, "ranking[2]", "number"),
        ("image_reward", {"prompt": None}, "prompt", "missing"),
        ("helpsteer2_preference", {"response_2": 7}, "response_2", "text"),
        ("helpsteer2_preference", {"prompt": None}, "prompt", "missing"),
        (
            "helpsteer2_preference",
            {"all_preferences_unprocessed": [{"strength": 4}]},
            "all_preferences_unprocessed[0].strength",
            "3",
        ),
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


def test_trees_are_taken_apart() -> None:
    """Each turn with several replies, with the turns before it; what was deleted is not there."""
    tree = example("open_assistant", 1)
    assert detect_format(json.dumps(tree).encode()) == "open_assistant"
    first = tree["prompt"]["replies"][0]
    asked = first["replies"][0]
    first["replies"].append(
        {**asked, "text": "Gone?", "deleted": True, "replies": asked["replies"]}
    )
    asked["message_id"] = "77ab"
    asked["replies"] = [
        {"text": said, "role": "assistant", "rank": rank, "events": {"ranking": []}}
        for rank, said in ((0, "No."), (1, "Yes."), (1, "Yes!"))
    ]
    items = read_rows([tree, tree], "open_assistant")
    assert [(item.line, item.external_id) for item in items] == [
        (1, "1c0f"), (1, "77ab"), (2, "1c0f"), (2, "77ab")
    ]  # fmt: skip
    root, inner = items[:2]
    assert (root.conversation, root.language) == (QUESTION, "en")
    assert [label.preferred for label in root.labels] == [1]
    assert root.responses[0].generator == "small"
    assert root.responses[0].metadata == {"message_id": "fa78", "synthetic": True}
    turns = [("user", "Capital of France?"), ("assistant", "Lyon."), ("user", "Sure?")]
    assert [(turn["role"], turn["content"]) for turn in inner.conversation] == turns
    assert [label.preferred for label in inner.labels] == [0, 0, None]
    assert inner.responses[0].metadata == {}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"replies": []}, "prompt", "two replies"),
        ({"replies": {}}, "prompt.replies", "list"),
        ({"replies": [5]}, "prompt.replies[0]", "object"),
        ({"text": None}, "prompt.text", "text"),
    ],
)
def test_what_is_wrong_with_a_tree_costs_it_alone(change, field, words) -> None:
    tree = example("open_assistant", 1)
    bad = {**tree, "prompt": {**tree["prompt"], **change}}
    error, item = read_rows([bad, tree], "open_assistant")
    assert (error.field, error.line, error.raw) == (field, 1, bad)
    assert words in error.message
    assert item.external_id == "1c0f"


def test_rows_of_llmfao_as_published() -> None:
    row = {
        **{"id": -1, "prompt": 13, "text": "Capital of France?", "model_x": 84, "model_y": 22},
        **{"result_x": "Paris.", "result_y": "Lyon.", "golden": "left", "reason": "It is Paris."},
    }
    assert detect_format(json.dumps(row).encode()) == "llmfao"
    item = read_one(row, "llmfao")
    assert (item.external_id, item.conversation) == ("-1", QUESTION)
    assert item.metadata == {"prompt_id": 13}
    assert [response.generator for response in item.responses] == ["84", "22"]
    assert (item.gold.labels[0].preferred, item.gold.use) == (0, "training")
    assert item.gold.explanation == "It is Paris."
    tie = read_one({**row, "golden": "tie", "reason": None}, "llmfao")
    assert (tie.gold.labels[0].verdict, tie.gold.explanation) == ("tie", "")


def test_the_command_puts_llmfaos_real_files_together(data_dir, tmp_path) -> None:
    """As docs/formats.md tells it: every vote is a label, but those that could not be read."""
    _, command = blocks("Import: `llmfao`")
    folder = data_dir / "llmfao"
    with gzip.open(folder / "pairs.jsonl.gz") as pairs:
        (tmp_path / "pairs.jsonl").write_bytes(pairs.read())
    for name in ("votes_human.jsonl", "votes_llm.jsonl"):
        (tmp_path / name).symlink_to(folder / name)
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    data = (tmp_path / "joined.jsonl").read_bytes()
    assert detect_format(data[: 64 << 10]) == "llmfao"
    items = read_bytes(data, "llmfao")
    assert len(items) == 2139
    said = Counter(
        (one.preferred, one.annotator[0] == "w") for item in items for one in item.labels
    )
    assert (said[0, True], said[1, True], said[None, True]) == (2911, 2549, 3471)
    votes = [json.loads(line) for line in (folder / "votes_llm.jsonl").open()]
    by_models = sum(count for (_, person), count in said.items() if not person)
    assert by_models == sum(vote["winner"] is not None for vote in votes)


def test_real_gold_of_llmfao(data_dir) -> None:
    items = read_bytes((data_dir / "llmfao" / "training_gold.jsonl").read_bytes(), "llmfao")
    assert len(items) == 7
    assert all(item.gold.explanation and item.gold.use == "training" for item in items)


def test_real_rankings_of_images(data_dir) -> None:
    data = (data_dir / "imagereward_test" / "ranked.jsonl").read_bytes()
    assert detect_format(data[: 64 << 10]) == "image_reward"
    items = read_bytes(data, "image_reward")
    counts = Counter(len(item.responses) for item in items)
    assert counts == {4: 194, 5: 2, 6: 45, 7: 159, 8: 43, 9: 23}
    assert sum(one.preferred is not None for item in items for one in item.labels) == 6399
    ranked = [json.loads(line) for line in data.splitlines()]
    ties = sum(len({*row["rank"]}) < len(row["rank"]) for row in ranked)
    assert ties == 349 == sum(any(one.preferred is None for one in item.labels) for item in items)
    names = [response.parts.entries["image"] for response in items[0].responses]
    assert names == ranked[0]["images"]
    as_published = {**example("image_reward"), "ranking": None}
    assert detect_format(json.dumps(as_published).encode()) == "image_reward"
    assert read_one(as_published, "image_reward").labels == ()


def test_there_are_this_many_formats() -> None:
    assert len(FORMATS) == 22
