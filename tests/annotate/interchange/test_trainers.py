"""Every format for trainers writes the rows that docs/formats.md shows."""

import io
import json
import re

import pyarrow.parquet as pq
import pytest

from annotate.interchange.export_formats import (
    EXPORT_FORMATS,
    FirstOfPrompts,
    columns_of,
    write_preference,
)
from annotate.interchange.parquet_files import ROWS_A_GROUP, schema_of, stream_parquet
from annotate.interchange.preferences import Judged, Preference, PromptText, ResponseText
from annotate.interchange.signal_rows import SIGNAL_EXPORTS, SIGNALS_EDITS, Signalled
from tests.annotate.interchange.test_documentation import objects, section

PROMPT = PromptText(
    5,
    "7",
    "",
    [{"role": "user", "content": "Capital of France?"}],
    "en",
    held_out=False,
    stratum="geography",
)
PREFERENCE = Preference(
    id=12,
    prompt=PROMPT,
    chosen=ResponseText(31, "large", "2", "Paris."),
    rejected=ResponseText(32, "small", "1", "Lyon."),
    margin=2 / 3,
    source="person",
)
STEPS = Judged(
    id=12,
    task_id=7,
    value={"labels": {"31": [1, -1, None]}, "mode": "first_wrong", "split": "lines"},
    source="person",
    prompt=PROMPT._replace(conversation=[{"role": "user", "content": "What is 3 x 4 + 1?"}]),
    responses=(ResponseText(31, "", "", "3 x 4 is 12.\n12 + 1 is 14.\nSo 14."),),
    provenance={"kind": "steps"},
)
OF_PREFERENCES = [name for name, one in EXPORT_FORMATS.items() if one.write]


def examples(name: str) -> list[dict]:
    text = section("Export").split(f"### `{name}`\n", 1)[1].split("\n### ", 1)[0]
    block = re.search(r"(?:^    .*\n)+", text, flags=re.MULTILINE)
    return objects("\n".join(line[4:] for line in block.group().splitlines()))


def written(name: str) -> list[dict]:
    return list(write_preference(PREFERENCE, EXPORT_FORMATS[name], weight=False, margin=False))


@pytest.mark.parametrize("name", OF_PREFERENCES)
def test_rows_are_as_documented(name) -> None:
    assert written(name) == examples(name)


def test_steps_are_as_documented() -> None:
    assert list(EXPORT_FORMATS["trl_stepwise"].write_judged(STEPS)) == examples("trl_stepwise")


def test_steps_of_a_form_are_found() -> None:
    value = {
        "answers": {"best": {"verdict": "tie"}, "how": STEPS.value},
        "asked": [
            {"name": "best", "kind": "pairwise", "responses": [31, 32]},
            {"name": "how", "kind": "steps", "responses": [31]},
        ],
    }
    row = STEPS._replace(value=value, provenance={"kind": "form"})
    assert list(EXPORT_FORMATS["trl_stepwise"].write_judged(row)) == examples("trl_stepwise")


def test_prompts_are_as_documented() -> None:
    row = STEPS._replace(prompt=PROMPT)
    assert list(EXPORT_FORMATS["trl_prompts"].write_judged(row)) == examples("trl_prompts")


def test_there_are_this_many() -> None:
    assert len(OF_PREFERENCES) == 13


@pytest.mark.parametrize("name", OF_PREFERENCES)
def test_every_column_has_a_type_and_its_value(name) -> None:
    """Parquet gives back what JSON lines hold, with nothing left out."""
    format = EXPORT_FORMATS[name]
    rows = written(name)
    columns = columns_of(format, weight=False, margin=False)
    assert {key for row in rows for key in row} == set(columns)
    file = b"".join(stream_parquet(iter(rows), columns, is_open=format.is_open))
    read = pq.read_table(io.BytesIO(file)).to_pylist()
    for row in read:
        for column in (column for column, sort in columns.items() if sort == "json"):
            row[column] = json.loads(row[column])
    assert read == rows


def test_a_system_text_and_turns_reach_every_format() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Capital of France?"},
    ]
    row = PREFERENCE._replace(prompt=PROMPT._replace(system="Be brief.", conversation=turns))
    for name in OF_PREFERENCES:
        first, *_ = write_preference(row, EXPORT_FORMATS[name], weight=False, margin=False)
        said = json.dumps(first)
        assert [text for text in ("Be brief.", "Hello!", "Capital") if text in said] == [
            "Be brief.",
            "Hello!",
            "Capital",
        ], name


def test_a_tool_is_an_observation_for_llama_factory() -> None:
    turns = [{"role": "user", "content": "Sum?"}, {"role": "tool", "content": "4"}]
    row = PREFERENCE._replace(prompt=PROMPT._replace(conversation=turns))
    [written_row] = EXPORT_FORMATS["llama_factory"].write(row)
    assert [turn["from"] for turn in written_row["conversations"]] == ["human", "observation"]


def test_many_rows_are_many_groups() -> None:
    count = 2 * ROWS_A_GROUP + 7
    rows = ({"prompt": f"Q{n}", "margin": n / 2} for n in range(count))
    chunks = list(stream_parquet(rows, {"prompt": "text", "margin": "number"}))
    file = pq.ParquetFile(io.BytesIO(b"".join(chunks)))
    assert (file.num_row_groups, file.metadata.num_rows) == (3, count)
    assert file.read().column("margin")[count - 1].as_py() == (count - 1) / 2
    assert len(chunks) == 4


def test_long_rows_make_small_groups() -> None:
    rows = ({"prompt": "x" * (9 << 20)} for _ in range(4))
    file = pq.ParquetFile(io.BytesIO(b"".join(stream_parquet(rows, {"prompt": "text"}))))
    assert file.num_row_groups == 2


def test_no_rows_are_a_file_with_its_columns() -> None:
    columns = {"chosen": "messages", "label": "flag"}
    file = b"".join(stream_parquet(iter(()), columns))
    table = pq.read_table(io.BytesIO(file))
    assert (table.num_rows, table.schema) == (0, schema_of(columns))


def test_an_unknown_column_is_an_error_or_goes_to_the_rest() -> None:
    rows = [{"id": "1", "colour": ["red"]}]
    with pytest.raises(ValueError, match="colour"):
        list(stream_parquet(iter(rows), {"id": "text"}))
    file = b"".join(stream_parquet(iter(rows), {"id": "text"}, is_open=True))
    [row] = pq.read_table(io.BytesIO(file)).to_pylist()
    assert row == {"id": "1", "rest": '{"colour": ["red"]}'}


def test_prompts_pass_once() -> None:
    is_first = FirstOfPrompts()
    ids = [1, 2, 1, 40_000, 2, 40_001, 40_000, 2**62]
    assert [pk for pk in ids if is_first(pk)] == [1, 2, 40_000, 40_001, 2**62]


SIGNALLED = Signalled(
    prompt=PROMPT.messages,
    completion="Lyon.",
    good=False,
    edited="Paris.",
    noise=0.2,
    type="edit",
    model="small",
    model_version="1",
)


@pytest.mark.parametrize("format", SIGNAL_EXPORTS, ids=lambda one: one.name)
def test_rows_of_signals_are_as_documented(format) -> None:
    found = list(format.write_signal(SIGNALLED))
    assert found == examples(format.name)
    assert all(set(row) == set(format.columns) for row in found)


def test_an_edit_that_changed_nothing_prefers_nothing() -> None:
    kept = SIGNALLED._replace(edited="Lyon.")
    assert list(SIGNALS_EDITS.write_signal(kept)) == []
    assert list(SIGNALS_EDITS.write_signal(kept._replace(edited=""))) == []
