"""The spool: every message exactly once, to its own queue, among several processes."""

import json
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from kombu import Connection, Producer

from config import broker
from tests.waiting import PATIENCE

# Reads until there is nothing, once the file that is its third argument was there before it looked.
READER = """
import sys, time
from pathlib import Path
from kombu import Connection
from config import broker
folder, queue, over = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
options = broker.transport_options(folder)
with Connection("spool://localhost", transport_options=options) as connection:
    box = connection.SimpleQueue(queue)
    while True:
        is_over = over.exists()
        try:
            message = box.get(block=False)
        except box.Empty:
            if is_over:
                break
            time.sleep(0.01)
            continue
        print(message.payload["number"], flush=True)
        message.ack()
"""


@pytest.fixture
def spool(tmp_path):
    with Connection(
        "spool://localhost", transport_options=broker.transport_options(tmp_path)
    ) as connection:
        yield connection


def publish(connection, queue: str, payload) -> None:
    """As Celery does: to the nameless exchange, which needs no table of bindings."""
    Producer(connection).publish(payload, exchange="", routing_key=queue, serializer="json")


def read(box) -> list:
    found = []
    while True:
        try:
            message = box.get(block=False)
        except box.Empty:
            return found
        message.ack()
        found.append(message.payload)


def test_messages_keep_their_order_and_their_queue(spool):
    default, training = spool.SimpleQueue("default"), spool.SimpleQueue("training")
    for number in range(20):
        publish(spool, "default" if number % 5 else "training", number)
    assert read(training) == [0, 5, 10, 15]
    assert read(default) == [n for n in range(20) if n % 5]
    assert read(default) == []


def test_size_and_purge_count_only_their_queue(spool):
    default, training = spool.SimpleQueue("default"), spool.SimpleQueue("training")
    for number in range(3):
        publish(spool, "default", number)
    publish(spool, "training", "kept")
    assert default.qsize() == 3
    assert default.clear() == 3
    assert default.qsize() == 0
    assert read(training) == ["kept"]


def test_folders_emptied_under_way_are_made_again(spool, tmp_path):
    box = spool.SimpleQueue("default")
    publish(spool, "default", "lost with the folder")
    for folder in list(tmp_path.iterdir()):
        shutil.rmtree(folder)
    assert read(box) == []
    publish(spool, "default", "after")
    assert read(box) == ["after"]


def test_a_message_being_written_is_not_read(spool, tmp_path):
    box = spool.SimpleQueue("default")
    (tmp_path / "queue").mkdir(exist_ok=True)
    (tmp_path / "queue" / ".half").write_text('{"body":')
    assert read(box) == []


def test_four_readers_share_a_queue_while_two_processes_write(tmp_path):
    """Real processes: 4 readers of one queue, 1 of another, messages arriving meanwhile."""
    spool, over = tmp_path / "spool", tmp_path / "over"
    spool.mkdir()
    writer = (
        "import sys\nfrom pathlib import Path\nfrom kombu import Connection\n"
        "from config import broker\n"
        "options = broker.transport_options(Path(sys.argv[1]))\n"
        "first = int(sys.argv[2])\n"
        "with Connection('spool://localhost', transport_options=options) as connection:\n"
        "    boxes = [connection.SimpleQueue(q) for q in ('default', 'training')]\n"
        "    for n in range(first, first + 300):\n"
        "        boxes[n % 10 == 0].put({'number': n, 'filler': 'x' * 20_000})\n"
    )
    start = [sys.executable, "-c"]
    root = Path(__file__).resolve().parents[2]
    readers = [
        subprocess.Popen(
            [*start, READER, str(spool), queue, str(over)], stdout=subprocess.PIPE, cwd=root
        )
        for queue in ("default", "default", "default", "default", "training")
    ]
    writers = [
        subprocess.Popen([*start, writer, str(spool), str(first)], cwd=root) for first in (0, 300)
    ]
    assert [process.wait(PATIENCE) for process in writers] == [0, 0]
    over.touch()
    outputs = [[int(line) for line in r.communicate(timeout=PATIENCE)[0].split()] for r in readers]
    assert [reader.returncode for reader in readers] == [0] * 5
    assert sorted(outputs[4]) == [n for n in range(600) if n % 10 == 0]
    assert sorted(chain(*outputs[:4])) == [n for n in range(600) if n % 10]


def test_options_name_folders_of_one_file_system(tmp_path):
    options = broker.transport_options(tmp_path)
    folders = {Path(v).parent for k, v in options.items() if "folder" in k}
    assert folders == {tmp_path}, json.dumps(options)
