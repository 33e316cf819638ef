"""What tests of rendering share."""

import pytest

from annotate.rendering.mathml import to_mathml


@pytest.fixture(scope="session", autouse=True)
def converter() -> None:
    """Loaded before anything is timed: the first formula of a process takes a while."""
    assert to_mathml("x", "inline")
