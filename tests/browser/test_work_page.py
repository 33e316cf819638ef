"""The work page as people use it: by mouse, by keys, without scripts."""

import re

from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Judgement, Seat, Skip
from tests.browser.desk import (
    answer,
    arrive,
    counted,
    option,
    past_a_second_press,
    question,
    ready,
    revise,
)


def test_ten_tasks_by_mouse(open_work, ada):
    page = open_work(ada)
    names = ["A is much better", "Tie: equally good", "Both are bad", "B is slightly better"]
    asked = []
    for number in range(10):
        asked.append(question(page))
        answer(page, names[number % 4])
    counted(page, 10)
    assert len(set(asked)) == 10
    given = list(Judgement.objects.order_by("pk"))
    assert len(given) == 10
    assert [row.value["verdict"] for row in given[:4]] == ["prefer", "tie", "both_bad", "prefer"]
    assert given[0].value["preferred"] == given[0].shown_order[0]
    assert given[3].value["preferred"] == given[3].shown_order[1]
    assert all(0 <= row.seconds_active < 60 for row in given)
    assert all(row.started_at < row.submitted_at for row in given)


def test_the_share_of_the_project_grows_with_ones_own_answers(open_work, ada, project):
    """Also while the count that many pages share is older than they are."""
    total = Seat.objects.filter(task__project=project).count()
    page = open_work(ada)
    for number in range(1, 4):
        answer(page, "Tie: equally good")
        expect(page.locator("[data-percent]")).to_have_text(f"{100 * number // total} %")


def test_ten_tasks_by_keyboard(open_work, ada):
    page = open_work(ada)
    for number in range(10):
        before = question(page)
        with page.expect_response(re.compile("/submit/")):
            if number == 8:
                page.keyboard.press("ArrowRight")
                page.keyboard.press("ArrowRight")
            elif number == 9:
                page.keyboard.press("r")
                page.keyboard.type("because 3 is true")
                page.keyboard.press("Escape")
                page.keyboard.press("0")
            else:
                page.keyboard.press(str(number + 1) if number < 7 else "4")
            page.keyboard.press("Enter")
        expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    given = list(Judgement.objects.order_by("pk"))
    strengths = [
        (row.value["strength"], row.shown_order.index(row.value["preferred"]))
        for row in given
        if row.value["verdict"] == "prefer"
    ]
    assert strengths == [(3, 0), (2, 0), (1, 0), (1, 1), (2, 1), (3, 1), (1, 1)]
    assert [row.value["verdict"] for row in given].count("tie") == 2
    assert given[9].value == {"verdict": "both_bad"}
    assert given[9].rationale == "because 3 is true"


def test_a_digit_may_submit_at_once(open_work, ada):
    page = open_work(ada)
    page.keyboard.press("?")
    page.get_by_label("A digit submits at once").check()
    page.keyboard.press("Escape")
    before = question(page)
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("2")
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    assert Judgement.objects.get().value["strength"] == 2


def test_next_task_is_shown_before_the_server_answers(open_work, ada):
    page = open_work(ada)
    held = []
    page.route("**/submit/", lambda route: held.append(route))
    before = question(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    assert not Judgement.objects.exists()
    with page.expect_response(re.compile("/submit/")):
        held[0].continue_()
    assert Judgement.objects.count() == 1
    expect(page.locator("[data-announce]")).to_contain_text("Next task")


def test_undo_changes_the_last_answer_and_returns(open_work, ada):
    page = open_work(ada)
    first = question(page)
    answer(page, "A is better")
    second = question(page)
    revise(page)
    assert question(page) == first
    expect(option(page, "A is better")).to_be_checked()
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    arrive(page, "/work/")
    assert question(page) == second
    old, new = Judgement.objects.order_by("pk")
    assert (new.supersedes_id, new.value) == (old.pk, {"verdict": "tie"})


def test_two_people_at_once(open_work, ada, project, make_user, add_member):
    bob = make_user("bob")
    add_member(project, bob)
    pages = [open_work(ada), open_work(bob)]
    for number in range(6):
        answer(pages[number % 2], "A is better" if number % 2 else "B is better")
    for person in (ada, bob):
        tasks = Judgement.objects.filter(annotator=person).values_list("task", flat=True)
        assert len(tasks) == len(set(tasks)) == 3
    assert not Judgement.objects.filter(late=True).exists()


def test_skip_and_flag(open_work, ada):
    page = open_work(ada)
    before = question(page)
    page.keyboard.press("s")
    page.get_by_label("I lack the knowledge").check()
    page.get_by_label("More about it").fill("law")
    with page.expect_response(re.compile("/skip/")):
        page.get_by_role("dialog").get_by_role("button", name="Skip").click()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    assert (Skip.objects.get().reason, Skip.objects.get().note) == ("expertise", "law")
    page.keyboard.press("f")
    page.keyboard.type("names a person")
    page.keyboard.press("Escape")
    answer(page, "Both are bad")
    assert Judgement.objects.get().flag == "names a person"


def test_double_click_submits_once(open_work, ada):
    page = open_work(ada)
    option(page, "A is better").check()
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Submit").dblclick()
    counted(page, 1)
    expect(page.locator(".problem")).to_be_hidden()
    assert Judgement.objects.count() == 1


def test_a_slow_double_click_submits_once(open_work, ada):
    """The browser says that it is one; the next task may have been in view for long by then."""
    page = open_work(ada)
    option(page, "A is better").check()
    before = question(page)
    page.get_by_role("button", name="Submit").hover()
    page.mouse.down()
    page.mouse.up()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    past_a_second_press(page)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    expect(page.locator("[data-status]")).to_have_text("Saved")
    expect(page.locator(".problem")).to_be_hidden()
    counted(page, 1)


def test_nothing_chosen_is_told(open_work, ada):
    page = open_work(ada)
    past_a_second_press(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Choose an answer first.")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator(".problem")).to_be_hidden()


def test_to_the_end_and_the_done_page(open_work, ada):
    page = open_work(ada)
    for _ in range(11):
        answer(page, "A is better")
    option(page, "A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert Judgement.objects.count() == 12
    page.get_by_role("link", name="Change my last answer").click()
    expect(option(page, "A is better")).to_be_checked()


def test_without_scripts(open_browser, ada, project):
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    expect(page.locator("kbd:visible")).to_have_count(0)  # no key would do anything
    for number in range(3):
        option(page, "B is better").check()
        page.get_by_label("Why?").fill(f"reason {number}")
        page.get_by_role("button", name="Submit").click()
        counted(page, number + 1)
    assert Judgement.objects.count() == 3
    page.get_by_role("button", name="Skip").first.click()
    page.get_by_label("Something else").check()
    page.get_by_role("dialog").get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Skipped.")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_label("Why?")).to_have_value("reason 2")
    option(page, "A is better").check()
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    assert Judgement.objects.count() == 4


def test_a_message_goes_with_the_task_it_was_shown_on(open_work, ada):
    page = open_work(ada)
    answer(page, "A is better")
    revise(page)
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    ready(page)
    answer(page, "B is better")
    expect(page.get_by_text("Your answer is changed.")).to_have_count(0)
