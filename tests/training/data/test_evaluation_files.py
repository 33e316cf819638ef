"""Files of pairs and prompts to evaluate on: what is read, and what is refused and why."""

import gzip
import io
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.interchange.records import RowError
from annotate.interchange.streams import Limits
from training.data.evaluation_files import EvaluationItem, read_items


def read(data: bytes | str, kind: str = "pairs", name: str = "rows.jsonl", **limits: int):
    data = data.encode() if isinstance(data, str) else data
    found = read_items(io.BytesIO(data), kind=kind, file_name=name, limits=Limits(**limits))
    return list(found)


def jsonl(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


PAIR = {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_rewardbench_rows_are_read(pack):
    row = {**PAIR, "subset": "math-prm", "id": 17, "chosen_model": "human", "rejected_model": "x"}
    (item,) = read(pack(jsonl(row).encode()))
    assert item == EvaluationItem(
        1, "17", ({"role": "user", "content": "2 + 2?"},), "4", "5", "math-prm"
    )
    (item,) = read(json.dumps([PAIR]))
    assert (item.subset, item.id, item.line) == ("all", "1", 1)


def test_conversations_and_transcripts_are_read():
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "2 + 2?"},
    ]
    answers = [[{"role": "assistant", "content": text}] for text in "45"]
    (item,) = read(jsonl({"prompt": turns, "chosen": answers[0], "rejected": answers[1]}))
    assert item.prompt == tuple(turns)
    assert (item.chosen, item.rejected) == ("4", "5")
    head = "\n\nHuman: Hi\n\nAssistant:"
    (item,) = read(jsonl({"chosen": f"{head} Hello", "rejected": f"{head} Go away"}))
    assert item.prompt == ({"role": "user", "content": "Hi"},)
    assert (item.chosen, item.rejected) == ("Hello", "Go away")


def test_a_table_is_read_with_line_ends_in_its_texts():
    rows = read('prompt,chosen,rejected,subset,id\n"a\nb",x,y,s,1\nc,x,y,,2\n', name="rows.csv")
    assert [(row.line, row.id, row.subset) for row in rows] == [(2, "1", "s"), (4, "2", "all")]
    assert rows[0].prompt[0]["content"] == "a\nb"


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        ({"prompt": "p", "chosen": "a"}, "rejected", "missing"),
        ({**PAIR, "chosen": "5"}, "chosen", "identical"),
        ({**PAIR, "prompt": None}, "prompt", "null"),
        ({**PAIR, "prompt": "  "}, "prompt", "empty"),
        ({**PAIR, "prompt": 3}, "prompt", "Expected a text or a list"),
        ({**PAIR, "subset": "x" * 101}, "subset", "100"),
        ({**PAIR, "subset": ["a"]}, "subset", ""),
        ({**PAIR, "chosen": [{"role": "assistant", "content": "4"}]}, "rejected", "both"),
    ],
)
def test_a_bad_row_is_told_by_line_field_and_remedy(row, field, told):
    good = {**PAIR, "prompt": "good"}
    rows = read(jsonl(good, row))
    assert isinstance(rows[0], EvaluationItem)
    (error,) = rows[1:]
    assert isinstance(error, RowError)
    assert (error.line, error.field) == (2, field)
    assert told in error.message


def test_what_comes_twice_is_refused():
    again, same_id = {**PAIR, "id": "b"}, {**PAIR, "prompt": "other", "id": "a"}
    rows = read(jsonl({**PAIR, "id": "a"}, again, same_id, {**PAIR, "subset": "s", "id": "c"}))
    assert [type(row) for row in rows] == [EvaluationItem, RowError, RowError, EvaluationItem]
    assert "same as line 1" in rows[1].message
    assert (rows[2].field, "Line 1 has this id" in rows[2].message) == ("id", True)


def test_what_is_no_file_of_rows_is_told():
    assert "empty" in read("")[0].message
    assert "Parquet" in read(b"PAR1....")[0].message
    assert "prompt" in read("chosen,rejected\na,b\n", name="x.csv")[0].message
    assert "Not JSON" in read("{broken\n")[0].message
    (error,) = read(jsonl({**PAIR, "chosen": "x" * 200}), max_line_bytes=100)
    assert "longer than 100 bytes" in error.message


def test_prompts_are_read_from_json_tables_and_plain_lines():
    rows = read(jsonl({"prompt": "a"}, {"messages": [{"role": "user", "content": "b"}]}), "prompts")
    assert [row.prompt[0]["content"] for row in rows] == ["a", "b"]
    rows = read("First question?\n\nزين؟ 🎈\n", "prompts", "prompts.txt")
    assert [(row.line, row.prompt[-1]["content"]) for row in rows] == [
        (1, "First question?"),
        (3, "زين؟ 🎈"),
    ]
    rows = read('prompt,other\n"x, y",1\n', "prompts", "prompts.csv")
    assert [row.prompt[0]["content"] for row in rows] == ["x, y"]
    (row,) = read(jsonl({"prompt": "\n\nHuman: Hi\n\nAssistant:"}), "prompts")
    assert row.prompt == ({"role": "user", "content": "Hi"},)
    assert "same as line 1" in read("a\na\n", "prompts", "p.txt")[1].message
    (error,) = read(jsonl({"text": "a"}), "prompts")
    assert (error.field, error.line) == ("prompt", 1)


@settings(max_examples=40)
@given(
    st.binary(max_size=300), st.sampled_from(["pairs", "prompts"]), st.sampled_from(["a.csv", "a"])
)
def test_no_bytes_break_the_reader(data, kind, name):
    for row in read(data, kind, name):
        assert isinstance(row, EvaluationItem | RowError)


def parquet(rows: list[dict]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def test_parquet_gives_the_rows_that_json_gives():
    turns = [{"role": "user", "content": "Hi"}]

    def answer(text: str) -> list[dict]:
        return [{"role": "assistant", "content": text}]

    rows = [
        {"prompt": "2 + 2?", "chosen": "4", "rejected": "5", "subset": "math", "id": 17, "x": b"a"},
        {"prompt": "اسم؟", "chosen": "a", "rejected": "b 🙂", "subset": None, "id": 18, "x": None},
    ]
    as_json = [{name: row[name] for name in row if name != "x"} for row in rows]
    as_json[1].pop("subset")
    found = read(parquet(rows), name="rows.parquet")
    assert found == read(jsonl(*as_json))
    assert [row.subset for row in found] == ["math", "all"]
    talks = [
        {"prompt": turns, "chosen": answer("Ho"), "rejected": answer(f"Hum {n}")} for n in range(40)
    ]
    found = read(parquet(talks))
    assert (len(found), found) == (40, read(jsonl(*talks)))
    prompts = [{"prompt": f"Question {n}?"} for n in range(40)]
    assert read(parquet(prompts), kind="prompts") == read(jsonl(*prompts), kind="prompts")


def test_bad_rows_of_parquet_are_told_by_their_number():
    rows = [PAIR, {"prompt": "p", "chosen": "a", "rejected": None}, {**PAIR, "chosen": "\0"}]
    _, lacks, nul = read(parquet(rows))
    assert (lacks.line, lacks.field) == (2, "rejected")
    assert (nul.line, nul.field, "NUL" in nul.message) == (3, "chosen", True)


def test_files_that_are_no_good_parquet_are_refused(monkeypatch):
    whole = parquet([PAIR])
    (damaged,) = read(whole[:-20])
    assert (damaged.fatal, "is damaged" in damaged.message) == (True, True)
    (other,) = read(parquet([{"question": "x"}]))
    assert (other.fatal, "Rename its own: question" in other.message) == (True, True)
    bomb = parquet([{**PAIR, "prompt": str(n) + "a" * 4000} for n in range(9000)])
    (*_, large) = read(bomb, max_ratio=1)
    assert "unpacks to" in large.message
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (missing,) = read(whole)
    assert missing.fatal
    assert "Install the training extra" in missing.message
