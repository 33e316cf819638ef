"""Parts as one text."""

import pytest

from annotate.media.as_text import as_text, text_turns

SHA = "ab" * 32


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("So.", "So."),
        ([], ""),
        ([{"type": "text", "text": "a"}, "b"], "a\n\nb"),
        ([{"type": "image", "file": 3, "sha256": SHA, "alt": "A cat"}], f"[image {SHA}]"),
        ({"audio": "miaow.wav"}, "[audio miaow.wav]"),
        ({"type": "code", "text": "x = 1", "language": "python"}, "```python\nx = 1\n```"),
        ({"type": "code", "text": "x"}, "```\nx\n```"),
        (
            {"type": "table", "columns": ["a", "b"], "rows": [[1, None], [True, "x"]]},
            "a\tb\n1\t\nTrue\tx",
        ),
        ({"type": "table", "rows": [3]}, ""),
    ],
)
def test_parts_become_one_text(content, text) -> None:
    assert as_text(content) == text


def test_turns_are_left_alone_or_copied() -> None:
    plain = [{"role": "user", "content": "?"}]
    assert text_turns(plain) is plain
    mixed = [*plain, {"role": "user", "content": [{"type": "image", "file": 1, "sha256": SHA}]}]
    assert text_turns(mixed) == [*plain, {"role": "user", "content": f"[image {SHA}]"}]
    assert mixed[1]["content"][0]["file"] == 1
