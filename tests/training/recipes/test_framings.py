"""Texts that were read stay read, and are framed as if they were read anew."""

import pytest

from training.data import framing
from training.data.framing import frame_all_for_reward
from training.recipes import framings
from training.recipes.framings import FramingCache
from training.recipes.models import load_tokenizer

ASKED = [{"role": "user", "content": "please tell me how to cook rice"}]
SYSTEM = [{"role": "system", "content": "Be kind."}, *ASKED]
ROWS = [
    (ASKED, "good rice"),
    (ASKED, "kind answer " * 40),
    (SYSTEM, "good rice"),
    (ASKED, ""),
    (ASKED, "good rice"),
]
LENGTHS = {"max_length": 48, "prompt_tokens": 6}


@pytest.fixture(params=["encoder", "decoder"])
def tokenizer(request):
    return load_tokenizer(str(request.getfixturevalue(request.param)))


@pytest.fixture
def tokenized(monkeypatch) -> list[int]:
    """How many rows were tokenized, call by call."""
    counts: list[int] = []

    def counted(tokenizer, rows, **lengths):
        counts.append(len(rows))
        return framing.frame_all_for_reward(tokenizer, rows, **lengths)

    monkeypatch.setattr(framings, "frame_all_for_reward", counted)
    return counts


def test_what_is_kept_is_what_would_be_made(tokenizer, tokenized, tmp_path):
    expected = frame_all_for_reward(tokenizer, ROWS, **LENGTHS)
    assert any(one.response_cut for one in expected)
    assert any(one.prompt_cut for one in expected)
    first = FramingCache(tmp_path / "ids", tokenizer, **LENGTHS)
    assert first.frame(ROWS) == expected
    first.save()
    again = FramingCache(tmp_path / "ids", tokenizer, **LENGTHS)
    assert again.frame(ROWS) == expected
    assert tokenized == [4, 0]  # the last row is the first one again


def test_other_lengths_and_other_turns_are_read_anew(tokenizer, tokenized, tmp_path):
    path = tmp_path / "folder" / "ids"
    first = FramingCache(path, tokenizer, **LENGTHS)
    first.frame(ROWS[:2])
    first.save()
    longer = FramingCache(path, tokenizer, max_length=60, prompt_tokens=6)
    assert longer.frame(ROWS[:2]) == frame_all_for_reward(
        tokenizer, ROWS[:2], max_length=60, prompt_tokens=6
    )
    longer.save()
    both = FramingCache(path, tokenizer, **LENGTHS)
    both.frame(ROWS)
    assert tokenized == [2, 2, 2]


def test_a_changed_template_is_another_tokenizer(decoder, tokenized, tmp_path):
    tokenizer = load_tokenizer(str(decoder))
    path = tmp_path / "ids"
    first = FramingCache(path, tokenizer, **LENGTHS)
    first.frame(ROWS[:1])
    first.save()
    tokenizer.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    other = FramingCache(path, tokenizer, **LENGTHS)
    assert other.frame(ROWS[:1]) == frame_all_for_reward(tokenizer, ROWS[:1], **LENGTHS)
    assert tokenized == [1, 1]


def test_nothing_new_writes_nothing(tokenizer, tmp_path):
    path = tmp_path / "ids"
    FramingCache(path, tokenizer, **LENGTHS).save()
    assert not path.exists()
