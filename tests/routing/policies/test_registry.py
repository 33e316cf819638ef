import pytest

from routing.policies.registry import KINDS, load


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_artifact_that_lacks_something_is_told(kind: str) -> None:
    with pytest.raises(ValueError, match="fit it anew"):
        load({"kind": kind})


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="cascade"):
        load({"kind": "oracle"})
