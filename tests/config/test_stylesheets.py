"""Stylesheets hold for both directions of writing."""

import re
from pathlib import Path

from django.conf import settings

FOUR_SIDES = re.compile(
    r"^\s*(?:padding|margin): +((?:[^\s;()]|\((?:[^()]|\([^()]*\))*\))+)"
    r" +((?:[^\s;()]|\((?:[^()]|\([^()]*\))*\))+)"
    r" +((?:[^\s;()]|\((?:[^()]|\([^()]*\))*\))+)"
    r" +((?:[^\s;()]|\((?:[^()]|\([^()]*\))*\))+);",
    re.MULTILINE,
)
ONE_SIDE = re.compile(r"^\s*(?:padding|margin|border)-(?:left|right)\b", re.MULTILINE)


def test_left_and_right_are_not_told_apart():
    """Where they differ it is said by `-inline-start` and `-inline-end`."""
    sheets = list(Path(settings.BASE_DIR, "static/css").rglob("*.css"))
    assert len(sheets) > 20
    found = []
    for sheet in sheets:
        text = sheet.read_text()
        found += [(sheet.name, match[0].strip()) for match in ONE_SIDE.finditer(text)]
        for match in FOUR_SIDES.finditer(text):
            _top, right, _bottom, left = match.groups()
            if right != left:
                found.append((sheet.name, match[0].strip()))
    assert not found
