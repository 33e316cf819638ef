"""Spans as a form: what the page starts from, and what comes back."""

import json
from types import SimpleNamespace

import pytest
from django.template.loader import get_template
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.span_settings import clean_settings
from annotate.kinds.spans import clean_value
from annotate.pages.kinds.spans import TEMPLATE, TYPE_KEYS, context, read

TEXTS = {7: "It was <b>built</b> 😀 of steel.", 4: "\nOf stone."}
PASSAGES = [{"title": "Lighthouse", "sentences": ["Of stone.", "On <Pharos>."]}]
RESPONSES = [
    SimpleNamespace(pk=pk, letter=letter, content=[{"type": "text", "text": text}])
    for letter, (pk, text) in zip("AB", TEXTS.items(), strict=True)
]
TASK = SimpleNamespace(responses=RESPONSES, passages=PASSAGES, suggestions=())
SHOWN = Shown(
    tuple(ShownResponse(pk, ({"type": "text", "text": text},)) for pk, text in TEXTS.items()),
    passages=tuple(PASSAGES),
)
SETTINGS = clean_settings({"confidence": True, "severities": ["minor", "major"]})
VALUE = {
    "marks": [
        {
            "response": 7,
            "part": 0,
            "start": 20,
            "end": 29,
            "type": "inconsistent",
            "severity": "major",
            "evidence": {"passage": 1, "sentences": [0, 2]},
            "note": "</script>\u2028",
            "replacement": "",
        }
    ],
    "missing": [],
    "corrected": {"7": "It was built of stone."},
    "no_error": False,
    "confidence": "fairly",
}


def fields(value: dict) -> MultiValueDict:
    """What the form sends for what the page has shown."""
    shown = context(SETTINGS, TASK, value)
    return MultiValueDict(
        {"answer": [shown["json"]], "answer.confidence": [shown["confidence_given"]]}
    )


def test_a_stored_answer_comes_back_as_it_was():
    assert clean_value(VALUE, shown=SHOWN, settings=SETTINGS) == VALUE
    assert read(fields(VALUE), "answer") == VALUE


def test_untouched_fields_are_no_answer():
    assert read(MultiValueDict({"answer": [""], "answer.confidence": [""]}), "answer") is None
    assert read(MultiValueDict({}), "answer") is None
    sure = MultiValueDict({"answer": [""], "answer.confidence": ["not"]})
    assert read(sure, "answer") == {"confidence": "not"}
    assert context(SETTINGS, TASK, None)["json"] == context(SETTINGS, TASK, {})["json"] == ""


def test_what_makes_no_sense_goes_into_the_value_as_it_is():
    assert read(MultiValueDict({"answer": ["{"]}), "answer") == "{"
    assert read(MultiValueDict({"answer": ["[1]"], "answer.confidence": ["not"]}), "answer") == [1]


@pytest.mark.parametrize("value", ["text", [], 3, {"marks": float("nan")}])
def test_values_that_no_page_wrote_start_an_empty_one(value):
    assert context(SETTINGS, TASK, value)["json"] == ""


json_values = st.recursive(
    st.none() | st.floats() | st.integers() | st.text(st.characters(codec=None), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["marks", "missing", "confidence", "\ud800"]), inner)
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_value_can_be_shown_and_sent(value):
    sent = context(SETTINGS, TASK, value)["json"]
    assert sent.encode("ascii") == sent.encode()
    if sent:
        kept = {name: entry for name, entry in value.items() if name != "confidence"}
        assert json.loads(sent) == kept


def test_every_type_has_its_label_and_the_first_ones_a_key():
    types = [{"name": f"t{number}"} for number in range(25)]
    offered = context(clean_settings({"types": types}), TASK, None)["types"]
    assert [button.key for button in offered] == [*TYPE_KEYS, *[""] * (25 - len(TYPE_KEYS))]
    assert len({button.label for button in offered}) == 25
    assert offered[3].title == "t3"
    own = set("rsfudlg?abnpqwec0mv[]+*")
    assert not own & set(TYPE_KEYS)


def test_places_are_left_out_where_nothing_is_asked():
    assert context(SETTINGS, TASK, None)["show_responses"] is True
    assert context(clean_settings({"correction": False}), TASK, None)["show_responses"] is False


def test_sentences_are_choosable_where_a_type_takes_them():
    shown = context(SETTINGS, TASK, None)["passages"]
    assert shown.count('role="checkbox"') == 2
    assert "On &lt;Pharos&gt;." in shown
    types = [{"name": "wrong"}]
    plain = clean_settings({"types": types, "missing_types": []})
    assert "checkbox" not in context(plain, TASK, None)["passages"]


def test_the_correction_starts_with_the_text_itself():
    """A browser drops one line end at the beginning of a text area."""
    variables = context(SETTINGS, TASK, None)
    part = SimpleNamespace(id="answer", prefix="answer", settings=SETTINGS)
    template = get_template("annotate/kinds/spans_response.html")
    html = template.render({"part": part, "response": RESPONSES[1], **variables["by_response"][4]})
    assert ">\n\nOf stone.</textarea>" in html
    html = template.render({"part": part, "response": RESPONSES[0], **variables["by_response"][7]})
    assert ">\nIt was &lt;b&gt;built&lt;/b&gt; 😀 of steel.</textarea>" in html


def test_the_hidden_field_is_escaped():
    variables = context(SETTINGS, TASK, VALUE)
    part = SimpleNamespace(
        id="answer", prefix="answer", settings=SETTINGS, wrong_at=lambda *below: ""
    )
    html = get_template(TEMPLATE).render({"part": part, **variables})
    assert "</script>" not in html
    assert html.count('name="answer"') == 1
