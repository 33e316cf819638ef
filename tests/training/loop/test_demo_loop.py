"""The command a newcomer runs: the whole loop on the demo content, with small trainings.

Its texts are cut short: reading all 500 responses in full takes longer than the rest together.
"""

import re
import shutil

import pytest

from tests.faults.processes import Tree, free_port, new_var
from tests.waiting import PATIENCE

pytestmark = pytest.mark.long

QUICK = [
    *("--rounds", "2", "--people", "3", "--prompts", "8"),
    *("--reward", '{"method": "frozen", "max_length": 48, "prompt_tokens": 24}'),
    *(
        "--dpo",
        '{"max_steps": 4, "max_length": 96, "prompt_tokens": 48, '
        '"sample_prompts": 2, "sample_tokens": 8, '
        '"tiny": {"max_steps": 20, "hidden_size": 32, "layers": 2}}',
    ),
]


@pytest.fixture
def var_dir():
    folder = new_var()
    yield folder
    shutil.rmtree(folder)


def test_two_rounds_from_nothing(var_dir) -> None:
    pytest.importorskip("torch", reason="the training extra is not installed")
    environment = {"TANDEM_VAR": str(var_dir), "DATABASE_URL": ""}
    url = f"http://127.0.0.1:{free_port()}"
    tree = Tree(["manage.py", "demo_loop", "--url", url, *QUICK], environment)
    try:
        tree.family()
        status = tree.process.wait(600)
        tree._reader.join(PATIENCE)
    finally:
        tree.clean_up()
    assert status == 0, tree.output
    rows = [re.split(r"\s{2,}", line.strip()) for line in tree.lines[-2:]]
    assert [row[0] for row in rows] == ["1", "2"], tree.output
    first, second = rows
    # Every pair of the demo has two seats; nobody sits twice at one task.
    assert (int(first[1]), int(first[2])) == (750, 0)
    assert int(second[1]) > 0
    # 8 prompts against a second sample and an old response; identical texts make no task.
    assert 0 <= int(second[2]) <= 16
    assert "n=76" in first[6]
    assert not tree.survivors()


def test_a_wrong_configuration_is_told_by_field() -> None:
    tree = Tree(["manage.py", "demo_loop", "--dpo", "[1]"], {})
    assert tree.process.wait(PATIENCE) != 0
    tree._reader.join(PATIENCE)
    assert "must be a JSON object" in tree.output
