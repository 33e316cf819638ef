"""Marking spans on the page: by pointer and keys, evidence, what is missing, corrections."""

import json
import random
import re

import pytest
from playwright.sync_api import Page, expect

from annotate.finegrained.layout import lay_out
from annotate.models import Draft, Judgement, Project
from annotate.models.content import Prompt
from tests.browser.contents import make_project, problem, shown_ids, submit, wait_for_draft
from tests.browser.desk import PHONE

LIGHT = (
    "The Lighthouse of Alexandria was built about 280 BC. It was made of steel. It was built then."
)
PLAIN = {"correction": False, "missing_types": []}
PASSAGES = [
    {"title": "Lighthouse", "sentences": ["It was built of stone.", "It stood on Pharos."]},
    {"title": "Pharos", "sentences": ["An island off Alexandria."]},
]


@pytest.fixture
def open_spans(open_browser, ada):
    """open_spans(settings, *texts, kind="spans", passages=(), **context) -> the work page."""

    def open_(settings: dict, *texts: str, kind="spans", passages=(), **options) -> Page:
        project = make_project(ada, kind, settings, ("How was it built?", texts))
        Prompt.objects.filter(project=project).update(passages=list(passages))
        page = open_browser(ada, **options)
        open_page(page, project)
        return page

    return open_


def open_page(page: Page, project: Project) -> None:
    page.goto(f"/projects/{project.pk}/work/")
    page.locator(".span-layer").first.wait_for(state="attached")


RECT = """([letter, words]) => {
  const prose = document.querySelector(`#response-${letter} .prose`);
  const walker = document.createTreeWalker(prose, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    const range = new Range();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    node.parentElement.scrollIntoView({ block: "nearest" });
    const boxes = [...range.getClientRects()].map((box) => box.toJSON());
    return [boxes[0], boxes.at(-1)];
  }
  throw new Error(`not shown in one piece: ${words}`);
}"""


def drag(page: Page, words: str, letter: str = "A") -> None:
    """Select words with the mouse; they run in one direction."""
    first, last = page.evaluate(RECT, [letter, words])
    near, far = first["x"] + 0.6, last["x"] + last["width"] - 0.6
    if "\u0590" <= words[0] <= "\u07ff":
        near, far = first["x"] + first["width"] - 0.6, last["x"] + 0.6
    page.mouse.move(near, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(far, last["y"] + last["height"] / 2, steps=5)
    page.mouse.up()


def click_on(page: Page, words: str, letter: str = "A") -> None:
    first, _last = page.evaluate(RECT, [letter, words])
    page.mouse.click(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)


def type_button(page: Page, name: str):
    return page.locator(".span-types").get_by_role("button", name=name)


def heads(page: Page):
    """The marks in the list beside the text."""
    return page.get_by_role("list", name="Marks, in the order of the text").locator(".span-head")


def note(page: Page):
    """The note of the mark whose details are open."""
    return page.locator(".span-entry[data-chosen]").get_by_label("Note")


def said(page: Page):
    return page.locator(".span-state")


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


def test_evidence_from_passages_and_from_earlier_text(open_spans):
    page = open_spans(PLAIN, LIGHT, passages=PASSAGES)
    drag(page, "made of steel")
    page.keyboard.press("3")
    expect(said(page)).to_contain_text("Choose the sentences of a passage for: “made of steel”")
    page.get_by_role("checkbox", name="It was built of stone.").click()
    page.get_by_role("checkbox", name="An island off Alexandria.").click()
    page.get_by_role("checkbox", name="It stood on Pharos.").click()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Title: Lighthouse")).to_be_checked()
    page.keyboard.press("Enter")
    expect(heads(page)).to_have_text(re.compile("made of steel$"))
    drag(page, "It was built then")
    page.keyboard.press("2")
    expect(said(page)).to_contain_text("Select the earlier text that this says again")
    drag(page, "It was built then")
    expect(said(page)).to_contain_text("must stand before the mark")
    drag(page, "was built about 280 BC")
    expect(said(page)).to_contain_text("Evidence: “was built about 280 BC”")
    first, second = submit(page)["marks"]
    assert first["evidence"] == {"passage": 1, "sentences": [0, 2]}
    evidence = second["evidence"]
    assert LIGHT[evidence["start"] : evidence["end"]] == "was built about 280 BC"


def test_what_is_missing_the_gate_and_the_correction(open_spans):
    page = open_spans({}, LIGHT, passages=PASSAGES)
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Choose the sentences of a passage for: Missing answer")
    page.get_by_role("checkbox", name="It stood on Pharos.").press("Space")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Correct the text of response A too.")
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_have_text("Correct the text of response A too.")
    text = page.get_by_label("Corrected text")
    expect(text).to_be_focused()
    text.fill(LIGHT.replace("steel", "stone on Pharos"))
    change = page.get_by_role("region", name="What you changed")
    expect(change.locator("del")).to_have_text(["steel"])
    expect(change.locator("ins")).to_have_text(["stone on Pharos"])
    expect(said(page)).to_contain_text("Complete.")
    page.get_by_role("button", name="Back to the original").click()
    expect(change).to_be_hidden()
    expect(said(page)).to_contain_text("Correct the text of response A too.")
    text.fill(LIGHT.replace("steel", "stone on Pharos"))
    [pk] = shown_ids(page)
    assert submit(page) == {
        "marks": [],
        "missing": [
            {
                "response": pk,
                "type": "missing_answer",
                "evidence": {"passage": 1, "sentences": [2]},
            }
        ],
        "corrected": {str(pk): LIGHT.replace("steel", "stone on Pharos")},
        "no_error": False,
    }


def test_no_error_and_marks_exclude_each_other(open_spans):
    page = open_spans(PLAIN, LIGHT)
    page.keyboard.press("0")
    expect(said(page)).to_contain_text("Complete.")
    drag(page, "steel")
    page.keyboard.press("1")
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_contain_text("“No error” is ticked though something is marked")
    page.keyboard.press("Control+z")
    expect(heads(page)).to_have_count(0)
    assert submit(page)["no_error"] is True


def test_ctrl_z_takes_marks_back_and_keeps_what_was_typed(open_spans):
    page = open_spans(PLAIN, LIGHT)
    drag(page, "steel")
    page.keyboard.press("1")
    drag(page, "BC")
    page.keyboard.press("1")
    click_on(page, "steel")
    note(page).fill("kept")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    expect(heads(page)).to_have_text(re.compile("steel$"))
    expect(note(page)).to_have_value("kept")
    page.keyboard.press("Control+Shift+z")
    expect(heads(page)).to_have_count(2)


def test_a_draft_comes_back_and_an_answer_by_undo(open_spans):
    page = open_spans({}, LIGHT, passages=PASSAGES)
    drag(page, "made of steel")
    page.keyboard.press("4")
    page.get_by_label("Corrected text").fill(LIGHT.replace("steel", "stone"))
    with page.expect_response(re.compile("/draft/")):
        note(page).fill("not steel")
    wait_for_draft(page)
    assert "not steel" in Draft.objects.get().value["fields"]["answer"][0]
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(heads(page)).to_have_text(re.compile("made of steel$"))
    expect(page.locator(".correction-diff ins")).to_have_text(["stone"])
    value = submit(page)
    assert value["marks"][0]["note"] == "not steel"
    page.goto(f"/projects/{Project.objects.get().pk}/work/undo/")
    expect(heads(page)).to_have_text(re.compile("made of steel$"))
    heads(page).click()
    page.get_by_role("button", name="Delete").click()
    expect(said(page)).to_contain_text("Mark what was wrong in response A too.")
    page.get_by_role("button", name="Back to the original").click()
    page.get_by_label("No error").check()
    page.get_by_role("button", name="Save the change").click()
    page.wait_for_url(re.compile("/work/$"))
    value = Judgement.objects.current().get().value
    assert value == {"marks": [], "missing": [], "corrected": {}, "no_error": True}


FORM = {
    "questions": [
        {"name": "overall", "title": "Which is better?", "kind": "pairwise"},
        {
            "name": "errors",
            "title": "What is wrong with the weaker one?",
            "kind": "spans",
            "when": {"question": "overall", "verdict": ["prefer"]},
            "responses": {"of": "overall", "side": "rejected"},
            "settings": PLAIN,
        },
    ]
}


def test_a_form_of_a_pair_and_spans_on_the_loser(open_spans):
    page = open_spans(FORM, LIGHT, "Of stone, says one.", kind="form")
    errors = page.get_by_role("group", name="What is wrong with the weaker one?")
    expect(errors.first).to_be_hidden()
    expect(page.locator(".side")).to_be_hidden()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    first, second = shown_ids(page)
    texts = {1: LIGHT, 2: "Of stone, says one."}
    shown = page.locator(".response .prose").all_inner_texts()
    for letter, text in zip("AB", shown, strict=True):
        drag(page, text.split()[2].strip("."), letter)
        page.keyboard.press("4")
    expect(heads(page)).to_have_count(1)
    page.get_by_role("radio", name="B is much better").check()
    expect(heads(page)).to_have_count(0)
    expect(page.locator("#response-B .span-box")).to_have_count(0)
    drag(page, shown[0].split()[2].strip("."), "A")
    page.keyboard.press("3")
    assert page.get_by_role("radio", name="B is much better").is_checked()
    answers = submit(page)["answers"]
    assert answers["overall"]["preferred"] == second
    [mark] = answers["errors"]["marks"]
    assert (mark["response"], mark["type"]) == (first, "inconsistent")
    assert shown[0][mark["start"] : mark["end"]] == shown[0].split()[2].strip(".")
    assert sorted(texts.values()) == sorted(shown)


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


def test_two_hundred_sentences_with_three_hundred_spans_stay_smooth(open_spans, ada):
    """On a machine at rest a mark takes a third of what is allowed here."""
    sentence = "Sentence {} has **bold**, `code`, *more* words &amp; an émoji 😀 to mark."
    text = "\n\n".join(sentence.format(number) for number in range(200))
    page = open_spans({**PLAIN, "overlap": True}, text)
    [pk] = shown_ids(page)
    chance = random.Random(1)
    marks = []
    for number in range(300):
        start = chance.randrange(len(text) - 200)
        kind = ["irrelevant", "unverifiable", "incoherent"][number % 3]
        end = start + chance.randrange(20, 180)
        marks.append({"response": pk, "part": 0, "start": start, "end": end, "type": kind})
    Draft.objects.create(
        seat_id=int(page.locator("#task").get_attribute("data-seat")),
        annotator=ada,
        value={"fields": {"answer": [json.dumps({"marks": marks})]}, "saved_at": 1},
    )
    page.reload()
    expect(heads(page)).to_have_count(300)
    took = page.evaluate(
        """async () => {
          const article = document.querySelector("#response-A");
          const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          const time = async (deed) => {
            await frame();
            const began = performance.now();
            deed();
            document.body.getBoundingClientRect();
            const took = performance.now() - began;
            await frame();
            return took;
          };
          const press = (key, more = {}) => (document.activeElement ?? article).dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
          const best = async (count, deed) => {
            const all = [];
            for (let index = 0; index < count; index++) all.push(await time(deed));
            return Math.min(...all);
          };
          article.focus();
          const move = await best(10, () => press("ArrowDown"));
          const wide = { shiftKey: true, ctrlKey: true };
          const select = await best(10, () => press("ArrowRight", wide));
          let [mark, undo] = [Infinity, Infinity];
          for (let index = 0; index < 6; index++) {
            await time(() => press("ArrowRight", wide));
            mark = Math.min(mark, await time(() => press("1")));
            undo = Math.min(undo, await time(() => press("z", { ctrlKey: true })));
          }
          const scroll = await best(10, () => (article.scrollTop += 200));
          const boxes = document.querySelectorAll(".span-box").length;
          return { move, select, mark, undo, scroll, boxes };
        }"""
    )
    assert took["boxes"] > 400
    assert took["move"] < 30
    assert took["select"] < 30
    assert took["scroll"] < 16
    assert took["mark"] < 300
    assert took["undo"] < 300
