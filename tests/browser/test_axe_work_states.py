"""axe-core finds nothing wrong in the states of the work page that come in the middle of a task."""

import pytest
from playwright.sync_api import Page, expect

from annotate.handout import lease_seat
from annotate.models import Seat
from annotate.seat_numbers import id_of
from annotate.services.projects import update_project
from tests.annotate.media import making
from tests.browser.axe import CALM, Axe
from tests.browser.contents import make_project, wait_for_draft
from tests.browser.desk import answer, open_desk, ready
from tests.browser.marking import LIGHT, PASSAGES, drag, heads, said
from tests.browser.test_chat import open_chat, say

CODE = "def tide(t: float) -> float:\n    return 2 * cos(t)  # metres\n"
RICH = "| a | b |\n|---|---|\n| 1 | $x^2$ |\n\n$$\\frac{1}{2}$$\n\n```python\n" + CODE + "```"
TABLE = {"type": "table", "columns": ["a", "b"], "rows": [[1, "x"], [2.5, None]], "title": "Few"}
LOADED = "() => [...document.querySelectorAll('audio, video')].every(one => one.readyState)"


def calm(page: Page) -> Page:
    page.emulate_media(**CALM)
    return page


def test_offline_and_another_browser(open_work, ada, axe: Axe) -> None:
    laptop, page = open_work(ada), open_work(ada, **CALM)
    laptop.get_by_label("Why?").fill("on the laptop")
    wait_for_draft(laptop)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("button", name="Show what was entered there")).to_be_visible()
    axe.look(page, "gone on with elsewhere")
    page.get_by_label("Why?").fill("at the desk")
    expect(page.get_by_role("button", name="Show the other")).to_be_visible()
    axe.look(page, "something else was entered elsewhere")
    page.context.set_offline(True)
    for key in ("Escape", "1", "Enter", "7", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("[data-notice]")).to_contain_text("sent when the connection is back")
    axe.look(page, "offline, with nothing further here")
    assert axe.looks == 3 * 3


def test_a_conversation_that_is_going_on(open_browser, make_chat, chat_server, axe: Axe) -> None:
    page = calm(open_chat(open_browser, make_chat("failing_once", "halting")))
    say(page, "Hello")
    expect(page.locator("[data-reply][data-state=failed]")).to_be_visible()
    expect(page.locator("[data-reply][data-state=streaming]")).to_contain_text("First half")
    axe.look(page, "a reply that failed and one that is being written")
    chat_server.go.set()
    expect(page.locator("[data-reply][data-state=done]")).to_be_visible()
    assert axe.looks == 3


def test_marking_with_everything(open_spans, axe: Axe) -> None:
    page = open_spans({"overlap": True}, LIGHT, passages=PASSAGES, **CALM)
    drag(page, "made of steel")
    axe.look(page, "words selected")
    page.keyboard.press("3")
    expect(said(page)).to_contain_text("Choose the sentences of a passage")
    page.get_by_role("checkbox", name="It was built of stone.").click()
    axe.look(page, "evidence being picked")
    page.keyboard.press("Enter")
    drag(page, "was made of")
    page.keyboard.press("4")
    expect(heads(page)).to_have_count(2)
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="It stood on Pharos.").press("Space")
    page.keyboard.press("Enter")
    page.get_by_label("Corrected text").fill(LIGHT.replace("steel", "stone"))
    expect(page.get_by_role("region", name="What you changed").locator("ins")).to_be_visible()
    axe.look(page, "overlapping marks, what is missing and a correction")
    assert axe.looks == 3 * 3


@pytest.mark.django_db(transaction=True)
def test_every_sort_of_content(open_browser, make_media_task, axe: Axe) -> None:
    files = {
        "a.png": making.picture("PNG", 300, 200),
        "b.png": making.picture("PNG", 200, 300),
        "c.wav": making.tone(1),
        "d.webm": making.film("webm", "libvpx", 160, 120, seconds=1.0),
    }
    picture = [{"image": "a.png", "alt": "First"}, {"image": "b.png", "alt": "Second"}]
    sounds = [{"audio": "c.wav", "transcript": "la", "title": "A tone"}, {"video": "d.webm"}]
    code = {"type": "code", "language": "python", "text": CODE}
    task = make_media_task(files, [*picture, *sounds], [RICH, code, TABLE, {"audio": "c.wav"}])
    page = open_browser(task.project.created_by, **CALM)
    page.goto(f"/projects/{task.project_id}/work/")
    ready(page)
    page.wait_for_function(LOADED)
    axe.look(page, "pictures, sounds, films, code, tables and formulas")
    page.get_by_role("link", name="First").click()
    page.keyboard.press("s")
    expect(page.get_by_role("dialog").get_by_role("img")).to_have_count(2)
    axe.look(page, "pictures side by side")
    assert axe.looks == 3 * 2


def test_guidelines_that_changed(open_work, ada, project, axe: Axe) -> None:
    page = open_work(ada, **CALM)
    page.get_by_label("Why?").fill("half a thought")
    wait_for_draft(page)
    update_project(project=project, actor=ada, guidelines="Be fair.")
    open_desk(page, project)
    expect(page.locator("[data-outdated]")).to_be_visible()
    axe.look(page, "a draft that came back, under another form")
    assert axe.looks == 3


def test_guidelines_that_changed_while_the_page_was_open(open_work, ada, project, axe) -> None:
    page = open_work(ada, **CALM)
    update_project(project=project, actor=ada, guidelines="Be fair.")
    for _ in range(2):
        answer(page, "A is better")
    expect(page.locator("[data-changed]")).to_be_visible()
    axe.look(page, "a task under another form than the one before")
    assert axe.looks == 3


def test_a_reply_that_was_stopped(open_browser, make_chat, chat_server, axe: Axe) -> None:
    page = calm(open_chat(open_browser, make_chat("endless")))
    say(page, "Go on")
    expect(page.locator("[data-written]")).to_contain_text("on and on and")
    page.get_by_role("button", name="Stop A").click()
    expect(page.locator("[data-reply][data-state=stopped]")).to_be_visible()
    expect(page.locator("[data-reply] .prose")).to_contain_text("on and on and")
    axe.look(page, "a reply that was stopped")
    assert axe.looks == 3


def test_a_task_that_somebody_else_has_by_now(open_browser, ada, project, axe: Axe) -> None:
    project.lease_seconds = 10
    project.save()
    page = open_browser(ada, **CALM)
    open_desk(page, project)
    seat = id_of(int(page.locator("#task").get_attribute("data-seat")))
    Seat.objects.filter(pk=seat).update(
        state="done", annotator=project.created_by, former_holders=[ada.pk]
    )
    page.mouse.move(200, 200)
    expect(page.locator("[data-notice]")).to_contain_text("ran out")
    axe.look(page, "the time for a task ran out")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("kept as an extra one")
    axe.look(page, "an answer that came too late")
    assert axe.looks == 3 * 2


def test_others_have_what_is_left(open_browser, ada, make_user, add_member, axe: Axe) -> None:
    project = make_project(ada, "pairwise", {}, ("Why?", ["So.", "No."]))
    bob = make_user("bob")
    add_member(project, bob)
    lease_seat(project=project, user=ada)
    page = open_browser(bob, **CALM)
    page.goto(f"/projects/{project.pk}/work/")
    expect(page.get_by_text("others have it")).to_be_visible()
    axe.look(page, "others have what is left")
    assert axe.looks == 3
