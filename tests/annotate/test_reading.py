import json

import pytest

from annotate.templatetags.reading import as_json


@pytest.mark.parametrize("value", [[{"low": 20}], {"a": "ü “x”"}, None, True, False])
def test_what_is_no_text_or_number_can_be_sent_back(value: object) -> None:
    assert json.loads(as_json(value)) == value
    assert "\\u" not in as_json(value)


@pytest.mark.parametrize("value", ["[1]", 3, 0.5])
def test_texts_and_numbers_stay(value: object) -> None:
    assert as_json(value) == str(value)
