"""What goes with marked spans: evidence, what is missing, corrections; drafts, undo, forms."""

import re

from playwright.sync_api import expect

from annotate.models import Draft, Judgement, Project
from tests.browser.contents import problem, shown_ids, submit, wait_for_draft
from tests.browser.desk import ready, reload
from tests.browser.marking import LIGHT, PASSAGES, PLAIN, click_on, drag, heads, note, said


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


def test_a_sentence_clicked_is_for_the_mark_that_is_said_to_lack_one(open_spans):
    """With no details open, as after a reload."""
    page = open_spans(PLAIN, LIGHT, passages=PASSAGES)
    drag(page, "made of steel")
    page.keyboard.press("3")
    expect(said(page)).to_contain_text("Choose the sentences of a passage for: “made of steel”")
    wait_for_draft(page)
    reload(page)
    page.get_by_role("tab", name="Passages").click()
    stone = page.get_by_role("checkbox", name="It was built of stone.")
    stone.click()
    expect(stone).to_be_checked()
    expect(said(page)).to_contain_text("Complete.")
    [mark] = submit(page)["marks"]
    assert mark["evidence"] == {"passage": 1, "sentences": [1]}


def test_a_title_that_has_the_focus_is_seen_whole(open_spans):
    """What stays in place above the passages does not cover it, and its ring no words."""
    sentences = [f"Sentence {number} of a long passage." for number in range(30)]
    many = [{"title": f"Passage {number}", "sentences": sentences} for number in range(4)]
    page = open_spans(PLAIN, LIGHT, passages=many)
    drag(page, "made of steel")
    page.keyboard.press("3")
    page.get_by_role("checkbox", name="Sentence 29 of a long passage.").last.click()
    for _ in range(3 * 31 + 30):
        page.keyboard.press("ArrowUp")
    title = page.get_by_role("checkbox", name="Title: Passage 0")
    expect(title).to_be_focused()
    covered, beside = title.evaluate("""(one) => {
      const box = one.getBoundingClientRect();
      const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      const edges = [[x, box.top + 1], [x, box.bottom - 1], [box.left + 1, y], [box.right - 1, y]];
      const style = getComputedStyle(one);
      const ring = parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
      const next = one.nextElementSibling.getClientRects()[0];
      return [
        edges.some(([x, y]) => document.elementFromPoint(x, y) !== one),
        next.left - box.right - ring,
      ];
    }""")
    assert not covered
    assert beside >= 0


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
    note(page).fill("not steel")
    wait_for_draft(page)
    assert "not steel" in Draft.objects.get().value["fields"]["answer"][0]
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(heads(page)).to_have_text(re.compile("made of steel$"))
    expect(page.locator(".correction-diff ins")).to_have_text(["stone"])
    value = submit(page)
    assert value["marks"][0]["note"] == "not steel"
    page.goto(f"/projects/{Project.objects.get().pk}/work/undo/")
    ready(page)
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
