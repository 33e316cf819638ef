"""Marking spans on the page: by pointer and keys, in any script, on a phone, very many."""

import json
import random
import re

import pytest
from playwright.sync_api import expect

from annotate.finegrained.layout import lay_out
from annotate.models import Draft, Judgement
from annotate.seat_numbers import id_of
from benchmarks.span_speed import long_text, marks_in
from tests.browser.contents import problem, shown_ids, submit
from tests.browser.desk import PHONE, reload
from tests.browser.marking import (
    LIGHT,
    PASSAGES,
    PLAIN,
    click_on,
    drag,
    heads,
    note,
    said,
    type_button,
)


def test_marks_by_mouse_key_and_button(open_spans):
    page = open_spans(PLAIN, LIGHT)
    expect(said(page)).to_have_text("Mark what is wrong, or say that there is no error.")
    drag(page, "ade of stee")
    page.keyboard.press("4")
    expect(said(page)).to_contain_text("Marked as Unverifiable fact: “made of steel” Complete.")
    drag(page, "Lighthouse")
    page.locator(".span-menu").get_by_text("Irrelevant").click()
    drag(page, "about 280 BC")
    type_button(page, "Incoherent").click()
    expect(heads(page)).to_have_text(
        [
            re.compile(r"^1Irrelevant\s+Lighthouse"),
            re.compile(r"^5Incoherent\s+about 280 BC"),
            re.compile(r"^4Unverifiable fact\s+made of steel"),
        ]
    )
    expect(page.locator(".span-box:not(.is-pending)")).to_have_count(3)
    value = submit(page)
    assert [(LIGHT[mark["start"] : mark["end"]], mark["type"]) for mark in value["marks"]] == [
        ("Lighthouse", "irrelevant"),
        ("about 280 BC", "incoherent"),
        ("made of steel", "unverifiable"),
    ]
    assert value["no_error"] is False


def test_by_keyboard_alone(open_spans):
    page = open_spans(PLAIN, f"{LIGHT}\n\nA second paragraph.")
    page.keyboard.press("a")
    expect(page.locator(".span-caret:visible")).to_have_count(1)
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Control+Shift+ArrowDown")
    page.keyboard.press("4")
    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("5")
    page.keyboard.press("Control+Home")
    for _ in range(2):
        page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Control+Shift+ArrowRight")
    page.keyboard.press("1")
    expect(said(page)).to_contain_text("Marked as Irrelevant")
    expect(heads(page)).to_have_count(3)
    page.keyboard.press("]")
    page.keyboard.press("[")
    expect(page.locator(".span-head:focus")).to_have_count(1)
    page.keyboard.press("Delete")
    expect(heads(page)).to_have_count(2)
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("a")
        page.keyboard.press("Enter")
    marks = Judgement.objects.get().value["marks"]
    assert len(marks) == 2
    assert "It was made of steel." in [LIGHT[mark["start"] : mark["end"]] for mark in marks]


MIXED = "Family 👩‍👩‍👧 says **مرحبا بالعالم** today, café 😀 ends.\n\nهذه جملة ثانية للقراءة."


@pytest.mark.parametrize("words", ["مرحبا بالعالم", "👩‍👩‍👧", "😀 ends", "جملة ثانية", "café"])
def test_offsets_are_code_points_of_the_source(open_spans, words):
    page = open_spans({**PLAIN, "snapping": "grapheme"}, MIXED)
    drag(page, words)
    page.keyboard.press("5")
    [mark] = submit(page)["marks"]
    assert MIXED[mark["start"] : mark["end"]] == words


ARABIC = (
    "مرحبا بالعالم الجميل، هذه جملة أولى قصيرة عن المنارة. بنيت المنارة من الفولاذ في عام 280 قبل "
    "الميلاد. هذه جملة ثالثة للقراءة والتأمل في الأخطاء."
)


def test_any_words_of_a_long_text_from_right_to_left(open_spans):
    """Chromium alone selects nothing when the mouse is drawn over some of these."""
    page = open_spans({**PLAIN, "snapping": "grapheme"}, ARABIC)
    chosen = ["أولى قصيرة", "المنارة من الفولاذ", "جملة ثالثة"]
    for number, words in enumerate(chosen, start=1):
        drag(page, words)
        page.keyboard.press("4")
        expect(heads(page)).to_have_count(number)
    marks = submit(page)["marks"]
    assert [ARABIC[mark["start"] : mark["end"]] for mark in marks] == chosen


def test_the_cursor_goes_by_graphemes(open_spans):
    page = open_spans({**PLAIN, "snapping": "none"}, "👩‍👩‍👧😀e\u0301x")
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("5")
    [mark] = submit(page)["marks"]
    assert "👩‍👩‍👧😀e\u0301x"[mark["start"] : mark["end"]] == "😀e\u0301"


def test_overlap_is_refused_or_drawn_in_lanes(open_spans):
    page = open_spans(PLAIN, LIGHT)
    drag(page, "made of steel")
    page.keyboard.press("1")
    drag(page, "It was made")
    page.keyboard.press("5")
    expect(said(page)).to_contain_text("“made of steel” is marked already, and marks may not")
    expect(heads(page)).to_have_count(1)
    page = open_spans({**PLAIN, "overlap": True}, LIGHT)
    drag(page, "made of steel")
    page.keyboard.press("1")
    drag(page, "It was made")
    page.keyboard.press("5")
    drag(page, "It was made")
    page.keyboard.press("5")
    expect(said(page)).to_contain_text("is marked so already.")
    expect(heads(page)).to_have_count(2)
    boxes = page.locator(".span-box:not(.is-pending)")
    lanes = boxes.evaluate_all("all => all.map((one) => one.style.getPropertyValue('--below'))")
    assert sorted(lanes) == ["0px", "4px"]


def test_a_click_chooses_a_mark_and_a_key_changes_its_type(open_spans):
    page = open_spans({**PLAIN, "severities": ["minor", "major"]}, LIGHT)
    drag(page, "made of steel")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    click_on(page, "of steel")
    expect(heads(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("4")
    expect(said(page)).to_contain_text("Say how severe it is: “made of steel”")
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_have_text("Say how severe it is: “made of steel”")
    page.get_by_role("button", name="major").click()
    note(page).fill("stone, <b>not</b> steel")
    page.get_by_label("In its place").fill("made of stone")
    [mark] = submit(page)["marks"]
    assert (mark["type"], mark["severity"]) == ("unverifiable", "major")
    assert (mark["note"], mark["replacement"]) == ("stone, <b>not</b> steel", "made of stone")


def test_phone_width(open_spans):
    page = open_spans({}, LIGHT, passages=PASSAGES, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    type_button(page, "Irrelevant").tap()
    expect(said(page)).to_contain_text("Select the words first")
    page.evaluate("""() => {
        const run = document.querySelector("[data-s]").firstChild;
        getSelection().setBaseAndExtent(run, 4, run, 14);
    }""")
    type_button(page, "Irrelevant").tap()
    expect(heads(page)).to_have_text(re.compile("Lighthouse$"))
    targets = page.locator(".span-type:visible, .span-tabs button, .span-head, .span-add button")
    assert targets.count() > 9
    for target in targets.all():
        assert target.bounding_box()["height"] >= 44
    assert page.locator(".bar").bounding_box()["height"] < 844 * 0.5
    none = page.locator(".span-none").bounding_box()
    assert none["x"] + none["width"] <= 390


def test_lanes_are_those_of_the_server(open_spans):
    page = open_spans(PLAIN, LIGHT)
    chance = random.Random(3)
    cases = []
    for count in [0, 1, 2, 5, 20, 60] * 3:
        starts = [chance.randrange(90) for _ in range(count)]
        cases.append([(start, start + chance.randrange(1, 10)) for start in starts])
    script = """async (cases) => {
      const { lanesOf } = await import("/static/js/kinds/spans/lanes.js");
      return cases.map((spans) => lanesOf(spans.map(([start, end]) => ({ start, end }))));
    }"""
    assert page.evaluate(script, cases) == [lay_out(100, spans).lanes for spans in cases]


def test_two_hundred_sentences_with_three_hundred_spans(open_spans, ada):
    """How long it takes is measured by benchmarks.span_speed."""
    text = long_text(200)
    page = open_spans({**PLAIN, "overlap": True}, text)
    [pk] = shown_ids(page)
    Draft.objects.create(
        seat_id=id_of(int(page.locator("#task").get_attribute("data-seat"))),
        annotator=ada,
        value={
            "fields": {"answer": [json.dumps({"marks": marks_in(text, pk, 300)})]},
            "saved_at": 1,
        },
    )
    reload(page)
    expect(heads(page)).to_have_count(300)
    boxes = page.locator(".span-box:not(.is-pending)")
    before = boxes.count()
    assert before > 400
    page.locator("#response-A").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Shift+ArrowRight")
    page.keyboard.press("1")
    expect(heads(page)).to_have_count(301)
    expect(boxes.nth(before)).to_be_attached()
    page.keyboard.press("Control+z")
    expect(heads(page)).to_have_count(300)
    expect(boxes).to_have_count(before)
