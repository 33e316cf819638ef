"""A hidden field with the whole answer as JSON."""

from annotate.pages.kinds import json_field


def test_json_fields_are_read_as_they_are():
    read = json_field.read
    assert read({"answer": '{"a": [1]}'}, "answer") == {"a": [1]}
    assert read({}, "answer") is read({"answer": " "}, "answer") is None
    assert read({"answer": "{"}, "answer") == "{"
    assert read({"answer": "[" * 100_000}, "answer") == "[" * 100_000
    assert read({"answer": json_field.write({"ä": 1})}, "answer") == {"ä": 1}
