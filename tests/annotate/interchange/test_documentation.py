"""The examples of docs/formats.md are read by the formats that they stand for."""

import json
import re
from pathlib import Path

import pytest

from annotate.interchange import fine_grained, fine_grained_rows
from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import ImportedItem
from annotate.interchange.registry import FORMATS
from annotate.interchange.rows import Row
from tests.annotate.interchange.reading import read_bytes, read_rows

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats.md"


def section(title: str) -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(title: str) -> list[str]:
    found = re.findall(r"(?:^    .*\n)+", section(title), flags=re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in found]


def objects(text: str) -> list[dict]:
    found, at = [], 0
    while at < len(text):
        value, end = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return found


OTHERS = (
    *("openai", "llama_factory", "axolotl", "arena", "nectar", "open_assistant"),
    *("ultrafeedback", "helpsteer3", "multipref", "ranked", "label_studio", "argilla"),
    *("helpsteer2_preference", "llmfao"),
)


@pytest.mark.parametrize(
    ("format", "count"),
    [("trl", 4), ("hh", 1), ("responses", 8), ("image_reward", 1), ("helpsteer", 2)]
    + [(name, 2 if name == "open_assistant" else 1) for name in OTHERS],
)
def test_json_examples(format, count):
    shown = [block for block in blocks(f"Import: `{format}`") if block.startswith(("{", "["))]
    rows = [row for block in shown for row in objects(block)]
    items = read_rows(rows, format)
    assert len(items) == count
    assert all(isinstance(item, ImportedItem) for item in items), items


FINE_GRAINED = "Fine-Grained RLHF's files"


def described(text: str) -> set[str]:
    """The columns that its tables tell the meaning of."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("format", FORMATS)
def test_each_import_has_an_example_and_a_table(format):
    title = FINE_GRAINED if format == "fine_grained" else f"Import: `{format}`"
    assert blocks(title)
    assert len(described(section(title))) >= 1


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_each_export_has_an_example_and_a_table_of_its_columns(format):
    if format.startswith("fine_grained"):
        text = section(FINE_GRAINED)
    else:
        text = section("Export").split(f"### `{format}`\n", 1)[1].split("\n### ", 1)[0]
    assert re.search(r"^    [\[{]", text, flags=re.MULTILINE)
    told = described(text)
    first_of_many = re.compile(r"prediction \d+")  # "`prediction 1` … `prediction 10`"
    columns = {name for name in EXPORT_FORMATS[format].columns if not first_of_many.match(name)}
    assert columns - told == set()


def test_table_example():
    table, query = blocks("Import: `table`")
    pairs = re.findall(r"(mapping|label_value)=([^:&\s]+):([^&\s]+)", query)
    mapping = {ours: column for name, ours, column in pairs if name == "mapping"}
    values = {said: means for name, said, means in pairs if name == "label_value"}
    [item] = read_bytes(table.encode(), "table", mapping=mapping, label_values=values)
    assert item.conversation[0]["content"] == "Why,\nreally?"
    assert item.labels[0].preferred == 0


def test_fine_grained_examples():
    example, labels = blocks("Fine-Grained RLHF's files")
    [row] = objects(example)
    item = fine_grained.FINE_GRAINED.parse(Row(1, row, 0), ReadOptions())
    [answer] = item.answers
    assert answer.value["marks"][0]["evidence"] == {"passage": 1, "sentences": [1]}
    assert item.labels[0].preferred == 1
    _, tokens = objects(labels)
    segments = {"segments": ["It was there."], "labels": ["F-ERR"]}
    question = row["question"]
    assert tokens == fine_grained_rows.write_tokens(
        row_id="dev/0", question=question, passages=[], segments=segments
    )
