import json
from decimal import Decimal

import pytest
from django.utils import translation

from annotate.templatetags.reading import as_json, money


@pytest.mark.parametrize("value", [[{"low": 20}], {"a": "ü “x”"}, None, True, False])
def test_what_is_no_text_or_number_can_be_sent_back(value: object) -> None:
    assert json.loads(as_json(value)) == value
    assert "\\u" not in as_json(value)


@pytest.mark.parametrize("value", ["[1]", 3, 0.5])
def test_texts_and_numbers_stay(value: object) -> None:
    assert as_json(value) == str(value)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.2500", "0.25"), ("14.0000", "14.00"), ("0.0125", "0.0125"), ("100", "100.00")],
)
def test_amounts_have_the_digits_that_say_something(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text
    with translation.override("de"):
        assert money(Decimal(amount)) == text.replace(".", ",")
