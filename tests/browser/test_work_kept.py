"""Nothing is lost: drafts, crashes, lost connections, lost leases, sessions that end."""

import re

from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Draft, Judgement, Seat
from annotate.seat_numbers import id_of
from tests.browser.contents import wait_for_draft
from tests.browser.desk import answer, counted, is_taken, open_desk, option, question


def test_reload_in_the_middle_of_a_draft(open_work, ada, project):
    page = open_work(ada)
    before = question(page)
    option(page, "B is better").check()
    page.get_by_label("Why?").fill("half a thought")
    wait_for_draft(page)
    assert Draft.objects.get().value["fields"]["rationale"] == ["half a thought"]
    page.evaluate("localStorage.clear()")
    open_desk(page, project)
    assert question(page) == before
    expect(option(page, "B is better")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("half a thought")


def test_draft_survives_a_crash_before_it_was_sent(open_work, ada, project):
    page = open_work(ada)
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('gone')); }")
    option(page, "B is better").check()
    page.get_by_label("Why?").fill("not sent yet")
    assert not Draft.objects.exists()
    open_desk(page, project)
    expect(option(page, "B is better")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("not sent yet")
    wait_for_draft(page)
    assert Draft.objects.get().value["fields"]["rationale"] == ["not sent yet"]


def test_offline_then_back(open_work, ada):
    page = open_work(ada)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("sent when the connection is back")
    assert not Judgement.objects.exists()
    page.context.set_offline(False)
    expect(page.locator("[data-notice]")).to_be_hidden()
    expect(page.locator("[data-status]")).to_have_text("Saved")
    counted(page, 2)
    assert Judgement.objects.count() == 2
    answer(page, "Tie: equally good")
    assert Judgement.objects.count() == 3


def test_answers_survive_a_crash_while_offline(open_work, ada, project):
    page = open_work(ada)
    page.route("**/submit/", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    with page.expect_response(is_taken):
        page.unroute("**/submit/")
        page.goto(reverse("work", args=[project.pk]))
    assert Judgement.objects.count() == 1


def test_an_answer_whose_receipt_was_lost_is_counted_once(open_work, ada, project):
    page = open_work(ada)

    def lose(route) -> None:
        route.fetch()
        route.abort()

    page.route("**/submit/", lose)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    assert Judgement.objects.count() == 1
    page.unroute("**/submit/")
    with page.expect_response(is_taken):
        page.goto(reverse("work", args=[project.pk]))
    expect(page.locator("[data-status]")).to_have_text("Saved")
    counted(page, 1)
    assert Judgement.objects.count() == 1


def test_an_answer_that_the_server_fails_at_keeps_no_other_back(open_work, ada):
    page = open_work(ada)
    first = page.locator("#task").get_attribute("data-seat")
    page.route(f"**/{first}/submit/", lambda route: route.fulfill(status=500))
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_contain_text("kept in this browser")
    with page.expect_response(is_taken):
        page.keyboard.press("7")
        page.keyboard.press("Enter")
    assert Judgement.objects.get().seat_id != int(first)
    with page.expect_response(is_taken):
        page.unroute(f"**/{first}/submit/")
    expect(page.locator("[data-notice]")).to_be_hidden()
    counted(page, 2)
    assert Judgement.objects.count() == 2


def test_undo_while_offline_takes_the_answer_back(open_work, ada):
    page = open_work(ada)
    first = question(page)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.keyboard.press("u")
    expect(page.locator(".turn.last .prose")).to_have_text(first)
    counted(page, 0)
    page.context.set_offline(False)
    page.keyboard.press("7")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    judgement = Judgement.objects.get()
    assert judgement.value["preferred"] == judgement.shown_order[1]


def test_stale_page_says_so_and_goes_on(open_work, ada):
    page = open_work(ada)
    seat = id_of(int(page.locator("#task").get_attribute("data-seat")))
    Seat.objects.filter(pk=seat).update(state="void", annotator=None, former_holders=[])
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("nothing was saved")
    counted(page, 0)
    assert not Judgement.objects.exists()
    answer(page, "A is better")


def test_lost_lease_is_told_and_the_answer_kept(open_browser, ada, project):
    project.lease_seconds = 10
    project.save()
    page = open_browser(ada)
    open_desk(page, project)
    seat = Seat.objects.get(pk=id_of(int(page.locator("#task").get_attribute("data-seat"))))
    Seat.objects.filter(pk=seat.pk).update(
        state="done", annotator=project.created_by, former_holders=[ada.pk]
    )
    page.mouse.move(200, 200)
    expect(page.locator("[data-notice]")).to_contain_text("ran out")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("kept as an extra one")
    assert Judgement.objects.get().late


def test_logged_out_meanwhile_keeps_the_answer(open_work, ada, project):
    page = open_work(ada)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("Log in again")
    assert not Judgement.objects.exists()
    with page.expect_response(is_taken):
        page.context.add_cookies(cookies)
        page.goto(reverse("work", args=[project.pk]))
    assert Judgement.objects.count() == 1


def test_answer_refused_by_the_server_comes_back(open_work, ada, project):
    page = open_work(ada)
    project.kind_settings = {"rationale_min_chars": 20}
    project.save()
    first = question(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text("at least 20 characters")
    expect(page.locator(".turn.last .prose")).to_have_text(first)
    page.get_by_label("Why?").fill("now it is long enough for all")
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Submit").click()
    assert Judgement.objects.get().rationale == "now it is long enough for all"
