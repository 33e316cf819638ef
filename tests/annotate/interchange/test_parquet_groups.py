"""What waits in memory while a Parquet file is written, counted."""

import pytest

from annotate.interchange import parquet_files
from annotate.interchange.parquet_files import RowTooLong, stream_parquet

KILO = 1 << 10


@pytest.mark.parametrize("text", ["a", "é"])
def test_groups_end_by_bytes(monkeypatch, text):
    monkeypatch.setattr(parquet_files, "BYTES_A_GROUP", 64 * KILO)
    row = text * (10 * KILO // len(text.encode()))
    taken, waiting, most = 0, 0, 0

    def rows():
        nonlocal taken, waiting, most
        for number in range(40):
            taken, waiting = taken + 1, waiting + 1
            most = max(most, waiting)
            yield {"id": number, "text": row}

    for _written in stream_parquet(rows(), {"id": "integer", "text": "text"}):
        waiting = 0
    assert (taken, most) == (40, 7)  # the seventh goes beyond 64 KiB


def test_a_row_that_is_too_long_is_named(monkeypatch):
    monkeypatch.setattr(parquet_files, "MOST_A_ROW", KILO)
    rows = [{"id": 7, "said": ["a" * 500]}, {"id": 8, "said": ["é" * 513]}]
    with pytest.raises(RowTooLong, match=r"the row with the id 8 has 1034 bytes.*1024 .*jsonl"):
        list(stream_parquet(rows, {"id": "integer", "said": "texts"}))
