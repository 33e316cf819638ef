"""Policies are fitted here as on a machine that cannot read texts with an encoder.

What an encoder reads is tested in tests/training/test_encoders.py; each child takes seconds.
"""

import pytest


@pytest.fixture(autouse=True)
def without_encoders(monkeypatch) -> None:
    monkeypatch.setattr("training.encoders.PACKAGES", ("a_package_that_is_not_there",))
